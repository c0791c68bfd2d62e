"""The bugs in effects that an invocation has no time for."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="a start performs all of its effects before it answers",
        file="engine/engine.py",
        old="most: float = EFFECTS_PER_SAVE",
        new="most: float = math.inf",
    ),
    Mutant(
        bug="what a start leaves over is left to reconcile",
        file="domain/pending_effects.py",
        old="if run.continue_since is not None:",
        new="if False:",
    ),
    Mutant(
        bug="every submission that is ready is under way at once",
        file="domain/postponed_effects.py",
        old="return SUBMISSIONS_MAX - pending",
        new="return 10**9",
    ),
    Mutant(
        bug="a submission that another invocation has taken over is handed back",
        file="domain/postponed_effects.py",
        old="if not part.is_unsubmitted or part.since != effect.since:",
        new="if not part.is_unsubmitted:",
    ),
    Mutant(
        bug="a submission is made after its grace, when reconcile may have made it",
        file="engine/effects.py",
        old="elif not effect.is_overdue(now):",
        new="else:",
    ),
    Mutant(
        bug="what is postponed and taken over in one save is forgotten until reconcile",
        file="engine/effects.py",
        old="if waiting and isinstance(waiting[0][0], ContinueRun):\n            return [waiting.popleft()]\n        while waiting and weight < most and not isinstance(waiting[0][0], ContinueRun):",
        new="while waiting and weight < most:",
    ),
    Mutant(
        bug="a throttled submission is left to reconcile",
        file="engine/effects.py",
        old="throttled.append(effect)",
        new="pass",
    ),
    Mutant(
        bug="a submission is sent that may outlast its invocation",
        file="adapters/batch.py",
        old="if self.time_left() < EFFECT_S_MAX + wait_s:",
        new="if False:",
    ),
)
