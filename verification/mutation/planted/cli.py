"""The bugs in what lint, deploy and completion judge; each is judged by the tests of its subject."""

from __future__ import annotations

from verification.mutation.planted.mutant import Mutant

MUTANTS = (
    Mutant(
        bug="a value of a trigger may stand in the code of a shell",
        file="cli/batchrelay_cli/pipeline_file/shell_code.py",
        old='OURS = ("run", "env")',
        new='OURS = ("run", "env", "trigger")',
        tests=("tests/unit/cli/test_shell_code.py",),
    ),
    Mutant(
        bug="a parameter of a job definition carries a value into code",
        file="cli/batchrelay_cli/pipeline_file/shell_code.py",
        old="if isinstance(text, str) and any(_values_of_parameter(text, command)):",
        new="if False:",
        tests=("tests/unit/cli/test_shell_code.py",),
    ),
    Mutant(
        bug="a class of failures that cannot be is taken",
        file="domain/failure_names.py",
        old="    if int(code) == SIGKILL:",
        new="    if False:",
        tests=("tests/unit/cli/test_retries.py",),
    ),
    Mutant(
        bug="memory grows from that of the first round's definition, below that of the others",
        file="cli/batchrelay_cli/pipeline_file/retry_use.py",
        old="for request in _requests_again(step)]",
        new="for request in [step.request]]",
        tests=("tests/unit/cli/test_retries.py",),
    ),
    Mutant(
        bug="values in the code of failed items' own command run",
        file="cli/batchrelay_cli/pipeline_file/shell_code.py",
        old="    for base in bases if retry else ():\n",
        new="    for base in ():\n",
        tests=("tests/unit/cli/test_retries.py",),
    ),
    Mutant(
        bug="lint lets a step name the failures of one that it runs beside",
        file="cli/batchrelay_cli/pipeline_file/order.py",
        old="others = set(step.needs) - step.n_to_n_needs",
        new="others = set(step.needs)",
        tests=("tests/unit/cli/test_failure_lists.py",),
    ),
    Mutant(
        bug="lint does not see a parameter behind the default of another",
        file="cli/batchrelay_cli/pipeline_file/reach.py",
        old="            text = text[: reference.offset] + value + text[behind:]\n",
        new="            return value, params\n",
        tests=("tests/unit/cli/test_lint_reach.py",),
    ),
    Mutant(
        bug="deploy takes a definition that a parameter names for one that it pins",
        file="cli/batchrelay_cli/stack/permissions.py",
        old="name in self.own and not reach.params",
        new="name in self.own",
        tests=("tests/unit/cli/test_permissions.py",),
    ),
    Mutant(
        bug="the command of deploy allows every bucket for one called *",
        file="cli/batchrelay_cli/stack/permissions.py",
        old="if _NAMES_ONE.fullmatch(arn):",
        new="if arn:",
        tests=("tests/unit/cli/test_permissions.py",),
    ),
    Mutant(
        bug="completion offers words that no shell can take apart",
        file="cli/batchrelay_cli/verbs/completion.py",
        old=" and NAME.fullmatch(word) is not None",
        new="",
        tests=("tests/unit/cli/test_completion.py",),
    ),
    Mutant(
        bug="cancel says of a run that is being stopped that it is stopped now",
        file="cli/batchrelay_cli/verbs/cancel.py",
        old='is_stopped = before["stopped"] is not None',
        new="is_stopped = False",
        tests=("tests/unit/cli/test_terminal.py",),
    ),
    Mutant(
        bug="a separator of lines in a notice begins a line",
        file="cli/batchrelay_cli/views/notice.py",
        old='.split("\\n"):',
        new=".splitlines():",
        tests=("tests/unit/cli/test_notice.py",),
    ),
    Mutant(
        bug="the failed items of a work queue are shown as workers",
        file="cli/batchrelay_cli/views/run_table.py",
        old='if _has_other_counts(step) and step["status"] in _ENDED:',
        new="if False:",
        tests=("tests/unit/cli/test_run_table.py",),
    ),
    Mutant(
        bug="one child is children",
        file="domain/values.py",
        old="{one if number == 1 else things}",
        new="{things}",
        tests=("tests/unit/domain/test_values.py",),
    ),
)
