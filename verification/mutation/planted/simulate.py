"""The bugs in runs on virtual time: `batchrelay simulate`."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

TESTS = ("tests/unit/cli/simulate",)

MUTANTS = (
    Mutant(
        bug="simulate: a child of a chunk takes as long as one item",
        file="cli/batchrelay_cli/simulate/programs.py",
        old="return max(0, min(chunk, self._rows[manifest] - row * chunk))",
        new="return 1",
        tests=TESTS,
    ),
    Mutant(
        bug="simulate: the last child of a chunk has as many items as the others",
        file="cli/batchrelay_cli/simulate/programs.py",
        old="return max(0, min(chunk, self._rows[manifest] - row * chunk))",
        new="return chunk",
        tests=TESTS,
    ),
    Mutant(
        bug="simulate: the item of a reclaimed worker is lost",
        file="cli/batchrelay_cli/simulate/programs.py",
        old="            self._queues.messages[held[0]].append(held[1])",
        new="            pass",
        tests=TESTS,
    ),
    Mutant(
        bug="simulate: a reclaimed attempt has an exit code",
        file="cli/batchrelay_cli/simulate/programs.py",
        old="batch.scheduler.host_lost(job, attempt, reason, self._agenda.now_ms)",
        new="batch.scheduler.exited(job, attempt, 1, self._agenda.now_ms, reason)",
        tests=TESTS,
    ),
    Mutant(
        bug="simulate: a chance of an hour is taken for one of a second",
        file="cli/batchrelay_cli/simulate/scenario.py",
        old="return -math.log1p(-self.spot) / HOUR_S",
        new="return -math.log1p(-self.spot)",
        tests=TESTS,
    ),
    Mutant(
        bug="simulate: how the containers of a task ended is lost",
        file="cli/batchrelay_cli/simulate/programs.py",
        old="            end_container(attempt.containers, container, code, None)",
        new="            pass",
        tests=TESTS,
    ),
    Mutant(
        bug="simulate: a failed child of several containers has no exit code",
        file="cli/batchrelay_cli/simulate/batch.py",
        old="failure_of(job_summary(job) if is_listed else job_detail(job))",
        new="failure_of(job_summary(job))",
        tests=TESTS,
    ),
    Mutant(
        bug="simulate: steps share one generator",
        file="cli/batchrelay_cli/simulate/programs.py",
        old='return self._generators_of(f"step {step_of(job)}")',
        new='return self._generators_of("steps")',
        tests=TESTS,
    ),
    Mutant(
        bug="simulate: a wait for units is called one for vCPUs",
        file="cli/batchrelay_cli/simulate/waits.py",
        old="return Wait.VCPUS if lacking is None else Wait.MAX_RUNNING",
        new="return Wait.VCPUS",
        tests=TESTS,
    ),
    Mutant(
        bug="simulate: a timeout does not stop what runs",
        file="cli/batchrelay_cli/simulate/batch.py",
        old="self._agenda.after(max(0, due - self._agenda.now_ms), self._on_timer)",
        new="pass",
        tests=TESTS,
    ),
    Mutant(
        bug="simulate: an attempt that is tried again costs nothing",
        file="cli/batchrelay_cli/simulate/outcome.py",
        old="        seconds = sum(map(_took_ms, attempts)) / 1_000\n",
        new="        seconds = sum(map(_took_ms, attempts[-1:])) / 1_000\n",
        tests=TESTS,
    ),
    Mutant(
        bug="simulate: a job queue of its own shares the vCPUs of all",
        file="cli/batchrelay_cli/simulate/batch.py",
        old="self._environments.get(name) or self._environments[ANY_STEP]",
        new="next(iter(self._environments.values()))",
        tests=TESTS,
    ),
)
