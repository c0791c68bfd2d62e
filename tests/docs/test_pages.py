"""Pages and code agree: what a page names is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from click import Context, Group

from batchrelay.domain import limits
from batchrelay.domain.derived_transitions import HOLD_TABLE, RUN_END_TABLE, STEP_TABLE
from batchrelay.domain.run_transitions import RUN_TABLE
from batchrelay.domain.step_state import StepStatus
from batchrelay.domain.table import RunRow, StepRow
from batchrelay.domain.transitions import EVENT_TABLE
from batchrelay_cli.main import cli
from batchrelay_cli.pipeline_file.read import read
from tests.stack import ROOT, template

CORE = ROOT / "layers/core/batchrelay"
FOLDERS = {path.name for root in (ROOT, CORE) for path in root.iterdir() if path.is_dir()}
CELL = re.compile(r"^\| \d+ \| `([\w/.]+\.(?:py|yaml))`(?:, (.+?))? \|", re.MULTILINE)


def definitions(path: Path) -> set[str]:
    """Functions and classes of a file; methods as `Class.method`."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            members = [member for member in node.body if isinstance(member, ast.FunctionDef)]
            names |= {f"{node.name}.{member.name}" for member in members}
    return names


def test_the_walk_of_an_event_names_files_and_functions_that_are_there() -> None:
    page = (ROOT / "docs/explanation/architecture.md").read_text()
    stops = CELL.findall(page)
    assert len(stops) == 19
    for name, functions in stops:
        path = ROOT / name if (ROOT / name).exists() else CORE / name
        text = path.read_text()
        for function in re.findall(r"`([\w.]+)`", functions):
            if path.suffix == ".py":
                assert function in definitions(path), f"{name}: {function}"
            else:
                assert f"\n  {function}:" in text, f"{name}: {function}"


def test_every_file_that_a_page_names_is_there() -> None:
    """By its path in the repository, or in the core."""
    path = re.compile(r"[\w/-]+/[\w./-]+\.(?:py|yaml|json|toml|sh)\b")
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    files = {
        (page.name, name)
        for page in pages
        for code in re.findall(r"`([^`\n]+)`", page.read_text())
        for name in path.findall(code)
        if "://" not in code and name.split("/")[0] in FOLDERS
    }
    assert len(files) > 50
    missing = {(page, n) for page, n in files if not any((at / n).exists() for at in (ROOT, CORE))}
    assert missing == set()


def test_every_log_message_of_the_troubleshooting_page_is_logged() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text()
    functions = "".join(path.read_text() for path in (ROOT / "functions").rglob("*.py"))
    logged = set(re.findall(r'logger\.\w+\(\s*"([a-z ]+)"', functions))
    assert len(logged) > 10
    named = {
        "effects reconciled",
        "malformed event",
        "run not advanced",
        "trigger started nothing",
        "message not handled",
        "run skipped",
        "start refused",
    }
    assert all(f"`{message}`" in page for message in named)
    assert named <= logged


def state_diagram(first: str, rows: Iterable[StepRow | RunRow]) -> str:
    """A diagram of docs/explanation/states.md, drawn from the tables."""
    edges: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        labels = edges.setdefault((row.source, row.target), [])
        if row.label not in labels and row.target is not row.source:
            labels.append(row.label)
        if isinstance(row, StepRow) and row.grows:
            failures = edges.setdefault((row.source, StepStatus.FAILED), [])
            failures += [] if NO_SPACE in failures else [NO_SPACE]
    edges = {ends: labels for ends, labels in edges.items() if labels}
    lines = ["stateDiagram-v2", f"  [*] --> {first}"]
    lines += [f"  {a} --> {b}: {', '.join(why)}" for (a, b), why in edges.items()]
    ends = {str(row.target) for row in rows if row.target.is_terminal}
    lines += [f"  {end} --> [*]" for end in sorted(ends)]
    return "\n".join(lines) + "\n"


NO_SPACE = "(the stored run has no space for it)"


