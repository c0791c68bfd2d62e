"""The bugs in what reaches several containers, pods and nodes, and how they end."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

TESTS = ("tests/unit/domain/test_containers.py", "tests/unit/domain/test_job_containers.py")
FILE_TESTS = ("tests/unit/cli/test_container_use.py",)
LOCAL_TESTS = ("batch-local/tests/test_task_runs.py",)
LINT = "cli/batchrelay_cli/pipeline_file"

MUTANTS = (
    Mutant(
        bug="the variables of a pod stand where those of a task do",
        file="domain/containers.py",
        old='return "env" if self.is_of_pod else "environment"',
        new='return "environment"',
        tests=TESTS,
    ),
    Mutant(
        bug="containers that begin first get no variables",
        file="domain/containers.py",
        old='    (POD, "podProperties", "initContainers", _EACH),\n',
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="the containers of nodes get no variables",
        file="domain/containers.py",
        old="_PLACES = (*_OF_A_JOB, *_OF_NODES)",
        new="_PLACES = _OF_A_JOB",
        tests=TESTS,
    ),
    Mutant(
        bug="a group that changes one container forgets the others",
        file="domain/containers.py",
        old='    "containers": "name",\n',
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="tags are propagated to pods",
        file="domain/job_tags.py",
        old="{} if is_of_pods(request) else",
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="a container that was stopped decides, if it is listed first",
        file="domain/job_containers.py",
        old="return 2 if was_stopped(exit_code) else 1",
        new="return 1",
        tests=TESTS,
    ),
    Mutant(
        bug="a job that succeeded shows the exit code of a container that was stopped",
        file="domain/job_containers.py",
        old='    if job.get("status") != "SUCCEEDED" or not well:',
        new="    if True:",
        tests=TESTS,
    ),
    Mutant(
        bug="of several nodes one is paid",
        file="domain/job_containers.py",
        old="return _total([vcpus for vcpus, _ in amounts]), _total([mib for _, mib in amounts])\n\n\ndef node_ids",
        new="return amounts[0]\n\n\ndef node_ids",
        tests=TESTS,
    ),
    Mutant(
        bug="the first of nested ranges of nodes holds",
        file="domain/job_containers.py",
        old="return min(having, key=lambda one: len(_nodes_of(one)), default={})",
        new="return next(iter(having), {})",
        tests=TESTS,
    ),
    Mutant(
        bug="what begins first in a pod is added to the others",
        file="domain/job_containers.py",
        old="max([together, *known])",
        new="together + sum(known)",
        tests=TESTS,
    ),
    Mutant(
        bug="a pod's memory is read in limits only",
        file="domain/containers.py",
        old='for name in ("limits", "requests"):',
        new='for name in ("limits",):',
        tests=TESTS,
    ),
    Mutant(
        bug="two nodes of a job may have one task",
        file="batch-local/batch_local/model.py",
        old='return f"{self.task_id[:-3]}{node:03x}"',
        new='return f"{self.task_id[:-3]}{node:03x}" if node else self.task_id',
        tests=("batch-local/tests/test_nodes.py",),
    ),
    Mutant(
        bug="a node of a multi-node parallel job is asked for nodes of its own",
        file="domain/job_containers.py",
        old="[] if is_node else",
        new="",
        tests=TESTS,
    ),
    Mutant(
        bug="a container that a step does not name gets nothing",
        file=f"{LINT}/container_use.py",
        old="return merged_requests(places, request) if places else request",
        new="return request",
        tests=FILE_TESTS,
    ),
    Mutant(
        bug="the arguments of a pod's container are not read as code",
        file=f"{LINT}/container_words.py",
        old='_WORDS = ("command", "args")',
        new='_WORDS = ("command",)',
        tests=FILE_TESTS,
    ),
    Mutant(
        bug="what a pod's container is given is not joined with its definition's command",
        file=f"{LINT}/container_words.py",
        old="(_words(values, key) or _words(under, key))",
        new="_words(values, key)",
        tests=FILE_TESTS,
    ),
    Mutant(
        bug="a container that is not essential ends its task",
        file="batch-local/batch_local/scheduling/task_runs.py",
        old="    if any(run.spec.is_essential and run.state",
        new="    if any(run.state",
        tests=LOCAL_TESTS,
    ),
    Mutant(
        bug="a container that waits for a good end starts after a bad one",
        file="batch-local/batch_local/scheduling/task_runs.py",
        old="            return _ran(run) and run.exit_code == 0",
        new="            return _ran(run)",
        tests=LOCAL_TESTS,
    ),
    Mutant(
        bug="the container that was stopped decides the job",
        file="batch-local/batch_local/scheduling/task_runs.py",
        old="next((run for run in ended if run.spec.is_essential), ended[-1] if ended else None)",
        new="(ended[-1] if ended else None)",
        tests=LOCAL_TESTS,
    ),
    Mutant(
        bug="the last container of a pod decides",
        file="batch-local/batch_local/scheduling/task_runs.py",
        old="        return next((run for run in ended if run.exit_code != 0), ended[-1])",
        new="        return ended[-1]",
        tests=LOCAL_TESTS,
    ),
    Mutant(
        bug="containers of a pod begin after an init container that failed",
        file="batch-local/batch_local/containers/pods.py",
        old="((last_init, Condition.SUCCESS),)",
        new="((last_init, Condition.COMPLETE),)",
        tests=("batch-local/tests/test_pods.py",),
    ),
    Mutant(
        bug="nodes go on when the main node has ended",
        file="batch-local/batch_local/scheduling/task_runs.py",
        old="        if _all_ended(main):\n",
        new="        if not main:\n",
        tests=LOCAL_TESTS,
    ),
    Mutant(
        bug="a node that was stopped decides a multi-node parallel job",
        file="adapters/batch.py",
        old="key=lambda one: was_stopped(one.exit_code), default",
        new="key=lambda one: 0, default",
        tests=("tests/contract/test_failures.py",),
    ),
    Mutant(
        bug="a job with several containers asks for the vCPUs of one",
        file="cli/batchrelay_cli/stack/local_containers.py",
        old="    return sum(container.vcpus for",
        new="    return max(container.vcpus for",
        tests=("tests/unit/cli/test_local_containers.py",),
    ),
)
