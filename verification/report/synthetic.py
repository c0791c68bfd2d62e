"""Evidence of runs that never were: the same seed gives the same run, to the byte."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import Any

from batchrelay.domain.failures import normalised
from batchrelay.report.causes import class_of
from batchrelay.report.facts import ChildFact, ChildState, Cost, Evidence, JobFact

T0 = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
RUN = "kb50389d0b38db26e794e46fa"
FOLDER = f"s3://genomes-work/runs/{RUN}"

CAUSES: tuple[tuple[int | None, str, float, str], ...] = (
    (
        137,
        "OutOfMemoryError: Container killed due to memory usage",
        0.5,
        "sorting 41,113,204 reads",
    ),
    (1, "Essential container in task exited", 0.25, "KeyError: 'RG'"),
    (None, "Host EC2 (instance i-0abc12345678def90) terminated.", 0.15, "marking duplicates"),
    (75, "Essential container in task exited", 0.1, "s3: SlowDown, gave up after 5 tries"),
)
"""Exit code, reason, share of the failures, last line of the log."""


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def text_of(time: datetime | None) -> str | None:
    if time is None:
        return None
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def job_id(step: str, round_number: int = 0, part: int = 0) -> str:
    return str(uuid.UUID(int=random.Random(f"{step} {round_number} {part}").getrandbits(128)))


@dataclass(kw_only=True)
class StepPlan:
    """One step of a synthetic run."""

    name: str
    needs: tuple[str, ...] = ()
    children: int = 1
    begins_s: float = 0
    places: int = 500
    """Children that run at the same time."""
    run_s: float = 60
    """Of the median child."""
    memory_mib: int = 4096
    vcpus: float = 2
    fails: float = 0
    """The share of its children that fail in the first round."""
    status: str = "SUCCEEDED"
    is_finally: bool = False
    item: str = "s3://genomes-in/2026-11/sample-{number:05}.fastq.gz"


@dataclass
class _Played:
    """A step as it went."""

    facts: list[ChildFact] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)
    """Children of each round."""
    begin_s: float = 0
    end_s: float = 0


class Synthetic:
    """Plays steps one after another as AWS Batch would, and writes down what it says of them."""

    def __init__(self, *plans: StepPlan, seed: int = 16, is_measured: bool = True) -> None:
        self.chance = random.Random(seed)
        self.is_measured = is_measured
        self.plans = plans
        self.played: dict[str, _Played] = {}
        for plan in plans:
            self.played[plan.name] = self._play(plan)

    @property
    def ends_at(self) -> datetime:
        return at(max(played.end_s for played in self.played.values()) + 1.5)

    def evidence(self, **changes: Any) -> Evidence:
        jobs = {
            job_id(plan.name, number): JobFact(
                queue="FleetSpot" if plan.children > 1 else "FleetOnDemand",
                vcpus=plan.vcpus,
                memory_mib=plan.memory_mib * (2 if number else 1),
            )
            for plan in self.plans
            for number in range(len(self.played[plan.name].rounds))
        }
        evidence = Evidence(
            run=self.run(),
            at=self.ends_at,
            failures=self.failures(),
            jobs=jobs,
            children=[fact for played in self.played.values() for fact in played.facts],
            cost=self.cost(),
            region="eu-central-1",
        )
        return replace(evidence, **changes)

    # --- children

    def _play(self, plan: StepPlan) -> _Played:
        before = max((self.played[need].end_s for need in plan.needs), default=0.0)
        played = _Played(begin_s=before + 1.5 + plan.begins_s)
        first = list(self._round(plan, 0, plan.children, played.begin_s))
        played.facts, played.rounds = first, [plan.children]
        failed = [fact for fact in first if fact.state is ChildState.FAILED]
        again = [fact for fact in failed if fact.exit_code in (137, None)]
        if again:
            begins = max(self._ended_s(fact) for fact in first) + 2
            calmer = replace_plan(plan, fails=0.06, run_s=plan.run_s * 1.4)
            second = list(self._round(calmer, 1, len(again), begins))
            played.facts += [
                replace(fact, item=old.item) for fact, old in zip(second, again, strict=True)
            ]
            played.rounds.append(len(again))
        played.end_s = max(map(self._ended_s, played.facts)) + 1
        return played

    def _ended_s(self, fact: ChildFact) -> float:
        assert fact.stopped_at is not None
        return (fact.stopped_at - T0).total_seconds()

    def _round(
        self, plan: StepPlan, round_number: int, size: int, begins_s: float
    ) -> Iterator[ChildFact]:
        chance = self.chance
        places = [begins_s + 25 + chance.uniform(0, 50) for _ in range(min(plan.places, size))]
        heapify(places)
        for number in range(size):
            waited_until = heappop(places) + chance.uniform(0.2, 1.5)
            hard = chance.random() < 0.004 and size > 50
            run_s = (
                plan.run_s * chance.lognormvariate(0, 0.28) * (chance.uniform(5, 9) if hard else 1)
            )
            attempts = 2 if chance.random() < 0.01 and size > 50 else 1
            earlier_s = run_s * chance.uniform(0.1, 0.6) if attempts == 2 else 0.0
            started_s = waited_until + earlier_s
            fact = self._child(plan, number, round_number, run_s)
            if fact.state is ChildState.FAILED:
                run_s *= chance.uniform(0.2, 0.9)
            heappush(places, started_s + run_s)
            yield replace(
                fact,
                created_at=at(round(begins_s + number / 4000, 3)),
                started_at=at(round(started_s, 3)),
                stopped_at=at(round(started_s + run_s, 3)),
                attempts=attempts,
                earlier_s=round(earlier_s, 3),
            )

    def _child(self, plan: StepPlan, number: int, round_number: int, run_s: float) -> ChildFact:
        chance = self.chance
        heavy = min(1.6, run_s / plan.run_s)
        peak = plan.memory_mib * min(0.97, 0.22 + 0.25 * heavy * chance.uniform(0.7, 1.3))
        fact = ChildFact(
            step=plan.name,
            number=number,
            state=ChildState.SUCCEEDED,
            round=round_number,
            peak_mib=round(peak) if self.is_measured else None,
            cpu_s=round(run_s * plan.vcpus * chance.uniform(0.5, 0.9), 1)
            if self.is_measured
            else None,
            log_stream=f"{plan.name}/default/{chance.getrandbits(128):032x}",
            item=plan.item.format(number=number) if plan.children > 1 else "",
        )
        if chance.random() >= plan.fails:
            return replace(fact, exit_code=0)
        exit_code, reason, _, _ = self._cause()
        memory = plan.memory_mib * (2 if round_number else 1)
        is_over = exit_code == 137 and self.is_measured
        return replace(
            fact,
            state=ChildState.FAILED,
            exit_code=exit_code,
            reason=reason,
            peak_mib=memory if is_over else fact.peak_mib,
        )

    def _cause(self) -> tuple[int | None, str, float, str]:
        shares = [share for _, _, share, _ in CAUSES]
        return self.chance.choices(CAUSES, weights=shares)[0]

    # --- documents

    def run(self) -> dict[str, Any]:
        """As `api/views.run_document` would give it."""
        statuses = {plan.status for plan in self.plans}
        worst = next((s for s in ("FAILED", "PARTIAL") if s in statuses), "SUCCEEDED")
        return {
            "runId": RUN,
            "pipeline": "variant-calls",
            "version": 12,
            "status": worst,
            "startedAt": text_of(T0),
            "dequeuedAt": None,
            "endedAt": text_of(self.ends_at),
            "deadline": text_of(at(6 * 3600)),
            "params": {
                "reference": "s3://genomes-ref/GRCh38/",
                "source": "s3://genomes-in/2026-11/",
            },
            "cause": "s3://genomes-in/2026-11/manifest.csv",
            "trigger": {"bucket": "genomes-in", "key": "2026-11/manifest.csv", "size": "481920"},
            "stopped": None,
            "finallyStopped": None,
            "report": None,
            "reportProblem": None,
            "cost": None,
            "budgetUsd": None,
            "paused": None,
            "resume": None,
            "isOpen": False,
            "asOf": None,
            "steps": [self._step(plan) for plan in self.plans],
        }

    def _step(self, plan: StepPlan) -> dict[str, Any]:
        played = self.played[plan.name]
        facts = played.facts
        last_round = len(played.rounds) - 1
        again = played.rounds[1] if last_round else 0
        failed_count = sum(fact.state is ChildState.FAILED for fact in facts) - again
        is_array = plan.children > 1
        folder = f"{FOLDER}/{plan.name}/r{last_round}/20261120T080212.000Z/"
        return {
            "step": plan.name,
            "status": plan.status,
            "since": text_of(at(round(played.end_s, 3))),
            "startedAt": text_of(at(round(played.begin_s, 3))),
            "needs": list(plan.needs),
            "finally": plan.is_finally,
            "round": last_round,
            "rounds": [self._round_document(plan, n) for n in range(last_round)],
            "level": None,
            "items": plan.children if is_array else None,
            "existing": 0,
            "children": plan.children,
            "chunk": 1,
            "succeeded": sum(fact.state is ChildState.SUCCEEDED for fact in facts),
            "failed": failed_count,
            "failedItems": failed_count,
            "upstreamItems": 0,
            "stoppedItems": 0,
            "upstream": 0,
            "stopped": 0,
            "canary": None,
            "running": 0,
            "asOf": text_of(at(round(played.end_s, 3))),
            "reason": self._reason(plan) if failed_count else None,
            "blocked": None,
            "output": f"s3://genomes-out/{plan.name}/",
            "manifest": folder if is_array else None,
            "results": f"{FOLDER}/{plan.name}/r{last_round}/results/" if is_array else None,
            "failures": folder if failed_count else None,
            "jobs": [self._job(plan, n, count) for n, count in enumerate(played.rounds)],
        }

    def _reason(self, plan: StepPlan) -> str:
        causes = self._causes(plan)
        return ", ".join(f"{cause['count']:,} × {cause['class']}" for cause in causes)

    def _round_document(self, plan: StepPlan, number: int) -> dict[str, Any]:
        facts = [fact for fact in self.played[plan.name].facts if fact.round == number]
        failed_count = sum(fact.state is ChildState.FAILED for fact in facts)
        return {
            "round": number,
            "children": len(facts),
            "succeeded": len(facts) - failed_count,
            "failed": failed_count,
            "jobIds": [job_id(plan.name, number)],
        }

    def _job(self, plan: StepPlan, number: int, children: int) -> dict[str, Any]:
        facts = [fact for fact in self.played[plan.name].facts if fact.round == number]
        failed_count = sum(fact.state is ChildState.FAILED for fact in facts)
        return {
            "jobId": job_id(plan.name, number),
            "round": number,
            "group": 0,
            "children": children,
            "failed": failed_count,
            "outcome": "FAILED" if failed_count else "SUCCEEDED",
        }

    def failures(self) -> dict[str, Any]:
        """As `api/failures` would give them."""
        steps = []
        for plan in self.plans:
            causes = self._causes(plan)
            if causes:
                steps.append(
                    {
                        "step": plan.name,
                        "status": plan.status,
                        "reason": None,
                        "round": len(self.played[plan.name].rounds) - 1,
                        "counted": "items",
                        "total": plan.children,
                        "failed": sum(cause["count"] for cause in causes),
                        "again": sum(cause["again"] for cause in causes),
                        "failures": None,
                        "causes": causes,
                        "notes": [],
                    }
                )
        return {"runId": RUN, "status": "PARTIAL", "steps": steps}

    def _causes(self, plan: StepPlan) -> list[dict[str, Any]]:
        played = self.played[plan.name]
        has_round = len(played.rounds) > 1
        causes = []
        for exit_code, reason, _, line in CAUSES:
            own = [f for f in played.facts if f.state is ChildState.FAILED and f.reason == reason]
            own = [fact for fact in own if fact.exit_code == exit_code]
            if not own:
                continue
            sample = own[-1]
            is_again = has_round and exit_code in (137, None)
            causes.append(
                {
                    "class": str(class_of(sample)),
                    "exitCode": exit_code,
                    "reason": normalised(reason),
                    "count": len(own),
                    "again": sum(fact.round == 0 for fact in own) if is_again else 0,
                    "sample": {
                        "number": sample.number,
                        "jobId": f"{job_id(plan.name, sample.round)}:{sample.number}",
                        "round": sample.round,
                        "index": sample.number,
                        "log": [f"[batchrelay] {sample.item}", "reading the reference", line],
                    },
                }
            )
        return sorted(causes, key=lambda cause: -int(cause["count"]))

    def cost(self) -> Cost:
        by_step: dict[str, float | None] = {}
        wasted = 0.0
        for plan in self.plans:
            rate = (plan.vcpus * 0.04048 + plan.memory_mib / 1024 * 0.004445) / 3600
            facts = self.played[plan.name].facts
            seconds = [(fact.run_ms or 0) / 1000 + fact.earlier_s for fact in facts]
            by_step[plan.name] = round(rate * sum(seconds), 4)
            wasted += rate * sum(fact.earlier_s for fact in facts)
            lost = (fact.run_ms or 0 for fact in facts if fact.state is ChildState.FAILED)
            wasted += rate * sum(lost) / 1000
        return Cost(
            usd=round(sum(filter(None, by_step.values())), 4),
            sums="vCPU and memory that the jobs asked for, by the second, of every attempt",
            source="AWS Fargate, eu-central-1, Linux/x86, on demand",
            date="2026-11-01",
            wasted_usd=round(wasted, 4),
            steps=by_step,
        )


def replace_plan(plan: StepPlan, *, fails: float, run_s: float) -> StepPlan:
    return replace(plan, fails=fails, run_s=run_s)


def variant_calls(children: int = 10_000, *, fails: float = 0.012, seed: int = 16) -> Synthetic:
    """A fan-out of so many children with four causes of failures, and what is around it."""
    status = "PARTIAL" if fails else "SUCCEEDED"
    return Synthetic(
        StepPlan(name="list-samples", run_s=14, memory_mib=1024, vcpus=1),
        StepPlan(name="index", needs=("list-samples",), run_s=190, memory_mib=16_384, vcpus=4),
        StepPlan(
            name="align", needs=("index",), children=children, run_s=95, memory_mib=8192,
            fails=fails, status=status, places=min(900, max(2, children // 4)),
        ),
        StepPlan(name="contamination", needs=("list-samples",), children=64, run_s=130, places=24,
                 memory_mib=2048, vcpus=1),
        StepPlan(name="call", needs=("align",), children=240, run_s=170, places=120,
                 memory_mib=16_384, vcpus=4),
        StepPlan(name="merge", needs=("call", "contamination"), run_s=210, memory_mib=30_720,
                 vcpus=8),
        StepPlan(name="notify-lab", needs=("merge",), run_s=6, memory_mib=512, vcpus=0.25,
                 is_finally=True),
        seed=seed,
    )  # fmt: skip
