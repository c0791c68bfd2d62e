"""The bugs in how the end of a run is reported; each is judged by the tests of notices."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

TESTS = (
    "tests/unit/domain/test_notices.py",
    "tests/unit/domain/test_transitions.py",
    "tests/unit/domain/test_redrive.py",
    "tests/unit/engine/test_performer.py",
    "tests/unit/engine/test_end_report.py",
    "tests/unit/cli/test_lint_notices.py",
)

MUTANTS = (
    Mutant(
        bug="the end of a run is never published",
        file="domain/pending_effects.py",
        old="    if run.end_event_since is not None:\n",
        new="    if False:\n",
        tests=TESTS,
    ),
    Mutant(
        bug="an answer that comes late acknowledges the event of a later end",
        file="domain/end_effects.py",
        old="if run.end_event_since is None or event.redrive != run.redrive_number:",
        new="if run.end_event_since is None:",
        tests=TESTS,
    ),
    Mutant(
        bug="an event that EventBridge refuses is tried for ever",
        file="engine/effects.py",
        old="return RunEndRefused(at=self.clock.now(), redrive=effect.redrive)",
        new="raise",
        tests=TESTS,
    ),
    Mutant(
        bug="a redriven run ends with the event of the end before",
        file="domain/state_change.py",
        old='"redrive": run.redrive_number,',
        new='"redrive": 0,',
        tests=("tests/functional/test_simulation.py",),
    ),
    Mutant(
        bug="a reason breaks a line of a notice in two",
        file="domain/notices.py",
        old="message=_fitting(list(map(printable, _message(run, link, report)))),",
        new="message=_fitting(list(_message(run, link, report))),",
        tests=TESTS,
    ),
    Mutant(
        bug="the steps with failures are the first to be left out",
        file="domain/state_change.py",
        old="run.state(name).status not in WITH_FAILURES):",
        new="run.state(name).status in WITH_FAILURES):",
        tests=TESTS,
    ),
    Mutant(
        bug="a folder is presigned",
        file="domain/notices.py",
        old='bool(key) and not key.endswith("/")',
        new="bool(key)",
        tests=TESTS,
    ),
    Mutant(
        bug="a link is presigned although its rule does not say so",
        file="engine/effects.py",
        old="        if uri is None or seconds is None:\n",
        new="        seconds = seconds or 60\n        if uri is None:\n",
        tests=TESTS,
    ),
    Mutant(
        bug="a notice of a failure links to an output that is not there",
        file="domain/notices.py",
        old="if rule.link is None or run.status not in (RunStatus.SUCCEEDED, RunStatus.PARTIAL):",
        new="if rule.link is None:",
        tests=TESTS,
    ),
    Mutant(
        bug="a notice does not wait for the report that it links to",
        file="domain/pending_effects.py",
        old="        yield WriteReport(run_id=run.id, redrive=number, since=run.report.since)\n        return\n",
        new="        yield WriteReport(run_id=run.id, redrive=number, since=run.report.since)\n",
        tests=TESTS,
    ),
    Mutant(
        bug="a report that always dies is asked for again for ever",
        file="domain/end_effects.py",
        old="    if report.requests + 1 >= REPORT_REQUESTS_MAX:\n",
        new="    if False:\n",
        tests=TESTS,
    ),
    Mutant(
        bug="the report of an end is taken for that of a later one",
        file="domain/end_effects.py",
        old="report.since is not None and redrive == run.redrive_number",
        new="report.since is not None",
        tests=TESTS,
    ),
    Mutant(
        bug="a later end writes its report over the one before",
        file="domain/end_effects.py",
        old='{RUNS_PREFIX}{run.id}/", run.redrive_number\n',
        new='{RUNS_PREFIX}{run.id}/", 0\n',
        tests=TESTS,
    ),
    Mutant(
        bug="the last attempt at a report is not recorded",
        file="engine/report_attempt.py",
        old="        if not is_last and not isinstance(error, FOR_GOOD):\n",
        new="        if not isinstance(error, FOR_GOOD):\n",
        tests=TESTS,
    ),
    Mutant(
        bug="a report that is refused is tried again",
        file="engine/report_attempt.py",
        old="        if not is_last and not isinstance(error, FOR_GOOD):\n",
        new="        if not is_last:\n",
        tests=TESTS,
    ),
    Mutant(
        bug="a report that is too large is written",
        file="report/end_of_run.py",
        old="    if len(body) > REPORT_BYTES_MAX:\n",
        new="    if False:\n",
        tests=("tests/unit/report/test_end_of_run.py",),
    ),
    Mutant(
        bug="the report of a run's end asks for every child, however many there are",
        file="report/end_of_run.py",
        old="            children_max=REPORT_CHILDREN_MAX,\n",
        new="",
        tests=("tests/unit/report/test_end_of_run.py",),
    ),
    Mutant(
        bug="the cost of a sample is given as that of the run",
        file="report/collector.py",
        old="    if prices is not None and not collection.is_sample:\n",
        new="    if prices is not None:\n",
        tests=("tests/unit/report/test_end_of_run.py",),
    ),
    Mutant(
        bug="a notice counts the children of a single job",
        file="domain/notices.py",
        old="has_several = (state.children or 0) > 1",
        new="has_several = (state.children or 0) > 0",
        tests=("tests/unit/domain/test_notices.py",),
    ),
)
