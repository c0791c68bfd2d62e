"""The bugs in how one item is done alone; each is judged by the tests of that."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

TESTS = ("tests/unit/domain/test_one_item.py", "tests/unit/worker/test_items.py")
OF_THE_PROGRAM = ("tests/unit/cli/test_spin.py",)

OF_CONTAINERS = ("tests/unit/cli/test_spin_containers.py",)

MUTANTS = (
    Mutant(
        bug="an item that is done alone writes its record over that of the run",
        file="domain/one_item.py",
        old='_OF_A_RUN = ("BATCHRELAY_RESULTS", "BATCHRELAY_QUEUE")',
        new='_OF_A_RUN = ("BATCHRELAY_QUEUE",)',
        tests=TESTS,
    ),
    Mutant(
        bug="an item that is done alone receives from the run's work queue",
        file="domain/one_item.py",
        old='_OF_A_RUN = ("BATCHRELAY_RESULTS", "BATCHRELAY_QUEUE")',
        new='_OF_A_RUN = ("BATCHRELAY_RESULTS",)',
        tests=TESTS,
    ),
    Mutant(
        bug="an item's request has the name of a job of the run",
        file="domain/one_item.py",
        old='_NOT_ALONE = ("jobName", "arrayProperties", "dependsOn")',
        new='_NOT_ALONE = ("arrayProperties", "dependsOn")',
        tests=TESTS,
    ),
    Mutant(
        bug="an item behind the first group is looked for in the first manifest",
        file="domain/one_item.py",
        old="        row=child - group_offset,\n",
        new="        row=child,\n",
        tests=TESTS,
    ),
    Mutant(
        bug="an item of a later part has the index of one of the first",
        file="domain/one_item.py",
        old="        index=child - first if part.size > 1 else None,\n",
        new="        index=child if part.size > 1 else None,\n",
        tests=TESTS,
    ),
    Mutant(
        bug="an item that ran again is looked for in the smaller array",
        file="domain/one_item.py",
        old="            parts=state.first_parts,\n            earlier_rounds=(),\n",
        new="            parts=state.parts,\n",
        tests=TESTS,
    ),
    Mutant(
        bug="an item that ran again is done without what the retry changes",
        file="domain/one_item.py",
        old="    if step.retry_failed is None or not run.state(step.name).is_retry:\n",
        new="    if step.retry_failed is None or run.state(step.name).is_retry:\n",
        tests=TESTS,
    ),
    Mutant(
        bug="of a chunk every item is done",
        file="domain/one_item.py",
        old="        changes[ONLY_ITEM] = str(place.number)\n",
        new="        pass\n",
        tests=TESTS,
    ),
    Mutant(
        bug="the worker does every item of the chunk",
        file="worker/batchrelay_worker/items.py",
        old="    return [item for item in items if item.number == child.only]\n",
        new="    return items\n",
        tests=TESTS,
    ),
    Mutant(
        bug="the variables of another job reach an item that runs here",
        file="cli/batchrelay_cli/spin/command.py",
        old='        if not name.startswith(("BATCHRELAY_", "AWS_BATCH_"))\n',
        new="",
        tests=OF_THE_PROGRAM,
    ),
    Mutant(
        bug="what a program left running goes on behind spin",
        file="cli/batchrelay_cli/spin/keeper.py",
        old="    _, status, used = os.wait4(pid, 0)\n    _kill(pid, _signal.SIGKILL)\n",
        new="    _, status, used = os.wait4(pid, 0)\n",
        tests=OF_THE_PROGRAM,
    ),
    Mutant(
        bug="a work queue has an item behind its last",
        file="domain/one_item.py",
        old="_check(step, number, state.items or 0)",
        new="_check(step, number, (state.items or 0) + 1)",
        tests=TESTS,
    ),
    Mutant(
        bug="the last chunk of a list has items to do alone that are not there",
        file="domain/one_item.py",
        old="return min(end, state.items) if is_one_list and state.items",
        new="return end if is_one_list and state.items",
        tests=TESTS,
    ),
    Mutant(
        bug="a container that was not started is the end of the program",
        file="cli/batchrelay_cli/spin/container_end.py",
        old="if not own and exit_code != NOT_STARTED:",
        new="if not own:",
        tests=OF_THE_PROGRAM,
    ),
    Mutant(
        bug="the first container of a job is run alone, not the one that failed",
        file="cli/batchrelay_cli/spin/definition.py",
        old="return failed if failed in names else names[0]",
        new="return names[0]",
        tests=OF_CONTAINERS,
    ),
    Mutant(
        bug="a node that was stopped for another is run alone",
        file="domain/job_containers.py",
        old="return min(failed_nodes, key=",
        new="return max(failed_nodes, key=",
        tests=OF_CONTAINERS,
    ),
    Mutant(
        bug="the command of a pod stands behind the ENTRYPOINT of its image",
        file="cli/batchrelay_cli/spin/definition.py",
        old="has_own_entrypoint = one.is_of_pod and bool(command)",
        new="has_own_entrypoint = False",
        tests=OF_CONTAINERS,
    ),
    Mutant(
        bug="a command that the engine could not invoke is the end of the program",
        file="cli/batchrelay_cli/spin/container_end.py",
        old="if exit_code not in _SENTENCES:",
        new="if exit_code != NOT_STARTED:",
        tests=OF_THE_PROGRAM,
    ),
)
