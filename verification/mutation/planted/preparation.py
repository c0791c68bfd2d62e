"""The bugs in how a step is prepared: its manifest, its attempts, its outputs."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="a preparation of another round is accepted",
        file="domain/prepared.py",
        old="return here.event.round == here.state.round",
        new="return True",
    ),
    Mutant(
        bug="the offset table is one entry short",
        file="preparation/manifest.py",
        old="        self.offsets.write(_offset(self.position))\n        self.lines.complete()",
        new="        self.lines.complete()",
    ),
    Mutant(
        bug="a suspended upload forgets what it held",
        file="preparation/manifest.py",
        old='"count": self.count,',
        new='"count": 0,',
    ),
    Mutant(
        bug="a listing goes on from its beginning",
        file="preparation/items/sources.py",
        old="found = self.objects.list(prefix, after)",
        new='found = self.objects.list(prefix, "")',
    ),
    Mutant(
        bug="outputs that were there are lost to an aggregate",
        file="preparation/items/sources.py",
        old="if state.existing and state.manifest is not None:",
        new="if False:",
    ),
    Mutant(
        bug="an item that was made stands for another with the same output",
        file="preparation/items/outputs.py",
        old="        if step.skip_existing is not None:",
        new="        if False:",
    ),
    Mutant(
        bug="a failed preparation is asked for again for ever",
        file="preparation/attempt.py",
        old="FOR_GOOD = (InvalidItems, Refused, ValueError, ArithmeticError)",
        new="FOR_GOOD = (InvalidItems,)",
    ),
    Mutant(
        bug="an attempt of a preparation that was killed is not counted",
        file="domain/preparation_attempts.py",
        old="begun=attempts.begun + 1, is_underway=True",
        new="begun=attempts.begun, is_underway=True",
    ),
    Mutant(
        bug="attempts of a preparation are counted and it never fails",
        file="domain/preparation_attempts.py",
        old="return here.state.attempts.begun >= PREPARE_ATTEMPTS_MAX",
        new="return False",
    ),
    Mutant(
        bug="attempts are counted on although the preparation made progress",
        file="domain/preparation_attempts.py",
        old="resume=event.resume, attempts=NO_ATTEMPTS, reason",
        new="resume=event.resume, reason",
    ),
    Mutant(
        bug="requests of a preparation that come at once are as many attempts",
        file="domain/preparation_attempts.py",
        old="return _is_of_round(here) and not is_underway and here.event.resume == here.state.resume",
        new="return _is_of_round(here) and here.event.resume == here.state.resume",
    ),
    Mutant(
        bug="a preparation that never begins is requested without end",
        file="domain/preparation_attempts.py",
        old="return here.state.attempts.requests >= PREPARE_REQUESTS_MAX",
        new="return False",
    ),
    Mutant(
        bug="reconcile begins a preparation anew that had made progress",
        file="domain/pending_effects.py",
        old="resume=state.resume,",
        new='resume="",',
    ),
    Mutant(
        bug="a preparation that comes no further goes on without end",
        file="preparation/attempt.py",
        old="            if self.position == self._begin:\n                raise",
        new="            if False:\n                raise",
    ),
    Mutant(
        bug="what Python says of a value is the reason of a step",
        file="preparation/prepare.py",
        old="    if isinstance(error, BatchrelayError):\n        return str(error)",
        new="    if True:\n        return str(error)",
    ),
)
