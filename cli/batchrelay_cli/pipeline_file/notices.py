"""`notify:` of a pipeline file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchrelay.domain.item import literal_prefix
from batchrelay.domain.limits import PRESIGN_S_MAX
from batchrelay.domain.notices import is_object
from batchrelay.domain.pipeline import NoticeRule, Pipeline
from batchrelay_cli.pipeline_file.document import Document, Place
from batchrelay_cli.pipeline_file.fields import seconds_of
from batchrelay_cli.pipeline_file.shapes import unknown_key

_KEYS = ("topicArn", "on", "link", "presign")
OUTCOMES = ("SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED", "PAUSED")


def read_notices(document: Document, value: Any) -> tuple[NoticeRule, ...]:
    """`notify:`: a list of {topicArn, on, link, presign}."""
    if not isinstance(value, list):
        document.wrong(("notify",), "notify must be a list of {topicArn, on, link, presign}")
        return ()
    rules = (_notice(document, ("notify", n), entry) for n, entry in enumerate(value))
    return tuple(rule for rule in rules if rule is not None)


def _notice(document: Document, place: Place, entry: Any) -> NoticeRule | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("topicArn"), str):
        document.wrong(place, 'a notice needs a topicArn, such as "${env.topicArn}"')
        return None
    if not entry["topicArn"].startswith(("arn:", "${")):
        document.wrong((*place, "topicArn"), "topicArn must be an ARN, or ${env.topicArn}")
    for key in entry:
        if key not in _KEYS:
            document.wrong_key((*place, key), unknown_key(key, _KEYS, "a notice"))
    outcomes = entry.get("on", _usual(document))
    if not isinstance(outcomes, list) or not set(map(str, outcomes)) <= set(OUTCOMES):
        document.wrong((*place, "on"), f"on must be a list out of {', '.join(OUTCOMES)}")
        outcomes = []
    link = entry.get("link")
    if link is not None and not isinstance(link, str):
        document.wrong((*place, "link"), "link must be a text")
        link = None
    return NoticeRule(
        topic=entry["topicArn"],
        on=frozenset(map(str, outcomes)),
        link=link,
        presign_s=_presign(document, place, entry),
    )


def _usual(document: Document) -> list[str]:
    """A run that waits for a person says so unless `on` is written."""
    waits = ["PAUSED"] if document.data.get("budget") is not None else []
    return ["SUCCEEDED", "PARTIAL", "FAILED", *waits]


def _presign(document: Document, place: Place, entry: Mapping[str, Any]) -> int | None:
    """Seconds that a URL of the link is valid."""
    value = entry.get("presign")
    if value is None:
        return None
    if "link" not in entry and document.data.get("report") is not True:
        document.wrong(
            (*place, "presign"),
            "presign needs a link, or `report: true` of the pipeline: what the URL is of",
        )
    seconds = seconds_of(value)
    if seconds is None or not 1 <= seconds <= PRESIGN_S_MAX:
        document.wrong(
            (*place, "presign"),
            f"presign is how long the URL is valid, {PRESIGN_S_MAX:,} s at most, as no session of "
            f"a role is longer: write seconds, or a number with s, m or h, such as `presign: 6h`; "
            f"got {value!r}",
        )
    return seconds


def check_presigned(document: Document, pipeline: Pipeline) -> None:
    """Only one object of S3 has a presigned URL: a folder that can be seen here is a mistake."""
    outputs = {
        f"${{steps.{step.name}.output}}": literal_prefix(step.output)
        for step in pipeline.steps
        if step.output is not None
    }
    for number, rule in enumerate(pipeline.notify):
        if rule.presign_s is None or rule.link is None:
            continue
        link = rule.link
        for name, output in outputs.items():
            link = link.replace(name, output)
        is_left_to_the_run = link.startswith("${") and not link.endswith("/")
        if not is_left_to_the_run and not is_object(link):
            document.wrong(
                ("notify", number, "presign"),
                f"presign needs a link to one object of S3, and {link} is not one: write its URI, "
                "such as ${steps.NAME.output} of a step whose output is one object, or leave out "
                "presign",
            )
