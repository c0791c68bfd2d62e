"""The page as a text: its size, its policy, and that no text of a run is markup."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest

from batchrelay.api.views import run_document
from batchrelay.report.document import report_document
from batchrelay.report.facts import ChildFact, ChildState, Evidence
from batchrelay.report.packing import pack, packed_columns
from batchrelay.report.page import page
from batchrelay.report.text import duration, failures_of, mib, usd
from tests.builders import at, run_of, step
from tests.unit.report import hostile
from verification.report.synthetic import T0 as BEGIN
from verification.report.synthetic import variant_calls

VOID = {"meta", "link", "input"}


class Tags(HTMLParser):
    """What a browser makes elements of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def report(children: int = 40, *, fails: float = 0.3) -> dict[str, Any]:
    return report_document(variant_calls(children, fails=fails).evidence())


def test_ten_thousand_children_are_a_page_of_less_than_300_kb() -> None:
    size = len(page(report(10_000, fails=0.012)).encode())
    assert size < 300_000


def test_children_that_all_failed_are_too() -> None:
    document = report(6_000, fails=1)
    size = len(page(document).encode())
    assert sum(step["measured"]["count"] for step in document["steps"]) > 10_000
    assert size < 300_000


def test_a_page_of_more_children_than_have_cells_is_less_than_a_megabyte() -> None:
    def facts() -> Iterator[ChildFact]:
        for number in range(50_001):
            yield ChildFact(
                step="align", number=number, created_at=BEGIN, exit_code=number % 3,
                started_at=BEGIN + timedelta(seconds=number % 997), reason="<&" * 2_000,
                stopped_at=BEGIN + timedelta(seconds=number % 1_009 + 997), item="<&" * 2_000,
                state=ChildState.FAILED if number % 3 else ChildState.SUCCEEDED,
                peak_mib=number % 4096, log_stream="<&" * 200,
            )  # fmt: skip

    evidence = variant_calls(40).evidence()
    html = page(report_document(replace(evidence, children=facts())))
    size = len(html.encode())
    assert html.count("50,001 children") == 1
    assert size < 1_000_000


def test_the_policy_lets_run_what_is_in_the_page_and_nothing_else() -> None:
    html = page(report())
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]+)"', html)
    style, script = (
        b64encode(sha256(code.encode()).digest()).decode()
        for code in (
            re.findall(r"<style>(.*?)</style>", html, re.DOTALL)[0],
            re.findall(r"<script>(.*?)</script>", html, re.DOTALL)[0],
        )
    )
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_the_hosts_that_are_linked_to_are_not_looked_up() -> None:
    assert {"http-equiv": "x-dns-prefetch-control", "content": "off"} in Tags(page(report())).named(
        "meta"
    )


def test_the_page_has_no_address_but_links_to_the_console() -> None:
    tags = Tags(page(report())).tags
    addresses = [
        (tag, value)
        for tag, attributes in tags
        for name, value in attributes.items()
        if name in ("src", "href", "action", "srcset", "data", "poster")
    ]
    for tag, value in addresses:
        assert value is not None
        assert value.startswith(("#",) if tag != "link" else ("data:",)) or (
            tag == "a" and value.startswith("https://eu-central-1.console.aws.amazon.com/")
        )
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert not [attributes for _, attributes in tags if "style" in attributes]


@pytest.mark.parametrize("children", [1, 40])
def test_a_hostile_text_is_neither_markup_nor_acts_on_the_text_around_it(children: int) -> None:
    document = report(children)
    html = page(hostile.planted(document), hostile.planted(document))
    parsed = Tags(html)
    plain = Tags(page(document, document))
    assert [tag for tag, _ in parsed.tags if tag not in ("a", "code", "span")] == [
        tag for tag, _ in plain.tags if tag not in ("a", "code", "span")
    ]
    assert parsed.named("script") == [{"type": "application/json", "id": "data"}, {}]
    assert not set("\u202e\u2066\x00\x1b\x07\ud800") & set(html)
    assert html.encode()
    for attributes in parsed.named("a"):
        assert (attributes["href"] or "").startswith(("#", "https://eu-central-1.console."))


def test_a_region_that_is_not_one_makes_no_link() -> None:
    html = page(report() | {"region": "evil.example/?"})
    assert "evil.example" not in html
    assert not [a for a in Tags(html).named("a") if not (a["href"] or "").startswith("#")]


