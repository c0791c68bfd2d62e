"""Conditions: what they mean, and how a wrong one is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrelay.domain.conditions import parse_condition
from batchrelay.domain.errors import InvalidPipeline
from batchrelay.domain.values import Json

VALUES: dict[str, Json] = {
    "item.size": 2_000_000_000,
    "item.kind": "bam",
    "item.count": "12",
    "item.nan": "NaN",
    "item.huge": 10**401,
    "params.mode": "full",
    "params.flag": "false",
    "steps.plan.items": 0,
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("item.size > 1GiB", True),
        ("item.size >= 2GB and item.size <= 2 GB".replace(" GB", "GB"), True),
        ("item.size < 1.5GB", False),
        ('item.kind == "bam"', True),
        ("item.kind == 'vcf' or item.kind == 'bam'", True),
        ("item.kind in ['vcf', 'cram']", False),
        ("item.kind in ['vcf', 'bam']", True),
        ("not item.kind == 'bam'", False),
        ("item.count > 9", True),
        ("item.count == 12", True),
        ("${params.mode} == 'full'", True),
        ("params.flag", False),
        ("not params.flag and (params.mode == 'full')", True),
        ("steps.plan.items == 0", True),
        ("item.absent == null", True),
        ("item.absent != null", False),
        ("item.absent < 3", False),
        ("item.absent > 3", False),
        ("item.kind < 'c'", True),
        ("1 == 1 and 1 == 2 or true", True),
        ("1 == 1 and (1 == 2 or false)", False),
        ("true == 'true'", True),
        ("item.nan == 5", False),
        ("item.nan >= 0.5", True),  # as texts: NaN is no number
        ("12345678901234567 == 12345678901234568", False),
        ("'1_0' == 10", False),
        ("-1 < 0", True),
        ("1e3 == 1000", True),
        ("item.huge > 1TiB", True),
        ("item.huge < 1e999TiB", True),
        (f"item.huge == 1{'0' * 401}", True),
        (f"item.huge == 1{'0' * 400}1", False),
        (f"item.huge < {'9' * 5_000}KiB", True),
        ("not " * 50 + "true", True),
        ("(" * 50 + "item.size > 1GiB" + ")" * 50, True),
    ],
)
def test_a_condition_holds(text: str, holds: bool) -> None:
    assert parse_condition(text).holds(VALUES.get) is holds


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "⟨here⟩: expected a value"),
        ("item.size >", "item.size >⟨here⟩: expected a value"),
        ("item.size > 1XB", "item.size >⟨here⟩ 1XB: unknown unit XB: B, kB, MB, GB, TB, KiB"),
        ("(item.size", "(item.size⟨here⟩: expected )"),
        ("a b", "a⟨here⟩ b: expected the end, `and` or `or`"),
        ("a && b", "a⟨here⟩ && b: this is not understood"),
        ("a in [1, 2", "a in [1, 2⟨here⟩: expected , or ]"),
        ("a == == b", "a ==⟨here⟩ == b: == is not a value"),
        ("'open", "⟨here⟩'open: this is not understood"),
        ("a > 1e1000", "a >⟨here⟩ 1e1000: an exponent has at most 3 digits"),
        ("a > 1e999999999999", "a >⟨here⟩ 1e999999999999: an exponent has at most 3 digits"),
        (f"a > 1e-{'9' * 30}KiB", "a >⟨here⟩ 1e-999"),
        ("not " * 51 + "true", "not " * 50 + "not⟨here⟩ true: nested more than 50 deep"),
        ("(" * 5_000, "(" * 51 + "⟨here⟩("),
        ("x in " + "[" * 51, "x in " + "[" * 51 + "⟨here⟩: nested more than 50 deep"),
    ],
)
def test_a_wrong_condition_shows_the_place(text: str, problem: str) -> None:
    with pytest.raises(InvalidPipeline) as error:
        parse_condition(text)
    assert str(error.value).startswith(problem)


@pytest.mark.parametrize(
    ("sign", "fitting"),
    [("==", "1"), ("!=", "02"), ("<", "0"), ("<=", "01"), (">", "2"), (">=", "12")],
)
def test_a_sign_fits_an_order(sign: str, fitting: str) -> None:
    condition = parse_condition(f" x {sign} 1 \n")
    assert "".join(value for value in "012" if condition.holds({"x": value}.get)) == fitting
    texts = parse_condition(f"x {sign} 'b'")
    held = "".join(str(number) for number, x in enumerate("abc") if texts.holds({"x": x}.get))
    assert held == fitting


def test_parentheses_one_after_another_are_not_nested() -> None:
    one = "(" * 50 + "x" + ")" * 50
    assert parse_condition(f"{one} and {one}").holds({"x": "true"}.get)
    with pytest.raises(InvalidPipeline, match="nested more than 50 deep"):
        parse_condition(f"{one} and ({one})")


def test_the_names_of_a_condition_are_known() -> None:
    text = "item.size > 1GiB and ${params.x} == 'a' or not steps.plan.items"
    condition = parse_condition(text)
    assert condition.text == text
    assert condition.names == {"item.size", "params.x", "steps.plan.items"}


@given(text=st.text(alphabet="ab.1 ()[]'\"=<>!&|,and or not in${}GiB", max_size=30))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        holds = parse_condition(text).holds(VALUES.get)
    except InvalidPipeline:
        return
    assert holds in (True, False)
