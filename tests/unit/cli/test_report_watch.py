"""Which requests the server of `report --watch` takes as its own."""

from __future__ import annotations

import pytest

from batchrelay_cli.verbs.report_watch import is_own_name


@pytest.mark.parametrize("hosts", [["127.0.0.1:81"], ["localhost:81"]])
def test_the_page_has_two_names(hosts: list[str]) -> None:
    assert is_own_name(hosts, 81)


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [""],
        ["evil.example"],
        ["evil.example:81"],
        ["127.0.0.1"],
        ["127.0.0.1:82"],
        ["127.0.0.1:81", "evil.example:81"],
    ],
)
def test_any_other_name_is_refused(hosts: list[str]) -> None:
    assert not is_own_name(hosts, 81)
