"""States of steps that were read or written before are kept, and not made again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from batchrelay.codec import decode_run, encode_run, step_states
from batchrelay.codec.runs import run_text
from batchrelay.domain.errors import CodecError
from batchrelay.domain.kept import Kept
from batchrelay.domain.step_state import Part, StepState, StepStatus
from tests.contract.suite import EVERYTHING, run_of
from tests.unit.codec.documents import changed


def test_states_that_have_not_changed_are_the_same_objects_again() -> None:
    """An event changes one of perhaps 500, and only that one is read and written anew."""
    run = run_of("one").with_step("Before", StepState(status=StepStatus.SUCCEEDED, items=1))
    first, again = (decode_run(encode_run(run), EVERYTHING, 1) for _ in range(2))
    assert again.state("Before") is first.state("Before")
    changed_run = again.with_step("Before", replace(again.state("Before"), items=2))
    assert run_text(first) == run_text(run)
    assert decode_run(json.loads(run_text(changed_run)), EVERYTHING, 1) == changed_run


def test_a_state_of_many_parts_is_not_kept() -> None:
    """Each of its events makes another one of it, and a function's memory has an end."""
    parts = tuple(Part(size=1, group=number) for number in range(20))
    wide = StepState(status=StepStatus.ACTIVE, parts=parts)
    run = run_of("one").with_step("Before", wide)
    first, again = (decode_run(encode_run(run), EVERYTHING, run.version) for _ in range(2))
    assert again.state("Before") is not first.state("Before")
    assert again == first == run
    assert run_text(run) == run_text(again)
    assert not [key for key in step_states._TEXTS if key == ("Before", id(wide))]


def test_a_kept_state_stands_for_documents_of_its_own_types_only() -> None:
    document = encode_run(run_of("one").with_step("Before", StepState(status=StepStatus.ACTIVE)))
    decode_run(changed(document, "steps.Before.i", 1), EVERYTHING, 1)
    with pytest.raises(CodecError, match="expected int, got True"):
        decode_run(changed(document, "steps.Before.i", True), EVERYTHING, 1)


def test_a_text_is_kept_for_its_own_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another state may be where a state was that is gone: then they have the same id."""
    state, gone = StepState(status=StepStatus.FAILED), StepState(status=StepStatus.ACTIVE)
    texts: Kept[tuple[str, int], tuple[StepState, str]] = Kept(9)
    texts.keep(("a", id(state)), (gone, "of the other"))
    monkeypatch.setattr(step_states, "_TEXTS", texts)
    assert step_states.member_text("a", state) == '"a":{"s":"FAILED","n":null}'
