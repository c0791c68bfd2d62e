"""docs/reference/clients.md says of other clients what `make verify-clients KEEP=1` kept."""

from __future__ import annotations

import re

from tests.stack import ROOT

FOLDER = ROOT / "verification/clients"
PAGE = (ROOT / "docs/reference/clients.md").read_text()
KEPT = [tuple(line.split("\t")) for line in (FOLDER / "results.tsv").read_text().splitlines()]
"""Client, verdict, version, date."""

VERSION = re.compile(r"\d+(?:\.\d+)+")
EXAMPLE = re.compile(r"examples/\w+/run\.sh")
HEAD = "| `CLIENT` | version | verdict | date |\n| --- | --- | --- | --- |\n"


def test_the_table_has_what_was_kept() -> None:
    rows = [
        f"| `{client}` | {version} | {verdict} | {date} |"
        for client, verdict, version, date in KEPT
    ]
    assert PAGE.partition(HEAD)[2].partition("\n\n")[0].splitlines() == rows


def test_every_client_is_in_the_table() -> None:
    [names] = re.findall(r"^clients=\((.+)\)", (FOLDER / "run.sh").read_text(), re.MULTILINE)
    scripts = {path.stem for path in FOLDER.glob("*.sh")} - {"run", "cloud"}
    assert set(names.split()) == scripts
    assert {client for client, *_ in KEPT} == scripts


def test_the_versions_are_those_that_the_scripts_install() -> None:
    for client, _, version, _ in KEPT:
        script = (FOLDER / f"{client}.sh").read_text()
        pins = set(VERSION.findall(script))
        for example in EXAMPLE.findall(script):
            pins |= set(VERSION.findall((ROOT / example).read_text()))
        assert set(VERSION.findall(version)) <= pins, client
