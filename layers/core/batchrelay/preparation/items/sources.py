"""Opens what a step fans out over, as a stream of items that can begin after any of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, product

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.item import expand_item
from batchrelay.domain.pipeline import (
    ForEach,
    InlineItems,
    ListFile,
    ListFormat,
    Listing,
    Matrix,
    StepOutputs,
)
from batchrelay.domain.run import Run
from batchrelay.domain.step_state import StepState, StepStatus
from batchrelay.domain.templates import expand
from batchrelay.domain.values import Json, existing_uri, manifest_uri
from batchrelay.domain.variables import variables_of
from batchrelay.ports import Objects
from batchrelay.preparation.failures.files import failed_numbers
from batchrelay.preparation.items.compression import plain
from batchrelay.preparation.items.glob import glob
from batchrelay.preparation.items.json_list import read_json_list
from batchrelay.preparation.items.tables import read_table
from batchrelay.preparation.items.texts import read_jsonl, read_lines

_SUFFIXES = {
    ".json": ListFormat.JSON,
    ".jsonl": ListFormat.JSONL,
    ".ndjson": ListFormat.JSONL,
    ".csv": ListFormat.CSV,
    ".tsv": ListFormat.TSV,
    ".tab": ListFormat.TSV,
}

SOURCE_CHARS_MAX = 32
"""Characters of a list's URI in an error, its end: of a reason a run keeps REASON_CHARS_MAX."""

_FOLDER_MARKS = ("/", "_$folder$")
"""How the keys of empty objects end that stand for a folder: consoles make them, and Hadoop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a source was read: so many items, the last one under this key."""

    read: int = 0
    after: str = ""


@dataclass(frozen=True, slots=True)
class Passed:
    """An object of a listing that is no item: so far it was read."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where items come from."""

    objects: Objects

    def items(self, run: Run, for_each: ForEach, position: Position) -> Iterator[Json | Passed]:
        """The items behind a position. Raises: InvalidItems, also while they are read."""
        match for_each:
            case ListFile():
                uri = expand(for_each.file, variables_of(run))
                return islice(self._listed(uri, for_each), position.read, None)
            case Listing():
                return self._objects_below(run, for_each, position.after)
            case Matrix():
                return islice(_combinations(for_each), position.read, None)
            case InlineItems():
                return iter(for_each.items[position.read :])
            case StepOutputs():
                outputs = self.outputs(run, for_each.step)
                return islice(_output_items(outputs), position.read, None)

    def outputs(self, run: Run, step_name: str) -> Iterator[str]:
        """The output URIs of a step that has ended well, in the order of its items."""
        step, state = run.pipeline.step(step_name), run.state(step_name)
        if step.output is None:
            raise InvalidItems(f"step {step_name} has no flow.output")
        if state.status is StepStatus.SKIPPED and not state.existing:
            return
        pattern = expand(step.output, variables_of(run))
        if step.aggregate is not None or "${item" not in pattern:
            yield pattern
            return
        failed = failed_numbers(self.objects, state)
        for number, item in self._numbered(state):
            if number not in failed:
                yield expand_item(pattern, item, number)
        if state.existing and state.manifest is not None:
            for item in self._rows(existing_uri(state.manifest)):
                yield expand_item(pattern, item, -1)

    def level_outputs(self, state: StepState) -> Iterator[str]:
        """The outputs of an aggregate's latest level."""
        assert state.manifest is not None, state
        uri = manifest_uri(state.manifest, 0)
        for number, item in enumerate(self._rows(uri)):
            output = item.get("output") if isinstance(item, dict) else None
            if not isinstance(output, str):
                raise InvalidItems(f"{uri}: item {number} has no output: did a job write there?")
            yield output

    def _numbered(self, state: StepState) -> Iterator[tuple[int, Json]]:
        """The items of a step with their numbers; of a step without items, its children."""
        if state.manifest is None:
            yield from ((child, {"number": child}) for child in range(state.children or 0))
            return
        parts = state.first_parts
        for group in sorted({part.group for part in parts}):
            first = sum(part.size for part in parts if part.group < group) * state.chunk
            yield from enumerate(self._rows(manifest_uri(state.manifest, group)), start=first)

    def _rows(self, uri: str) -> Iterator[Json]:
        return read_jsonl(self.objects.read(uri), uri)

    def _listed(self, uri: str, listed: ListFile) -> Iterator[Json]:
        source = uri if len(uri) <= SOURCE_CHARS_MAX else "…" + uri[1 - SOURCE_CHARS_MAX :]
        chunks = plain(self.objects.read(uri), source)
        form = listed.format or _format_of(uri)
        match form:
            case ListFormat.JSON:
                return read_json_list(chunks, listed.items, source)
            case ListFormat.JSONL:
                return read_jsonl(chunks, source)
            case ListFormat.CSV:
                separator = listed.separator or ","
                return read_table(chunks, source, separator, is_guess=not listed.separator)
            case ListFormat.TSV:
                return read_table(chunks, source, "\t", is_guess=True)
            case ListFormat.LINES | None:
                return read_lines(chunks, source, is_guess=form is None)

    def _objects_below(self, run: Run, listing: Listing, after: str) -> Iterator[Json | Passed]:
        """Objects, but not the empty ones that stand for a folder."""
        variables = variables_of(run)
        prefix = expand(listing.prefix, variables)
        suffix = expand(listing.suffix, variables)
        matches = glob(expand(listing.match, variables)) if listing.match else None
        found = self.objects.list(prefix, after)
        bucket, _, start = prefix.removeprefix("s3://").partition("/")
        at = len(start)
        for key, size in found:
            is_folder = key.endswith(_FOLDER_MARKS) and size == 0
            if not is_folder and key.endswith(suffix) and (matches is None or matches(key[at:])):
                yield {"bucket": bucket, "key": key, "size": size}
            else:
                yield Passed(key)


def list_format(listed: ListFile, uri: str) -> ListFormat:
    """The format of a list: as the pipeline says, or by its name; else plain lines."""
    return listed.format or _format_of(uri) or ListFormat.LINES


def _format_of(uri: str) -> ListFormat | None:
    """By its name, in capitals or not; None if that does not say it."""
    name = uri.lower().removesuffix(".gz")
    ends = (form for suffix, form in _SUFFIXES.items() if name.endswith(suffix))
    return next(ends, None)


def _combinations(matrix: Matrix) -> Iterator[Json]:
    names = tuple(matrix.axes)
    for values in product(*matrix.axes.values()):
        yield dict(zip(names, values, strict=True))


def _output_items(outputs: Iterator[str]) -> Iterator[Json]:
    for number, uri in enumerate(outputs):
        yield {"output": uri, "number": number}


def reduced(inputs: Iterator[str], fan_in: int, final: str, folder: str) -> Iterator[Json]:
    """One level of a tree reduction: {"inputs": […], "output"}; a single one makes the final."""
    batches = iter(lambda: list(islice(inputs, fan_in)), [])
    first = next(batches, None)
    if first is None:
        return
    second = next(batches, None)
    if second is None:
        yield {"inputs": first, "output": final}
        return
    suffix = _suffix(final)
    for number, batch in enumerate(chain((first, second), batches)):
        yield {"inputs": batch, "output": f"{folder}{number:06d}{suffix}"}


def _suffix(uri: str) -> str:
    """`.json` of `…/a.json`: programs look at it."""
    name = uri.rpartition("/")[2]
    return name[name.index(".") :] if "." in name[1:] else ""
