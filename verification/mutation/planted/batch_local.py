"""The bugs in the state of batch-local, in its engines, and in what it says of fields."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

FOLDER = "batch-local/batch_local"
STATE = ("batch-local/tests/test_state_of_service.py",)
ENGINES = ("batch-local/tests/test_engine_requests.py",)
SURFACE = ("batch-local/tests/test_surface.py",)
ENDED = ("batch-local/tests/test_ended_jobs.py",)

MUTANTS = (
    Mutant(
        bug="what a request did is lost with a restart",
        file=f"{FOLDER}/service.py",
        old="            self._state.record_request,\n",
        new="",
        tests=STATE,
    ),
    Mutant(
        bug="a job whose processes are gone goes on for ever after a restart",
        file=f"{FOLDER}/state.py",
        old="return [job for job in jobs if job.status in ACTIVE]",
        new="return [job for job in jobs if job.status in ()]",
        tests=STATE,
    ),
    Mutant(
        bug="what the end of a server does to jobs is kept",
        file=f"{FOLDER}/service.py",
        old="            self._state.close()\n",
        new="",
        tests=STATE,
    ),
    Mutant(
        bug="a request has another time after a restart",
        file=f"{FOLDER}/state.py",
        old='            self._now = body["now"]\n',
        new="",
        tests=STATE,
    ),
    Mutant(
        bug="a log loses its end with a restart",
        file=f"{FOLDER}/logs/streams.py",
        old='self.end = marks["end"]',
        new="self.end = 0",
        tests=STATE,
    ),
    Mutant(
        bug="a child of an array that has ended is the one beside it",
        file=f"{FOLDER}/scheduling/ended.py",
        old="[place % BLOCK]",
        new="[(place + 1) % BLOCK]",
        tests=ENDED,
    ),
    Mutant(
        bug="a packed child has a copy of its array's request",
        file=f"{FOLDER}/scheduling/ended.py",
        old="        if isinstance(value, _SHARED):",
        new="        if isinstance(value, _SHARED[1:]):",
        tests=ENDED,
    ),
    Mutant(
        bug="children are packed before they have all ended",
        file=f"{FOLDER}/scheduling/scheduler.py",
        old="        if all_ended:\n            self._packing",
        new="        if True:\n            self._packing",
        tests=ENDED,
    ),
    Mutant(
        bug="the children of an array are packed for each that was cancelled",
        file=f"{FOLDER}/scheduling/ended.py",
        old="        if not isinstance(parent.children, EndedJobs):",
        new="        if True:",
        tests=ENDED,
    ),
    Mutant(
        bug="a field without effect is named each time",
        file=f"{FOLDER}/api/notices.py",
        old="self._paths.add(path)",
        new="pass",
        tests=SURFACE,
    ),
    Mutant(
        bug="a mount that may only be read can be written",
        file=f"{FOLDER}/engines/container.py",
        old="'ro' if is_read_only else 'rw'",
        new="'rw'",
        tests=ENGINES,
    ),
    Mutant(
        bug="an image has the entry point of a process of this machine",
        file=f"{FOLDER}/model.py",
        old="        if self.images.are_pulled:\n",
        new="        if False:\n",
        tests=ENGINES,
    ),
)
