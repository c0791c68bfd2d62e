"""Takes out of a draft what lint refuses, until the file lints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from batchrelay.domain.containers import ONE_CONTAINER
from batchrelay_cli.adopt.draft import DEFINITION, QUEUE, Draft, Path, Step
from batchrelay_cli.adopt.text import text_of
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.pipeline_file.document import Document, Place, parse
from batchrelay_cli.pipeline_file.read import read_document

ROUNDS_MAX = 100
"""Times that a draft is given to lint: each takes something out, or it is the last."""

STOPPED = ["false"]
"""The command of a step whose own cannot be carried: it fails, instead of doing something else."""

_NAME_OF_PARAM = re.compile(r"params\.([A-Za-z0-9_-]+)")

_COMMAND = (ONE_CONTAINER, "command")
"""Of the only container, or of those of a range of nodes."""

_STANDS_IN = {"jobQueue": QUEUE, "jobDefinition": DEFINITION}


@dataclass
class _Judged(Document):
    """A document that keeps the place of each error, not only its line."""

    refusals: list[tuple[Place, str]] = field(default_factory=list)

    def wrong(self, place: Place, message: str) -> None:
        self.refusals.append((place, message))

    def wrong_key(self, place: Place, message: str) -> None:
        self.refusals.append((place, message))

    @property
    def errors(self) -> list[Any]:
        return self.refusals


def accepted_text(draft: Draft) -> str:
    """The text of a draft, changed so that it lints; what was taken out is noted in the draft.

    Raises:
        UsageProblem: nothing is left, or what is left cannot be a pipeline.
    """
    for _ in range(ROUNDS_MAX):
        if not draft.steps:
            raise UsageProblem(f"{draft.source}: no step of it can be carried{_first_of(draft)}")
        text = text_of(draft)
        refusals = _refusals(text)
        if not refusals:
            _forget_unused(draft)
            draft.not_carried.sort(key=lambda entry: entry.line)
            return text_of(draft)
        _take_out(draft, refusals)
    raise UsageProblem(f"{draft.source}: this cannot be made a pipeline{_first_of(draft)}")


def _forget_unused(draft: Draft) -> None:
    """Parameters that no step names: a start would demand them for nothing."""
    texts = json.dumps([step.entry for step in draft.steps])
    names = set(_NAME_OF_PARAM.findall(texts))
    draft.params = {name: value for name, value in draft.params.items() if name in names}


def _first_of(draft: Draft) -> str:
    first = next(iter(draft.not_carried), None)
    return "" if first is None else f": line {first.line}: {first.what}: {first.why}"


def _refusals(text: str) -> list[tuple[Place, str]]:
    document = parse(text)
    judged = _Judged(
        data=document.data,
        positions=document.positions,
        key_positions=document.key_positions,
    )
    judged.refusals.extend(((), problem.message) for problem in document.errors)
    if not judged.refusals:
        read_document(judged)
    return judged.refusals


def _take_out(draft: Draft, refusals: list[tuple[Place, str]]) -> None:
    """The last entries of a list first, so that the places of the others stay right."""
    cuts: dict[tuple[int, Path], str] = {}
    for place, message in refusals:
        match place:
            case ("steps", int(number), *path):
                cut = _cut(draft.steps[number], tuple(path))
                cuts.setdefault((number, cut), message)
            case ("timeout", *_):
                draft.timeout = None
                draft.leave(1, "timeout", message)
            case ("params", str(name), *_):
                draft.params.pop(name, None)
                draft.leave(1, f"the parameter {name}", message)
            case _:
                raise UsageProblem(f"{draft.source}: this cannot be made a pipeline: {message}")
    for (number, cut), message in sorted(cuts.items(), key=_order, reverse=True):
        _remove(draft, number, cut, message)


def _order(cut: tuple[tuple[int, Path], str]) -> tuple[int, int, list[tuple[int, str]]]:
    """A step as a whole comes last of its own cuts."""
    (number, path), _ = cut
    parts = [(part, "") if isinstance(part, int) else (0, part) for part in path]
    return number, len(path), parts


def _cut(step: Step, path: Path) -> Path:
    """What has to go, for one value of it to go: an entry of a list, a field, or the step."""
    if path[:1] == ("jobName",):
        return ()
    if _COMMAND[0] in path and path[path.index(_COMMAND[0]) :][:2] == _COMMAND:
        return path[: path.index(_COMMAND[0]) + 2]
    if path[:1] == ("flow",):
        return _there(step.entry, path[:2])
    end = next((n for n, part in enumerate(path[:4]) if isinstance(part, int)), None)
    return _there(step.entry, path[:2] if end is None else path[: end + 1])


def _there(entry: Any, path: Path) -> Path:
    """As much of a path as the entry has."""
    for length, part in enumerate(path):
        has_it = part in entry if isinstance(entry, dict) else _has_entry(entry, part)
        if not has_it:
            return path[:length]
        entry = entry[part]
    return path


def _has_entry(value: Any, part: str | int) -> bool:
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _remove(draft: Draft, number: int, path: Path, message: str) -> None:
    step = draft.steps[number]
    if _there(step.entry, path) != path:
        return  # it went with what is in it
    line = step.line_at(path)
    if not path:
        draft.leave(line, step.name, message)
        del draft.steps[number]
        return
    name = ".".join(map(str, path))
    message = message.removeprefix(f"{path[-1]} ")
    if path[-2:] == _COMMAND and _value(step.entry, path) != STOPPED:
        _value(step.entry, path[:-1])["command"] = list(STOPPED)
        why = f"{message}. The step fails until you write its command"
        draft.leave(line, f"{step.name}: {name}", why)
        return
    draft.leave(line, f"{step.name}: {name}", message)
    if len(path) == 1 and path[0] in _STANDS_IN:
        step.entry[str(path[0])] = _STANDS_IN[str(path[0])]
    elif path == ("dependsOn",) and any("type" in entry for entry in _edges(step)):
        named = [{"jobName": entry["jobName"]} for entry in _edges(step) if "jobName" in entry]
        step.entry["dependsOn"] = named
    else:
        _delete(step.entry, path)


def _edges(step: Step) -> Iterator[dict[str, Any]]:
    value = step.entry.get("dependsOn")
    yield from (
        (entry for entry in value if isinstance(entry, dict)) if isinstance(value, list) else ()
    )


def _value(entry: Any, path: Path) -> Any:
    for part in path:
        entry = entry[part]
    return entry


def _delete(entry: Any, path: Path) -> None:
    """With the list or mapping around it, if that is empty then."""
    inner = _value(entry, path[:-1])
    del inner[path[-1]]
    if not inner and len(path) > 1:
        _delete(entry, path[:-1])