def test_a_run_of_which_nothing_is_known_has_a_page() -> None:
    evidence = Evidence(run=run_document(run_of(step("a", size=4))), at=at(9))
    html = page(report_document(evidence))
    assert "unknown" in html
    assert "there is no price of its jobs" in html


def test_a_run_whose_children_are_forgotten_keeps_its_failures() -> None:
    html = page(report_document(replace(variant_calls(40, fails=0.3).evidence(), children=())))
    assert "OutOfMemory" in html
    assert "KeyError: &#x27;RG&#x27;" in html
    assert '<section id="slowest">' not in html


def test_two_runs_are_compared_step_by_step() -> None:
    now, before = report(40, fails=0.0), report(40)
    before["steps"][0]["step"] = "gone"
    html = page(now, before)
    [table] = re.findall(r"<caption>Differences</caption>.*?</table>", html)
    assert "only before" in table
    assert ">new<" in table
    failed = before["steps"][2]["failed"]
    assert f"−{failed} (−100%)" in table
    assert "Differences" not in page(now)


def unpack(packed: str) -> list[int]:
    """As page.js does it."""
    numbers, number, scale = [], 0, 1
    for byte in b64decode(packed[1:]):
        number, scale = number + (byte & 127) * scale, scale * 128
        if byte < 128:
            numbers.append(number)
            number, scale = 0, 1
    if packed[0] == "v":
        return numbers
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return [value for value, times in pairs for _ in range(times)]


@pytest.mark.parametrize(
    "values", [[], [None], [0, 1, 2, 127, 128, 16_383, 2**40], [5] * 300, [None, 3, None]]
)
def test_a_column_is_packed_without_loss(values: list[int | None]) -> None:
    assert unpack(pack(values)) == [0 if value is None else value + 1 for value in values]


@pytest.mark.parametrize(
    ("longest_ms", "unit", "ran"), [(16_383, 1, [4, 16_384]), (16_384, 100, [1, 165])]
)
def test_run_times_are_in_milliseconds_where_every_child_is_short(
    longest_ms: int, unit: int, ran: list[int]
) -> None:
    columns = dict.fromkeys(("group", "peakMiB", "cpuS", "cause")) | {
        "number": [0, 1], "round": [0, 0], "state": "SS", "attempts": [1, 1],
        "createdMs": [0, 0], "startedMs": [50, 50], "stoppedMs": [53, 50 + longest_ms],
    }  # fmt: skip
    packed = packed_columns(columns)
    assert (packed["ranUnit"], unpack(packed["ran"])) == (unit, ran)


def test_numbers_below_0_are_zigzag_coded() -> None:
    assert unpack(pack([0, -1, 1, -2, 2], is_signed=True)) == [1, 2, 3, 4, 5]


def test_equal_values_are_counted_instead_of_repeated() -> None:
    assert len(pack([7] * 10_000)) < 10


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (None, "–"), (0, "0.0 s"), (0.2, "1 ms"), (12, "12 ms"), (99, "99 ms"),
        (100, "0.1 s"), (9_940, "9.9 s"), (59_400, "59 s"), (60_000, "1 min"),
        (252_000, "4 min 12 s"), (3_600_000, "1 h"), (6_420_000, "1 h 47 min"),
        (86_400_000, "1 d"), (183_600_000, "2 d 3 h"),
    ],
)  # fmt: skip
def test_a_time_has_its_two_largest_units(ms: float | None, words: str) -> None:
    assert duration(ms) == words


def test_amounts_are_as_people_read_them() -> None:
    assert [mib(812), mib(8089.6), mib(None)] == ["812 MiB", "7.9 GiB", "–"]
    assert [usd(41.2), usd(0.004), usd(0), usd(None)] == ["$41.20", "< $0.01", "$0.00", "unknown"]


def test_the_data_block_has_texts_of_any_kind() -> None:
    html = page(hostile.planted(report()))
    [block] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html)
    data = json.loads(block)
    assert len(data["steps"]) == 7


@pytest.mark.parametrize(
    ("chunk", "failed_items", "cell"),
    [(1, 3, "3"), (5, 0, "3"), (5, 3, "3 items"), (None, 3, "3 items")],
)
def test_what_failed_is_called_items_where_it_is_no_children(
    chunk: int | None, failed_items: int, cell: str
) -> None:
    step = {"items": 20, "chunk": chunk, "failed": 3, "failedItems": failed_items}
    assert failures_of(step) == cell
