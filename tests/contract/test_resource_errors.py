"""What AWS Batch answers about a consumable resource, and what it means."""

from __future__ import annotations

import pytest

from batchrelay.adapters.batch_resources import TRIES, BatchConsumableResources
from batchrelay.domain.consumable_resources import ConsumableResource
from batchrelay.domain.errors import Ambiguous, Denied, Refused, Throttled
from tests.contract.wires import Wire

RESOURCE = ConsumableResource(name="br_run1-x0-a", units=2)
THERE = (200, "", '{"consumableResourceName": "br_run1-x0-a", "consumableResourceArn": "arn"}')
REFUSED = (400, "ClientException", '{"message": "refused"}')
DENIED = (403, "AccessDeniedException", '{"message": "not authorized"}')
LOST = (500, "ServerException", '{"message": "oops"}')
BUSY = (429, "TooManyRequestsException", '{"message": "Too Many Requests"}')


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


def resources_on(*answers: tuple[int, str, str]) -> tuple[BatchConsumableResources, Wire]:
    resources, wire = BatchConsumableResources(), Wire(*answers)
    resources._client.meta.events.register("before-send.batch.*", wire)  # type: ignore[arg-type]
    return resources, wire


@pytest.mark.parametrize(("answers", "sent"), [((THERE,), 1), ((REFUSED, THERE), 2)])
def test_what_is_there_or_was_made_is_right(
    answers: tuple[tuple[int, str, str], ...], sent: int
) -> None:
    resources, wire = resources_on(*answers)
    resources.ensure(RESOURCE)
    assert wire.sent == sent


@pytest.mark.parametrize(
    ("answers", "error", "sent"),
    [
        ((REFUSED, REFUSED), Refused, 2),
        ((DENIED,), Denied, 1),
        ((REFUSED, DENIED), Denied, 2),
        ((LOST,), Ambiguous, TRIES),
        ((BUSY,), Throttled, TRIES),
        ((REFUSED, LOST), Ambiguous, 1 + TRIES),
    ],
)
def test_what_may_not_be_there_is_an_error(
    answers: tuple[tuple[int, str, str], ...], error: type[Exception], sent: int
) -> None:
    resources, wire = resources_on(*answers)
    with pytest.raises(error) as raised:
        resources.ensure(RESOURCE)
    assert type(raised.value) is error
    assert wire.sent == sent


def test_what_is_gone_is_deleted_and_anything_else_stays_pending() -> None:
    for answer in ((200, "", "{}"), REFUSED):
        resources, _ = resources_on(answer)
        resources.delete(RESOURCE.name)
    for answer in (DENIED, LOST, BUSY):
        resources, _ = resources_on(answer)
        with pytest.raises(Ambiguous):
            resources.delete(RESOURCE.name)
        with pytest.raises(Ambiguous):
            resources.names("br_run1-")


def test_names_are_compared_again_whatever_the_case() -> None:
    listed = ", ".join(
        f'{{"consumableResourceName": "{name}", "consumableResourceArn": "arn"}}'
        for name in ("br_run1-x0-a", "BR_RUN1-x0-b")
    )
    resources, _ = resources_on((200, "", f'{{"consumableResources": [{listed}]}}'))
    assert resources.names("br_run1-x") == ("br_run1-x0-a",)
