"""Q10: evaluateOnExit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batchrelay_cli.doctor.port import Document
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen, Unseen
from batchrelay_cli.doctor.world import World, sh

ATTEMPTS = 2
REASON = "Essential container in task exited"

Rules = Sequence[Mapping[str, str]]
ORDER: Rules = ({"onExitCode": "3", "action": "EXIT"}, {"onExitCode": "3", "action": "RETRY"})
CASE: Rules = ({"onStatusReason": "ESSENTIAL*", "action": "EXIT"},)
STAR: Rules = ({"onReason": "*", "action": "EXIT"},)


def run(world: World) -> Observation:
    """Jobs that fail, with one set of rules each."""
    jobs = world.ended(*(_submit(world, rules) for rules in (ORDER, CASE, STAR)))
    return {"order": order(jobs[0]), "case": case(jobs[1]), "`*` on nothing": star(jobs[2])}


def _submit(world: World, rules: Rules) -> str:
    retry: dict[str, Any] = {"attempts": ATTEMPTS, "evaluateOnExit": list(rules)}
    return world.submit(*sh("exit 3"), retryStrategy=retry)


def order(job: Document) -> Seen:
    """The first rule says EXIT, the second RETRY."""
    return Seen(answer="the first rule decides" if _ended_at_once(job) else "the last rule decides")


def case(job: Document) -> Seen | Unseen:
    """A rule in upper case that matches only if case is ignored."""
    if job["attempts"][0].get("statusReason") != REASON:
        return Unseen(why=f"the attempt's reason is not {REASON!r}: see Q24")
    return Seen(answer="ignored" if _ended_at_once(job) else "counts")


def star(job: Document) -> Seen | Unseen:
    """A rule of `*` for a reason that is absent."""
    reason = job["attempts"][0]["container"].get("reason")
    if reason is not None:
        return Unseen(why=f"there is a reason: {reason}")
    return Seen(answer="matches" if _ended_at_once(job) else "does not match")


def _ended_at_once(job: Document) -> bool:
    return len(job["attempts"]) < ATTEMPTS


PROBE = Probe(
    number="Q10",
    question="order and case of `evaluateOnExit`, `*` beside an absent value",
    aspects=(
        Aspect(name="order", assumed="the first rule decides"),
        Aspect(name="case", assumed="counts"),
        Aspect(name="`*` on nothing", assumed="matches"),
    ),
    attempts=3 * ATTEMPTS,
    run=run,
)
