"""The bugs in work queues: in how they are filled and deleted, and in what is left of them."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

FILE = "preparation/failures/queue_items.py"
TESTS = (
    "tests/unit/preparation/test_queue_rounds.py",
    "tests/unit/domain/test_redrive.py",
    "tests/unit/domain/test_retry_rounds.py",
)

MUTANTS = (
    Mutant(
        bug="of a worker's record only the first object is read",
        file="preparation/result_records.py",
        old="        yield record\n        segment += 1\n",
        new="        yield record\n        return\n",
        tests=TESTS,
    ),
    Mutant(
        bug="a queue's item that failed once is failed, although another worker did it",
        file=FILE,
        old="                if number in self.records.succeeded:\n                    continue\n",
        new="                if number in self.records.succeeded - self.records.failures.keys():\n                    continue\n",
        tests=TESTS,
    ),
    Mutant(
        bug="an item of a queue that no worker recorded is taken for done",
        file=FILE,
        old="                    yield row, causes.of(lost, number)\n",
        new="                    continue\n",
        tests=TESTS,
    ),
    Mutant(
        bug="a lost item of a queue is blamed on the first worker that failed",
        file=FILE,
        old="key=lambda one: (one[0] in self.records.ended, one[0] in blamed, one[0])",
        new="key=lambda one: one[0]",
        tests=TESTS,
    ),
    Mutant(
        bug="the text of a worker's failure decides its class",
        file=FILE,
        old="yield row, causes.named(self.records.class_of(number), failure, number)",
        new="yield row, causes.of(failure, number)",
        tests=TESTS,
    ),
    Mutant(
        bug="a step that succeeds with its queue's jobs has failed items",
        file=FILE,
        old="        if all(part.outcome is JobOutcome.SUCCEEDED for part in self.latest.parts):\n            return\n",
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="records of a queue beyond the limit are left out in silence",
        file=FILE,
        old="    if left == 0:\n",
        new="    if left == -1_000_000:\n",
        tests=TESTS,
    ),
    Mutant(
        bug="items of a queue without any record run again by themselves",
        file="preparation/failures/collector.py",
        old="        if is_unknown and not is_first_of_redrive(state):\n            again = set()\n",
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="the next round of a queue has a worker for every message",
        file="preparation/failures/collector.py",
        old="(min(step.workers, messages),)",
        new="(messages,)",
        tests=TESTS,
    ),
    Mutant(
        bug="the workers of the next round pull from the queue of the first",
        file="domain/retry_rounds.py",
        old="parts=parts, queue=here.event.queue\n",
        new="parts=parts\n",
        tests=TESTS,
    ),
    Mutant(
        bug="the items of a queue are counted by its workers",
        file="preparation/failures/latest_round.py",
        old="(state.chunk == 1 and state.queue is None)",
        new="state.chunk == 1",
        tests=TESTS,
    ),
    Mutant(
        bug="a queue of which nothing is left ends PARTIAL",
        file="domain/retry_rounds.py",
        old="return _is_of_round(here) and left + before == 0",
        new="return False",
        tests=TESTS,
    ),
    Mutant(
        bug="an item of a queue that needs more memory goes into a group without a queue",
        file="preparation/failures/collector.py",
        old="        if self.step.workers is not None:  # any worker may receive it\n            return group\n",
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="a queue is left behind",
        file="domain/run_end.py",
        old="queues = any(step.workers is not None for step in run.pipeline.steps)",
        new="queues = False",
    ),
    Mutant(
        bug="a queue of an older attempt is filled again",
        file="preparation/work_queue.py",
        old="[str(row) for row in range(rows)]",
        new="[str(row) for row in range(rows + 1)]",
    ),
    Mutant(
        bug="the queue of a late preparation is left behind",
        file="engine/engine.py",
        old="events.append(QueuesLeft(at=self.clock.now()))",
        new="pass",
    ),
    Mutant(
        bug="the functions may delete the queues of a stack called br-prod",
        file="domain/values.py",
        old='return f"br_{run_id}-"',
        new='return f"br-{run_id}-"',
    ),
)
