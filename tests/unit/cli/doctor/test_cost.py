"""What doctor may cost is counted before anything is made, and bounds what it takes."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from batchrelay.prices import Unknown, list_prices
from batchrelay_cli.doctor.cost import ATTEMPT_S_MAX, Bound, upper_bound
from batchrelay_cli.doctor.place import Place
from batchrelay_cli.doctor.registry import PROBES
from batchrelay_cli.doctor.world import World
from batchrelay_cli.main import cli
from tests.unit.cli.doctor.aws import StubAws, port_to


def test_the_bound_is_the_attempts_of_the_probes_each_as_long_as_can_be() -> None:
    attempts = sum(probe.attempts for probe in PROBES)
    bound = upper_bound(list_prices(), "us-east-1")
    assert isinstance(bound, Bound)
    hours = attempts * ATTEMPT_S_MAX / 3600
    fargate = 100 * hours * (0.25 * 0.04048 + 0.5 * 0.004445)
    address = 100 * hours * 0.005
    sqs_and_s3 = 100 * (10_000 * 0.4 + 20 * 5.0) / 1_000_000
    assert bound.attempts == attempts
    assert bound.cents == pytest.approx(fargate + address + sqs_and_s3)
    assert 5 < bound.cents < 15


def test_a_region_without_a_price_is_not_free() -> None:
    assert upper_bound(list_prices(), "xx-north-9") == Unknown(
        reason="no price of Fargate, x86_64, in xx-north-9"
    )


def test_a_probe_cannot_take_more_than_was_counted() -> None:
    place = Place(id="0", is_local=True)
    port, _ = port_to(StubAws(lambda *_: {"jobId": "j"}), place)
    world = World(port=port, place=place, probe="Q1", attempts_max=3)
    world.submit(size=3)
    with pytest.raises(AssertionError, match="Q1 takes more attempts than it says"):
        world.submit()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--max-cents", "1"), "it may cost more than --max-cents 1: nothing was started"),
        ((), "write --yes where no one can be asked: nothing was started"),
    ],
)
def test_nothing_is_started_that_may_cost_more_or_that_no_one_allowed(
    options: tuple[str, ...], message: str
) -> None:
    result = CliRunner().invoke(cli, ["doctor", "--account", *options])
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert lines[0].startswith("cost: at most ")
    assert " cents in us-east-1 " in lines[0]
    assert lines[1:] == [f"batchrelay: {message}"]


def test_a_region_without_a_price_wants_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-south-2")
    result = CliRunner().invoke(cli, ["doctor", "--account"])
    assert result.exit_code == 2
    assert "no price of Fargate, x86_64, in eu-south-2: write the region's" in result.stderr


def test_an_account_is_no_local_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    result = CliRunner().invoke(cli, ["doctor", "--account"])
    assert result.exit_code == 2
    assert "AWS_ENDPOINT_URL is a local cloud, not an account" in result.stderr
