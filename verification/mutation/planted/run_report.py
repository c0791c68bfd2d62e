"""Bugs in what a run's report collects: each breaks what the report says of children."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

DETAIL = ("tests/unit/codec/test_job_detail.py",)
COLLECTOR = ("tests/unit/report/test_collector.py",)
WATCH = ("tests/unit/cli/test_report_watch.py",)

MUTANTS = (
    Mutant(
        bug="a child has the start of an attempt before its last",
        file="codec/job_detail.py",
        old="times = attempts[-1] if ended and attempts else job",
        new="times = attempts[0] if ended and attempts else job",
        tests=DETAIL,
    ),
    Mutant(
        bug="the seconds of earlier attempts count twice",
        file="codec/job_detail.py",
        old="earlier = attempts[:-1] if ended else attempts",
        new="earlier = attempts",
        tests=DETAIL,
    ),
    Mutant(
        bug="the children of the second part begin at 0 again",
        file="report/collector.py",
        old='firsts[job["round"]] += job["children"]',
        new='firsts[job["round"]] += 0',
        tests=COLLECTOR,
    ),
    Mutant(
        bug="a child that was stopped with its run has failed",
        file="report/collector.py",
        old="if any(detail.reason.startswith(stop.job_reason) for stop in self._stops):",
        new="if False:",
        tests=COLLECTOR,
    ),
    Mutant(
        bug="records of a further round are those of the latest",
        file="domain/requests.py",
        old='return f"{start}/r{round_number}/{end}"',
        new='return f"{start}/r{latest}/{end}"',
        tests=COLLECTOR,
    ),
    Mutant(
        bug="every record of a million children is read",
        file="report/collector.py",
        old="math.ceil(asked / RECORDS_MAX)",
        new="1",
        tests=COLLECTOR,
    ),
    Mutant(
        bug="an item of a further round is that of the first round's child",
        file="report/items.py",
        old='if child["round"] or step["chunk"] is None',
        new='if step["chunk"] is None',
        tests=COLLECTOR,
    ),
    Mutant(
        bug="a record of several objects is read as far as its first",
        file="report/records.py",
        old='while len(records[-1]["items"]) >= SEGMENT_ITEMS',
        new="while False",
        tests=COLLECTOR,
    ),
    Mutant(
        bug="what runs on Spot is priced on demand",
        file="report/cost.py",
        old="is_spot=capacity.is_spot",
        new="is_spot=False",
        tests=COLLECTOR,
    ),
    Mutant(
        bug="the attempts before the last cost nothing",
        file="report/cost.py",
        old="self.seconds += fact.earlier_s + latest_s",
        new="self.seconds += latest_s",
        tests=COLLECTOR,
    ),
    Mutant(
        bug="any site that lets its name point here reads the page",
        file="cli/batchrelay_cli/verbs/report_watch.py",
        old='return hosts in ([f"{HOST}:{port}"], [f"localhost:{port}"])',
        new="return bool(hosts)",
        tests=WATCH,
    ),
)
