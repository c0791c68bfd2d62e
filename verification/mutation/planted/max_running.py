"""The bugs in how many children of a step run: `maxRunning`, and AWS Batch's consumable resources."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

TESTS = (
    "tests/unit/domain/test_consumable_resources.py",
    "tests/unit/engine/test_consumable_resources.py",
)
LOCAL = ("batch-local/tests/test_consumables.py",)
LINT = ("tests/unit/cli/test_max_running.py",)
ADAPTER = ("tests/contract/test_resource_errors.py",)

MUTANTS = (
    Mutant(
        bug="a job is submitted although its resource is not there",
        file="engine/effects.py",
        old="possible = [effect for effect in effects if effect.key.label not in missing]",
        new="possible = list(effects)",
        tests=TESTS,
    ),
    Mutant(
        bug="jobs whose resource could not be made wait for their grace",
        file="engine/consumable_resources.py",
        old="problems[key.label] = Throttled(str(error))",
        new="problems[key.label] = error",
        tests=TESTS,
    ),
    Mutant(
        bug="a submission does not say that it made a resource",
        file="engine/effects.py",
        old="results.append(ConsumableResourcesLeft(at=now))",
        new="pass",
        tests=TESTS,
    ),
    Mutant(
        bug="an invocation never gives up, because it says what it made",
        file="engine/effects.py",
        old="{EffectsPostponed, RunContinued, ConsumableResourcesLeft}",
        new="{EffectsPostponed, RunContinued}",
        tests=TESTS,
    ),
    Mutant(
        bug="a late deletion takes the resource of a redrive",
        file="domain/consumable_resources.py",
        old="return match is not None and int(match[1]) <= redrive",
        new="return match is not None",
        tests=TESTS,
    ),
    Mutant(
        bug="what an end before a redrive left is never deleted",
        file="domain/consumable_resources.py",
        old="int(match[1]) <= redrive",
        new="int(match[1]) == redrive",
        tests=TESTS,
    ),
    Mutant(
        bug="a redrive uses the resource of the end before it",
        file="domain/consumable_resources.py",
        old="{resources_prefix(run.id)}{run.redrive_number}-",
        new="{resources_prefix(run.id)}0-",
        tests=TESTS,
    ),
    Mutant(
        bug="each part has a bound of its own",
        file="domain/requests.py",
        old="        request = with_resource(request, resource)\n",
        new="        name = f'{resource.name}-{key.part}'\n"
        "        own = type(resource)(name=name, units=resource.units)\n"
        "        request = with_resource(request, own)\n",
        tests=TESTS,
    ),
    Mutant(
        bug="what a job needs of its own is forgotten",
        file="domain/consumable_resources.py",
        old="needs = [*(listed if isinstance(listed, list) else ()), needed]",
        new="needs = [needed]",
        tests=TESTS,
    ),
    Mutant(
        bug="a run that has ended keeps its resources",
        file="domain/run_end.py",
        old="consumable_resources_since=at if resources else None",
        new="consumable_resources_since=None",
        tests=TESTS,
    ),
    Mutant(
        bug="a late answer of an earlier end ends the deletion of this one",
        file="domain/end_effects.py",
        old="if run.consumable_resources_since is None or event.redrive != run.redrive_number:",
        new="if run.consumable_resources_since is None:",
        tests=TESTS,
    ),
    Mutant(
        bug="what a late submission made after the end stays",
        file="domain/end_effects.py",
        old="return replace(run, consumable_resources_since=event.at) if is_over else run",
        new="return run",
        tests=TESTS,
    ),
    Mutant(
        bug="what a late submission without an answer made after the end stays",
        file="engine/consumable_resources.py",
        old="return runs.load(run.id) if is_silent else run",
        new="return run",
        tests=TESTS,
    ),
    Mutant(
        bug="an overdue deletion is not taken over",
        file="domain/end_effects.py",
        old="return replace(run, consumable_resources_since=now)",
        new="return run",
        tests=TESTS,
    ),
    Mutant(
        bug="a part that waits for its bound is called blocked",
        file="engine/reconcile.py",
        old="return step.max_running is not None and any(part.running for part in others)",
        new="return False",
        tests=TESTS,
    ),
    Mutant(
        bug="a resource that is there already is refused",
        file="adapters/batch_resources.py",
        old="            if not self._is_there(resource.name):\n",
        new="            if self._is_there(resource.name) is not None:\n",
        tests=ADAPTER,
    ),
    Mutant(
        bug="a resource that may not be deleted counts as gone",
        file="adapters/batch_resources.py",
        old="                return  # another process was faster\n",
        new="                return  # another process was faster\n            return\n",
        tests=ADAPTER,
    ),
    Mutant(
        bug="a bound above the limit is accepted",
        file="cli/batchrelay_cli/pipeline_file/max_running.py",
        old="if not 1 <= value <= MAX_RUNNING_MAX:",
        new="if not 1 <= value:",
        tests=LINT,
    ),
    Mutant(
        bug="the local AWS Batch starts one more than there are units",
        file="batch-local/batch_local/resources/consumables.py",
        old="if self.available(name) < quantity:",
        new="if self.available(name) < quantity - 1:",
        tests=LOCAL,
    ),
    Mutant(
        bug="the local AWS Batch does not give units back after a failed attempt",
        file="batch-local/batch_local/scheduling/scheduler.py",
        old="        self.consumables.give_back(job.spec)\n",
        new="        if attempt.exit_code == 0:\n            self.consumables.give_back(job.spec)\n",
        tests=LOCAL,
    ),
    Mutant(
        bug="the local AWS Batch does not look again when units are added",
        file="batch-local/batch_local/scheduling/scheduler.py",
        old='that was not, or has other units."""\n        self._advance(now)\n',
        new='that was not, or has other units."""\n',
        tests=LOCAL,
    ),
)