def test_the_state_diagrams_in_the_docs_are_the_tables() -> None:
    page = (ROOT / "docs/explanation/states.md").read_text()
    steps = state_diagram("WAITING", (*STEP_TABLE, *EVENT_TABLE))
    runs = state_diagram("QUEUED", (*RUN_TABLE, *HOLD_TABLE, *RUN_END_TABLE))
    for diagram in (steps, runs):
        assert f"```mermaid\n{diagram}```\n" in page, diagram


def test_the_tests_that_the_docs_name_exist() -> None:
    page = (ROOT / "docs/reference/local-batch.md").read_text()
    paths = [*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "batch-local/tests").rglob("test_*.py")]
    tests = "".join(path.read_text() for path in paths)
    named = re.findall(r"::(test_\w+)", page)
    assert len(named) > 15
    assert [name for name in named if f"def {name}(" not in tests] == []
    assert set(re.findall(r"`(test_\w+\.py)", page)) <= {path.name for path in paths}


def test_the_limits_of_the_docs_are_those_of_the_code() -> None:
    page = (ROOT / "docs/reference/limits.md").read_text()
    known = {name: value for name, value in vars(limits).items() if name.isupper()}
    assert set(re.findall(r"`([A-Z_]+)`", page)) == set(known)
    for row in re.findall(r"^\|(.+)\| `([A-Z_]+)` \|$", page, re.MULTILINE):
        cells, name = row[0].split("|"), row[1]
        assert f"{known[name]:,}" in [cell.strip() for cell in cells], name


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
    ctx = Context(cli)
    verbs = [
        f"{name} {inner}".rstrip()
        for name in cli.list_commands(ctx)
        for verb in [cli.get_command(ctx, name)]
        for inner in (verb.commands if isinstance(verb, Group) else [""])
    ]
    assert sorted(described) == sorted(verbs)


def test_the_examples_of_reports_are_as_small_as_their_page_says() -> None:
    page = (ROOT / "docs/how-to/see-a-run.md").read_text()
    rows = re.findall(r"^\| \[[\w-]+\.html\]\(\.\./(examples/\S+)\) .* (\d+) \|$", page, re.M)
    sizes = {name: int(kilobytes) for name, kilobytes in rows}
    files = {f"examples/{path.name}": path for path in (ROOT / "docs/examples").glob("*.html")}
    assert sizes == {name: round(path.stat().st_size / 1000) for name, path in files.items()}
    assert max(sizes.values()) < 300
    for path in files.values():
        assert not re.search(r"/(tmp|home|root|work|Users)/", path.read_text()), path


def test_every_page_of_the_docs_can_be_found_from_the_readme() -> None:
    pages = {path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")}
    linked = set(re.findall(r"\]\((docs/[^)#]+\.md)", (ROOT / "README.md").read_text()))
    alone = {str(page) for page in pages if "decisions" not in page.parts} - linked
    assert alone == set()


def test_every_whole_pipeline_of_a_page_is_right(tmp_path: Path) -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    blocks = (b for page in pages for b in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.S))
    pipelines = [block for block in blocks if re.search(r"^pipeline:", block, re.MULTILINE)]
    assert len(pipelines) > 4
    for number, text in enumerate(pipelines):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        assert read(file).pipeline.steps


DIALECT = re.compile(
    r"\b(told|tells?|telling|heard|hears?|hearing|said|owed|owes?|pays|settles?|settled|doom(ed)?|"
    r"twins?|lanes?|bursts?|rings?|bad weather|mend(ed|s)?|whoever|nobody|somebody|is none)\b"
    r"|means nothing here|\ba sweep\b|\bsweeps\b",
    re.IGNORECASE,
)
GENERATED = {"docs/reference/crashes.md"}


def test_pages_speak_in_the_words_of_the_field() -> None:
    """Each has a standard term: terminated, reported, pending, duplicate job, reconcile, …"""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    assert len(pages) > 50
    lines = [
        f"{path.relative_to(ROOT)}:{number}: {line}"
        for path in sorted(pages)
        if path.relative_to(ROOT).as_posix() not in GENERATED
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if DIALECT.search(re.sub(r"`[^`]*`", "", line))
    ]
    assert lines == []
