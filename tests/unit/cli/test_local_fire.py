"""`batchrelay local fire`: what it refuses before any call is made (sockets are closed here)."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from batchrelay_cli.main import cli


@pytest.mark.parametrize(
    ("endpoint", "named"),
    [
        ("https://scheduler.eu-central-1.amazonaws.com", "https://scheduler.eu-central-1.amaz"),
        ("http://10.0.0.7:4566", "calls would go to http://10.0.0.7:4566"),
        ("http://127.0.0.1.example.com", "calls would go to http://127.0.0.1.example.com"),
        ("", "calls would go to https://scheduler.us-east-1.amazonaws.com"),
        ("nonsense", "calls would go to nowhere (Invalid endpoint: nonsense)"),
    ],
)
def test_only_a_local_cloud_is_fired(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, named: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    result = CliRunner().invoke(cli, ["local", "fire", "nightly"])
    assert result.exit_code == 2
    assert named in result.stderr
    assert "start one with `batchrelay local up`" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "time",
    [
        "",
        "now",
        "2026-11-01",
        "2026-11-01T01:00:00",
        "0001-01-01T00:00:00+09:00",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_a_time_needs_its_zone(time: str) -> None:
    result = CliRunner().invoke(cli, ["local", "fire", "nightly", "--at", time])
    assert result.exit_code == 2
    assert f"{time!r} is no time with its zone, such as 2026-11-01T01:00:00Z" in result.output
