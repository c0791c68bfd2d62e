"""Q15: the key in S3's event."""

from __future__ import annotations

import re

from batchrelay_cli.doctor.port import Document
from batchrelay_cli.doctor.probe import Aspect, Observation, Probe, Seen
from batchrelay_cli.doctor.world import World

KEY = "a b+c%20é/=&.txt"


def run(world: World) -> Observation:
    """An upload whose key another encoding would change."""
    world.port.wait(world.place.notification_s)
    world.call("s3", "PutObject", Bucket=world.place.bucket, Key=KEY, Body=b"")
    return observed(world.first_event(world.place.bucket).detail["object"])


def observed(uploaded: Document) -> Observation:
    """By the object in the event."""
    key, sequencer = str(uploaded["key"]), str(uploaded.get("sequencer", ""))
    is_hexadecimal = re.fullmatch(r"[0-9A-Fa-f]+", sequencer) is not None
    return {
        "key": Seen(answer="as it is" if key == KEY else "encoded", detail=key),
        "sequencer": Seen(answer="hexadecimal" if is_hexadecimal else f"{sequencer!r}"),
    }


PROBE = Probe(
    number="Q15",
    question="keys in S3's events",
    aspects=(
        Aspect(name="key", assumed="as it is"),
        Aspect(name="sequencer", assumed="hexadecimal"),
    ),
    run=run,
)
