"""What `batchrelay doctor` must never do: leave something, cost more, show an account."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

_FOLDER = "cli/batchrelay_cli/doctor"
_TESTS = "tests/unit/cli/doctor"

MUTANTS = (
    Mutant(
        bug="doctor calls a difference as assumed",
        file=f"{_FOLDER}/probe.py",
        old="is_assumed = seen.answer == aspect.assumed",
        new="is_assumed = True",
        tests=(f"{_TESTS}/test_judgements.py",),
    ),
    Mutant(
        bug="doctor forgets what it was making when it was cut off",
        file=f"{_FOLDER}/making.py",
        old="        self._resources.append(resource)  # before: it may be there although the call was "
        "cut off\n        resource.make(self.aws)",
        new="        resource.make(self.aws)\n        self._resources.append(resource)",
        tests=(f"{_TESTS}/test_permissions.py",),
    ),
    Mutant(
        bug="doctor does not name what a second interrupt leaves",
        file=f"{_FOLDER}/session.py",
        old="self.leftovers.extend(making.names())",
        new="pass",
        tests=(f"{_TESTS}/test_permissions.py",),
    ),
    Mutant(
        bug="doctor leaves what it was removing when it was interrupted",
        file=f"{_FOLDER}/session.py",
        old="            self._is_interrupted = True\n            self._remove(making)\n",
        new="            self._is_interrupted = True\n",
        tests=(f"{_TESTS}/test_permissions.py",),
    ),
    Mutant(
        bug="doctor makes resources although permissions are missing",
        file=f"{_FOLDER}/permissions.py",
        old='if result["EvalDecision"] != "allowed"',
        new='if result["EvalDecision"] == "explicitDeny"',
        tests=(f"{_TESTS}/test_permissions.py",),
    ),
    Mutant(
        bug="a transcript of doctor has the account's number in URLs",
        file=f"{_FOLDER}/redaction.py",
        old='    text = re.sub(rf"(?<!\\d){account}(?!\\d)", ACCOUNT, text)\n',
        new="",
        tests=(f"{_TESTS}/test_redaction.py",),
    ),
    Mutant(
        bug="a transcript of doctor names the person who called it",
        file=f"{_FOLDER}/redaction.py",
        old='    text = _PERSON.sub(r"\\1caller", text)\n',
        new="",
        tests=(f"{_TESTS}/test_redaction.py",),
    ),
    Mutant(
        bug="a probe of doctor takes more jobs than its price was counted by",
        file=f"{_FOLDER}/world.py",
        old="self._attempts += (size or 1) * attempts * weight",
        new="self._attempts += attempts * weight",
        tests=(f"{_TESTS}/test_cost.py",),
    ),
    Mutant(
        bug="a replay answers a request that was never made",
        file=f"{_FOLDER}/replay.py",
        old='if entry.get("call") != call or entry.get("request") != same:',
        new='if entry.get("call") != call:',
        tests=(f"{_TESTS}/test_replay.py",),
    ),
    Mutant(
        bug="a transcript that was cut off is read as a whole one",
        file=f"{_FOLDER}/transcript.py",
        old='if last.entry.get("end") != END:',
        new="if not last.entry:",
        tests=(f"{_TESTS}/test_replay.py",),
    ),
)
