"""The bugs in what is measured, advised and priced; each is judged by the tests of that subject."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

USAGE = ("tests/unit/worker/test_usage.py", "tests/unit/worker/test_program.py")
OF_CONTAINERS = ("tests/unit/cli/test_requested_size.py",)
SIZING = ("tests/unit/domain/test_sizing.py",)
PRICES = ("tests/unit/prices",)
EDIT = ("tests/unit/cli/test_edit.py",)

MUTANTS = (
    Mutant(
        bug="memory that the system does not say is measured as 0",
        file="worker/batchrelay_worker/usage.py",
        old="    if rss > 0:\n",
        new="    if rss >= 0:\n",
        tests=USAGE,
    ),
    Mutant(
        bug="the memory of an item is that of its last try",
        file="worker/batchrelay_worker/program.py",
        old='both["rss"] = max(first["rss"], second["rss"])',
        new='both["rss"] = second["rss"]',
        tests=USAGE,
    ),
    Mutant(
        bug="a child outside ECS reports the cgroup that it shares with others",
        file="worker/batchrelay_worker/usage.py",
        old="        if environment.get(METADATA):\n",
        new="        if True:\n",
        tests=USAGE,
    ),
    Mutant(
        bug="the worker asks any host for the metadata of its task",
        file="worker/batchrelay_worker/usage.py",
        old="bool(_LOCAL.fullmatch(host))",
        new="bool(_LOCAL.match(host))",
        tests=USAGE,
    ),
    Mutant(
        bug="every kill is for want of memory",
        file="worker/batchrelay_worker/program.py",
        old="(self._oom_kills or 0) > before",
        new="(self._oom_kills or 0) >= before",
        tests=USAGE,
    ),
    Mutant(
        bug="an item that ran out of memory counts with what it reached",
        file="domain/sizing.py",
        old="        return max(item.peak_mib or 0, now.memory_mib)\n",
        new="        return item.peak_mib\n",
        tests=SIZING,
    ),
    Mutant(
        bug="the waits between tries make an item look idle",
        file="domain/sizing.py",
        old="[item for item in timed if item.tries == 1] or timed",
        new="timed",
        tests=SIZING,
    ),
    Mutant(
        bug="a split is advised that saves nothing",
        file="domain/sizing.py",
        old="best.saving >= SPLIT_SAVING_MIN",
        new="best.saving >= -1",
        tests=SIZING,
    ),
    Mutant(
        bug="an estimate does not reach to the mean of a few long items",
        file="prices/estimate.py",
        old="high=max(high, mean)",
        new="high=high",
        tests=PRICES,
    ),
    Mutant(
        bug="an estimate ignores the sizes of groups",
        file="prices/estimate.py",
        old="high=max(high for _, _, high in amounts)",
        new="high=amounts[0][2]",
        tests=PRICES,
    ),
    Mutant(
        bug="a region without a price costs nothing",
        file="prices/__init__.py",
        old="        if rate is None:\n",
        new='        rate = rate or {"vcpuHour": 0, "gibHour": 0}\n        if rate is None:\n',
        tests=PRICES,
    ),
    Mutant(
        bug="a short attempt on Fargate costs its seconds",
        file="prices/__init__.py",
        old="max(seconds, FARGATE_S_MIN * attempts)",
        new="seconds",
        tests=PRICES,
    ),
    Mutant(
        bug="a job on EC2 that takes most of the memory costs its vCPUs only",
        file="prices/__init__.py",
        old='max(vcpus / entry["vcpus"], memory_mib / entry["mib"])',
        new='vcpus / entry["vcpus"]',
        tests=PRICES,
    ),
    Mutant(
        bug="a value that two steps share by an alias is written for both",
        file="cli/batchrelay_cli/pipeline_file/edit.py",
        old="        if node is None or not parent.start_mark.index <= node.start_mark.index < (\n            parent.end_mark.index\n        ):\n",
        new="        if node is None:\n",
        tests=EDIT,
    ),
    Mutant(
        bug="the first of several containers with the worker is taken for the measured one",
        file="cli/batchrelay_cli/stack/measured_container.py",
        old="    if len(with_worker) == 1:\n",
        new="    if with_worker:\n",
        tests=OF_CONTAINERS,
    ),
    Mutant(
        bug="a cost is of a pod whose containers are all there at once",
        file="cli/batchrelay_cli/stack/requested_size.py",
        old="for one in on_node if not one.container.is_init]",
        new="for one in on_node]",
        tests=OF_CONTAINERS,
    ),
    Mutant(
        bug="on Fargate a container is advised a pair of its own beside the others",
        file="domain/sizing.py",
        old="vcpus + beside.vcpus, need + beside.memory_mib",
        new="vcpus, need",
        tests=SIZING,
    ),
    Mutant(
        bug="a pipeline file that would be wrong is written",
        file="cli/batchrelay_cli/pipeline_file/edit.py",
        old="            self._path.write_bytes(self._before)\n",
        new="",
        tests=EDIT,
    ),
)
