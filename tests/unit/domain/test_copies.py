"""Values of a run with other fields: as dataclasses make them, only sooner."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from batchrelay.domain.copies import replace
from batchrelay.domain.spending import NO_SPENDING, Pause
from batchrelay.domain.step_state import NO_ATTEMPTS, Part, StepState, StepStatus

AT = datetime(2026, 1, 1, tzinfo=UTC)
STATE = StepState(status=StepStatus.ACTIVE, since=AT, parts=(Part(size=3),), items=3)
CHANGES: list[tuple[Any, dict[str, Any]]] = [
    (STATE, {"status": StepStatus.FAILED, "reason": "exit code 1"}),
    (STATE, {}),
    (STATE, {"parts": (), "items": None}),
    (Part(size=3, job_id="j"), {"failed": 2}),
    (NO_ATTEMPTS, {"begun": 1}),
    (NO_SPENDING, {"since": AT, "pause": Pause(number=1, at=AT, reason="", notices_since=AT)}),
]


@pytest.mark.parametrize(("value", "changes"), CHANGES)
def test_it_is_what_dataclasses_make_of_it(value: Any, changes: dict[str, Any]) -> None:
    before = repr(value)
    copy = replace(value, **changes)
    assert copy == dataclasses.replace(value, **changes)
    assert type(copy) is type(value)
    assert hash(copy) == hash(dataclasses.replace(value, **changes))
    assert repr(value) == before, "the value itself has not changed"


def test_a_copy_is_as_frozen_as_its_value() -> None:
    copy = replace(STATE, items=4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        copy.items = 5  # type: ignore[misc]


def test_a_value_with_slots_is_refused_and_not_copied_without_its_fields() -> None:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Slotted:
        number: int

    with pytest.raises(AttributeError, match="__dict__"):
        replace(Slotted(number=1), number=2)
