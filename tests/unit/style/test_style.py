"""Style is a test: sizes, arrows that import-linter cannot see, documents drawn from code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click import Group

from batchrelay.domain import limits
from batchrelay.domain.derived_transitions import SETTLE_TABLE
from batchrelay.domain.transitions import EVENT_TABLE
from batchrelay_cli.main import cli
from tests.e2e import test_limits
from tests.policies import Policies
from tests.stack import ROOT, resource, template
from verification.mutation.planted import MUTANTS

PACKAGES = ("layers/core/batchrelay", "local/batchrelay_local", "cli/batchrelay_cli", "functions")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FUNCTION_LINES_MAX, FILE_LINES_MAX, HANDLER_LINES_MAX = 40, 400, 100

MAY_READ_THE_ENVIRONMENT = {
    "layers/core/batchrelay/aws_lambda/settings.py",
    "local/batchrelay_local/launch.py",  # the starter hands the user's PATH to jobs
    "local/batchrelay_local/cloud.py",  # the cloud's own process sets what its workers inherit
    "local/batchrelay_local/ministack_host.py",  # MiniStack is configured by the environment
    "cli/batchrelay_cli/stack/local_setup.py",  # looks programs up on the user's PATH
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{name_of(path)}:{node.name}", node.end_lineno - node.lineno + 1


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
def test_no_room_is_called_by_a_word_that_means_nothing(word: str) -> None:
    assert [name_of(path) for path in FILES if word in path.stem.lower()] == []


def test_every_lint_exception_has_a_reason() -> None:
    lines = [(path, line) for path in FILES for line in path.read_text().splitlines()]
    exceptions = [(name_of(path), line) for path, line in lines if "# noqa" in line]
    assert len(exceptions) > 10
    for name, line in exceptions:
        assert re.search(r"# noqa: [A-Z0-9, ]+  # \w", line), f"{name}: {line}"


def test_every_function_of_the_template_has_its_room_and_its_role() -> None:
    resources = template()["Resources"]
    rooms = set()
    for resource_name, entry in resources.items():
        if entry["Type"] == "AWS::Serverless::Function":
            properties = resource(resource_name)
            rooms.add(properties["Handler"].split(".")[0])
            assert properties["Policies"], f"{resource_name} has no role of its own"
    assert rooms == {path.parent.name for path in FILES if path.name == "app.py"}


def test_no_role_may_do_everything_or_anything_everywhere() -> None:
    """Only what AWS has no resource for; with every parameter given, and with none."""
    given = dict.fromkeys(("ItemsBucketArn", "TopicArns", "JobQueueArns", "JobDefinitionArns"), "a")
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
                    lists = {"batch:ListJobs", "batch:DescribeJobs", "sqs:ListQueues"}
                    assert set(actions) <= lists, name


def state_diagram() -> str:
    """The diagram of docs/explanation/states.md, drawn from the tables."""
    edges: dict[tuple[str, str], list[str]] = {}
    for row in SETTLE_TABLE:
        for target in sorted(row.targets - {row.source}):
            edges.setdefault((row.source, target), []).append(f"({row.when})")
    for (source, event), targets in EVENT_TABLE.items():
        for target in sorted(targets):
            if target is not source:
                edges.setdefault((source, target), []).append(event.__name__)
    lines = ["stateDiagram-v2", "  [*] --> WAITING"]
    lines += [f"  {a} --> {b}: {', '.join(why)}" for (a, b), why in edges.items()]
    ends = sorted({target for _, target in edges if target.is_terminal})  # type: ignore[attr-defined]
    lines += [f"  {end} --> [*]" for end in ends]
    return "\n".join(lines) + "\n"


def test_the_state_diagram_in_the_docs_is_the_table() -> None:
    page = (ROOT / "docs/explanation/states.md").read_text()
    assert f"```mermaid\n{state_diagram()}```\n" in page, state_diagram()


def test_the_tests_that_the_docs_name_exist() -> None:
    page = (ROOT / "docs/reference/local-batch.md").read_text()
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"::(test_\w+)", page)
    assert len(named) > 15
    assert [name for name in named if f"def {name}(" not in tests] == []
    files = {path.name for path in (ROOT / "tests").rglob("*.py")}
    assert set(re.findall(r"`(test_\w+\.py)", page)) <= files


def test_the_mutants_of_the_docs_are_those_of_the_list() -> None:
    page = (ROOT / "docs/reference/mutants.md").read_text()
    rows = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")][2:]
    assert rows == [mutant.bug for mutant in MUTANTS]


def test_the_limits_of_the_docs_are_those_of_the_code() -> None:
    page = (ROOT / "docs/reference/limits.md").read_text()
    known = {name: value for name, value in vars(limits).items() if name.isupper()}
    assert set(re.findall(r"`([A-Z_]+)`", page)) == set(known)
    for row in re.findall(r"^\|(.+)\| `([A-Z_]+)` \|$", page, re.MULTILINE):
        cells, name = row[0].split("|"), row[1]
        assert f"{known[name]:,}" in [cell.strip() for cell in cells], name


def test_every_limit_is_tested_at_every_door_where_it_is_met() -> None:
    """A new constant is refused here until it has a row at the doors where it is met."""
    others, not_met = test_limits.OTHERS, test_limits.NOT_MET
    known = {name for name in vars(limits) if name.isupper()} | {"BODY_BYTES_MAX"}
    assert {entry.limit for entry in test_limits.ROWS} | others.keys() | not_met.keys() == known
    assert {entry.limit for entry in test_limits.ROWS}.isdisjoint(not_met)
    assert all(hasattr(test_limits, name) for name in others.values())
    files = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    for reason in not_met.values():
        assert set(re.findall(r"test_\w+\.py", reason)) <= files


def test_the_stack_of_the_docs_is_the_template() -> None:
    page = (ROOT / "docs/reference/stack.md").read_text()
    stack = template()
    names = {*stack["Parameters"], *stack["Outputs"]}
    names |= set(stack["Globals"]["Function"]["Environment"]["Variables"])
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == names
    for name, parameter in stack["Parameters"].items():
        default = f"`{parameter['Default']}`" if str(parameter["Default"]) else "empty"
        assert f"| `{name}` | {default} |" in page


def test_every_verb_is_in_the_docs() -> None:
    page = (ROOT / "docs/reference/command-line.md").read_text().partition("--output json` |")[0]
    described = re.findall(r"^\| `([a-z]+(?: [a-z]+)?)", page, re.MULTILINE)
    verbs = [
        f"{name} {inner}".rstrip()
        for name, verb in cli.commands.items()
        for inner in (verb.commands if isinstance(verb, Group) else [""])
    ]
    assert sorted(described) == sorted(verbs)


def test_every_page_of_the_docs_can_be_found_from_the_readme() -> None:
    pages = {path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")}
    linked = set(re.findall(r"\]\((docs/[^)#]+\.md)", (ROOT / "README.md").read_text()))
    alone = {str(page) for page in pages if "decisions" not in page.parts} - linked
    assert alone == set()


MAY_WRITE_AS_IT_IS = {
    "json.dumps": "JSON escapes what acts on a terminal",
    "printable": "the filter itself",
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
