"""Values that several rooms share: JSON documents and a job's identity."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from batchrelay.domain.limits import REASON_BYTES_MAX, REASON_CHARS_MAX, STEP_LABEL_MAX

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""A document in AWS's own shape: we hand it on, we do not model it."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
"""Of a pipeline, a step, a job definition. Source: SubmitJob, jobName."""

NAME_CHARS_MAX = 128
"""Characters of such a name; of any other text, as much as an error repeats."""

RUN_ID = re.compile(r"[0-9a-z]{1,32}")
"""A run id has no dash, so that a jobName can be taken apart."""

JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Of a job, not of an array's child. Source: SubmitJob, jobId is a UUID."""

RUNS_PREFIX = "runs/"
"""Below it, in the stack's bucket, lies what batchrelay writes for runs."""


def work_queues_prefix(run_id: str) -> str:
    """How the names of a run's own SQS queues begin.

    With an underscore, which the name of a CloudFormation stack cannot have: what may delete every
    `br_*` (template.yaml) may delete no queue of a stack, whatever its name.
    Source: CreateStack, StackName.
    """
    return f"br_{run_id}-"


_JOB_NAME = re.compile(
    r"br-(?P<run>[0-9a-z]{1,32})-(?P<label>.+)-r(?P<round>\d{1,4})-p(?P<part>\d{1,4})"
)


def counted(number: int, things: str) -> str:
    """`1 child`, `2 children`, `1,000 items`: the things are given in their plural."""
    one = "child" if things == "children" else things.removesuffix("s")
    return f"{number:,} {one if number == 1 else things}"


def short(reason: str) -> str:
    """As much of a reason as a run keeps."""
    if not reason:
        return reason
    reason = storable(reason)
    if fits(reason):
        return reason
    reason = reason[: REASON_CHARS_MAX - 1]
    while stored_text(reason + "…") > REASON_BYTES_MAX:
        reason = reason[:-1]
    return reason + "…"


def milliseconds(time: datetime | None) -> int | None:
    """As a run is stored: it has thousands of times, and is charged by the KiB."""
    return None if time is None else round(time.timestamp() * 1000)


def time_text(time: datetime) -> str:
    """`2026-01-31T12:00:00.000Z`, as the API and every document has it."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fits(reason: str) -> bool:
    """Whether a run keeps a reason whole."""
    return len(reason) <= REASON_CHARS_MAX and stored_text(reason) <= REASON_BYTES_MAX


def storable(text: str) -> str:
    """A text with a question mark for every half of a character, which UTF-8 does not have."""
    return text.encode(errors="replace").decode()


def stored_text(text: str) -> int:
    """Bytes of a text in a stored document, its quotes and escapes included."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return len(text) + 2
    return len(json.dumps(text, ensure_ascii=False).encode(errors="surrogatepass"))


def printable(text: str, keep: str = "") -> str:
    """A text from outside as one that cannot act on a terminal, nor break a line in two.

    Colours are left out. Every other control character, separator of lines, bidirectional override
    and half of a character is written as its escape, but for those in `keep`.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char in keep or _is_plain(char) else char.encode("unicode_escape").decode()
        for char in _COLOUR.sub("", text)
    )


_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
"""Select Graphic Rendition. Source: ECMA-48, 8.3.117."""

_JOINERS = "\u200c\u200d"
"""Persian, Indic scripts and emoji are written with them; they only join letters."""


def _is_plain(char: str) -> bool:
    return char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs"


def step_label(step: str) -> str:
    """The step as it stands in a jobName: lower case, at most STEP_LABEL_MAX characters.

    Lower case because the JOB_NAME filter of ListJobs ignores case. A long name keeps its
    head and gains a hash, so that two long names never share a label.
    """
    if len(step) <= STEP_LABEL_MAX:
        return step.lower()
    digest = hashlib.sha256(step.encode()).hexdigest()[:12]
    return f"{step[: STEP_LABEL_MAX - 13]}-{digest}".lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKey:
    """Which job: one part of one round of one step of one run. Its name is its identity."""

    run_id: str
    label: str
    round: int
    part: int

    @property
    def name(self) -> str:
        """The jobName: deterministic, lower case, at most 128 characters."""
        return f"br-{self.run_id}-{self.label}-r{self.round}-p{self.part}"

    @classmethod
    def parse(cls, job_name: str) -> JobKey | None:
        """The key behind a jobName, or None for a job that is not ours."""
        match = _JOB_NAME.fullmatch(job_name)
        if match is None:
            return None
        return cls(
            run_id=match["run"],
            label=match["label"],
            round=int(match["round"]),
            part=int(match["part"]),
        )


def merged(under: Mapping[str, Json], over: Mapping[str, Json]) -> dict[str, Json]:
    """Mappings are merged key by key; anything else of `over` replaces what is under it."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = merged(below, value) if both else value  # type: ignore[arg-type]
    return result


def manifest_uri(folder: str, group: int) -> str:
    """The manifest of a group; without groups, everything is group 0."""
    return f"{folder}items.jsonl" if group == 0 else f"{folder}items-{group}.jsonl"


def offsets_uri(manifest: str) -> str:
    """Where a manifest's offset table lies: beside it."""
    return manifest.removesuffix(".jsonl") + ".offsets"


def numbers_uri(folder: str, group: int) -> str:
    """The numbers of a manifest's items, in a round that runs failed items again: text, a number
    right-aligned in NUMBER_CHARS characters on each line."""
    return f"{folder}numbers.txt" if group == 0 else f"{folder}numbers-{group}.txt"


NUMBER_CHARS = 10
"""Characters of an item's number in that file: a range of bytes is a range of items."""


def failures_uri(folder: str) -> str:
    """Every item that failed and did not succeed later, JSONL."""
    return f"{folder}failures.jsonl"


def causes_uri(folder: str) -> str:
    """The same, grouped by cause."""
    return f"{folder}causes.json"


def succeeded_uri(folder: str) -> str:
    """The items that succeeded, JSONL, once a step has ended with failures."""
    return f"{folder}succeeded.jsonl"


def existing_uri(folder: str) -> str:
    """The items that were left out because their output is there, JSONL."""
    return f"{folder}existing.jsonl"
