"""Style is a test: sizes, arrows that import-linter cannot see."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchrelay.domain import limits
from tests.e2e import limit_rows
from tests.policies import Policies
from tests.stack import ROOT, resource, template

PACKAGES = (
    "layers/core/batchrelay",
    "batch-local/batch_local",
    "local/batchrelay_local",
    "cli/batchrelay_cli",
    "functions",
)
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FUNCTION_LINES_MAX, FILE_LINES_MAX, HANDLER_LINES_MAX = 40, 400, 120

MAY_READ_THE_ENVIRONMENT = {
    "layers/core/batchrelay/aws_lambda/settings.py",
    "batch-local/batch_local/in_process.py",  # the starter hands the user's PATH to jobs
    "local/batchrelay_local/launch.py",  # the starter hands the user's PATH to jobs
    "local/batchrelay_local/cloud.py",  # the cloud's own process sets what its workers inherit
    "local/batchrelay_local/lambda_runtime.py",  # a forked worker gets that of its function
    "local/batchrelay_local/ministack_host.py",  # MiniStack is configured by the environment
    "cli/batchrelay_cli/spin/command.py",  # one item runs with the caller's own environment
    "cli/batchrelay_cli/spin/keeper.py",  # it hands its own on to the program
    "cli/batchrelay_cli/stack/local_setup.py",  # looks programs up on the user's PATH
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{name_of(path)}:{node.name}", node.end_lineno - node.lineno + 1


def imported_names(path: Path) -> Iterator[str]:
    """Dotted, with the name that is taken from a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_module_imports_a_test_module() -> None:
    """What two test modules share has a module of its own, named for its subject."""
    modules = [
        path
        for folder in ("tests", "batch-local/tests", "verification")
        for path in (ROOT / folder).rglob("*.py")
    ]
    assert len(modules) > 150
    imports = [
        f"{name_of(path)}: {name}"
        for path in modules
        for name in imported_names(path)
        if any(word.startswith("test_") for word in name.split("."))
    ]
    assert imports == []


def test_functions_are_short() -> None:
    found = dict(entry for path in FILES for entry in functions(path))
    assert len(found) > 300
    assert {name: size for name, size in found.items() if size > FUNCTION_LINES_MAX} == {}


def test_files_have_one_reason_to_exist() -> None:
    sizes = {name_of(path): len(path.read_text().splitlines()) for path in FILES}
    assert {name: size for name, size in sizes.items() if size > FILE_LINES_MAX} == {}


def test_handlers_parse_call_and_return() -> None:
    handlers = [path for path in FILES if path.name == "app.py"]
    assert len(handlers) == 5
    for path in handlers:
        assert len(path.read_text().splitlines()) <= HANDLER_LINES_MAX, path


def test_only_settings_reads_the_environment() -> None:
    readers = {name_of(p) for p in FILES if re.search(r"os\.(environ|getenv)", p.read_text())}
    assert readers <= MAY_READ_THE_ENVIRONMENT


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "manager"])
def test_no_module_has_a_meaningless_name(word: str) -> None:
    assert [name_of(path) for path in FILES if word in path.stem.lower()] == []


def test_every_lint_exception_has_a_reason() -> None:
    lines = [(path, line) for path in FILES for line in path.read_text().splitlines()]
    exceptions = [(name_of(path), line) for path, line in lines if "# noqa" in line]
    assert len(exceptions) > 10
    for name, line in exceptions:
        assert re.search(r"# noqa: [A-Z0-9, ]+  # \w", line), f"{name}: {line}"


def test_every_function_of_the_template_has_its_folder_and_its_role() -> None:
    resources = template()["Resources"]
    folders = set()
    for resource_name, entry in resources.items():
        if entry["Type"] == "AWS::Serverless::Function":
            properties = resource(resource_name)
            folders.add(properties["Handler"].split(".")[0])
            assert "Policies" not in properties, "SAM would add policies of its own to the role"
            role = resources[f"{resource_name}Role"]["Properties"]
            assert role.keys() == {"AssumeRolePolicyDocument", "Policies"}, resource_name
    assert folders == {path.parent.name for path in FILES if path.name == "app.py"}


WITHOUT_RESOURCE = {
    "batch:ListJobs",
    "batch:DescribeJobs",
    "batch:DescribeJobQueues",
    "batch:DescribeComputeEnvironments",
    "batch:ListConsumableResources",
    "sqs:ListQueues",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
"""AWS has no ARN for these."""


def test_no_role_may_do_everything_or_anything_everywhere() -> None:
    """Only what AWS has no resource for; with every parameter given, and with none."""
    given = dict.fromkeys(("ItemsBucketArn", "TopicArns", "JobQueueArns", "JobDefinitionArns"), "a")
    given["Tracing"] = "Active"
    resources = template()["Resources"]
    names = [name for name, entry in resources.items() if entry["Type"].endswith("::Function")]
    assert len(names) == 5
    for policies in (Policies(parameters={}), Policies(parameters=given)):
        for name in names:
            for statement in policies.statements(name):
                actions = statement["Action"]
                actions = actions if isinstance(actions, list) else [actions]
                assert not [action for action in actions if "*" in action], name
                if statement["Resource"] == "*":
                    assert set(actions) <= WITHOUT_RESOURCE, name


def test_every_limit_is_tested_at_every_door_where_it_is_met() -> None:
    """A new constant is refused here until it has a row at the doors where it is met."""
    others, not_met = limit_rows.OTHERS, limit_rows.NOT_MET
    known = {name for name in vars(limits) if name.isupper()} | {"BODY_BYTES_MAX"}
    assert {entry.limit for entry in limit_rows.ROWS} | others.keys() | not_met.keys() == known
    assert {entry.limit for entry in limit_rows.ROWS}.isdisjoint(not_met)
    tried = (ROOT / "tests/e2e/test_limits.py").read_text()
    assert all(f"def {name}(" in tried for name in others.values())
    files = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    for reason in not_met.values():
        assert set(re.findall(r"test_\w+\.py", reason)) <= files


MAY_WRITE_AS_IT_IS = {
    "json.dumps": "JSON escapes what acts on a terminal",
    "printable": "the filter itself",
    "cut_line": "the filter, for a line of a log",
    "OPEN_WARNING": "a constant",
    "line": "local up: lines for a shell, of a cloud's own address and keys",
    "kind(ctx.find_root().command, {}, 'batchrelay', '_BATCHRELAY_COMPLETE').source": "our script",
}


def test_nothing_reaches_the_terminal_without_the_filter() -> None:
    """`terminal.say` and its screen are the way; what else writes says JSON, or our own words."""
    found = set()
    for path in (ROOT / "cli/batchrelay_cli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called in ("click.echo", "click.secho"):
                word = node.args[0]
                found.add(ast.unparse(word.func if isinstance(word, ast.Call) else word))
            if path.name != "terminal.py":
                banned = {"Console", "print", "sys.stdout.write", "sys.stderr.write"}
                assert called not in banned, name_of(path)
    assert found == MAY_WRITE_AS_IT_IS.keys()
