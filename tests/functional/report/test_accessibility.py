"""The page for those who cannot see it, see little, or have no mouse."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from batchrelay.report.document import report_document
from batchrelay.report.page import page as page_of
from tests.functional.report.opened import PHONE, Open
from verification.report.synthetic import variant_calls

TEXT_CONTRAST, LARGE_CONTRAST, SHAPE_CONTRAST = 4.5, 3.0, 3.0
"""Source: WCAG 2.2, 1.4.3 and 1.4.11 (AA)."""

CONTRASTS = """
() => {
  const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
  const ratio = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (e) => {
    for (let each = e; each; each = each.parentElement) {
      const box = each.matches(".node") && each.querySelector(".box");
      const colour = rgb(box ? getComputedStyle(box).fill : getComputedStyle(each).backgroundColor);
      if (colour.length < 4) return colour;
    }
    return rgb(getComputedStyle(document.body).backgroundColor);
  };
  const texts = [...document.body.querySelectorAll("*")].filter((e) =>
    !e.matches("script, style, title") && !e.closest(".hidden, .skip, [hidden]") &&
    [...e.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
  const style = getComputedStyle(document.documentElement);
  const probe = document.body.appendChild(document.createElement("i"));
  const shapes = ["ok", "bad", "run", "again", "wait", "up", "idle"].map((name) => {
    probe.style.color = style.getPropertyValue("--" + name);
    const colour = rgb(getComputedStyle(probe).color);
    return ["--" + name, ratio(colour, rgb(getComputedStyle(document.body).backgroundColor))];
  });
  return {
    texts: texts.map((e) => {
      const own = getComputedStyle(e), size = parseFloat(own.fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && Number(own.fontWeight) >= 700);
      const colour = rgb(e.closest("svg") ? own.fill : own.color);
      return [e.tagName + "." + (e.className.baseVal ?? e.className) + ": " +
        e.textContent.trim().slice(0, 30), ratio(colour, ground(e)), isLarge];
    }),
    shapes,
  };
}
"""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return report_document(variant_calls(40, fails=0.3).evidence())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_and_shapes_stand_out_from_what_is_behind_them(
    open_page: Open, document: dict[str, Any], scheme: str
) -> None:
    page = open_page(page_of(document, document), color_scheme=scheme).page
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts["texts"]) > 300
    weak = [
        (name, round(ratio, 2))
        for name, ratio, is_large in contrasts["texts"]
        if ratio < (LARGE_CONTRAST if is_large else TEXT_CONTRAST)
    ]
    weak += [(name, round(r, 2)) for name, r in contrasts["shapes"] if r < SHAPE_CONTRAST]
    assert weak == []


def test_a_screen_reader_is_given_each_child_as_a_sentence(
    open_page: Open, document: dict[str, Any]
) -> None:
    page = open_page(page_of(document)).page
    cells = page.get_by_role("application", name="Children of align, a cell for each of")
    assert cells.count() == 1
    cells.press("Home")
    cells.press("f")
    sentence = page.locator("#sentence")
    assert sentence.get_attribute("aria-live") == "polite"
    words = sentence.text_content() or ""
    assert words.startswith("child ")
    for part in ("state failed", "item s3://genomes-in/", "attempts 1", "cause "):
        assert part in words
    assert "Copy" not in words
    assert page.locator("[aria-live]").count() == 1, "nothing is read twice"
    page.locator("#step").select_option(label="call (240)")
    assert page.get_by_role("application", name="Children of call, a cell for each of 240")


def test_where_nothing_failed_there_is_no_next_failure(open_page: Open) -> None:
    page = open_page(page_of(report_document(variant_calls(40, fails=0).evidence()))).page
    assert page.locator("#failed").is_disabled()


def test_every_control_is_reached_by_tab_and_its_focus_is_seen(
    open_page: Open, document: dict[str, Any]
) -> None:
    page = open_page(page_of(document), PHONE).page
    reached, unseen = set(), []
    for _ in range(200):
        page.keyboard.press("Tab")
        place, is_seen = page.evaluate(
            """() => {
              const e = document.activeElement, label = e.closest("label");
              const shown = label && e.matches("[type=radio]") ? label.querySelector("span") : e;
              return [e.id || e.value || e.textContent.slice(0, 60) || e.tagName,
                e === document.body || getComputedStyle(shown).outlineStyle !== "none"];
            }"""
        )
        if place in reached and place == "Skip to the report":
            break
        reached.add(place)
        unseen += [] if is_seen else [place]
    assert {"step", "state", "number", "failed", "cells"} <= reached
    assert unseen == []


def test_labels_of_the_time_do_not_overlap_on_a_phone(
    open_page: Open, document: dict[str, Any]
) -> None:
    page = open_page(page_of(document), PHONE).page
    boxes = page.evaluate(
        """() => [...document.querySelectorAll(".axis text")]
          .map((e) => e.getBoundingClientRect()).filter((box) => box.width)
          .map((box) => [box.left, box.right])"""
    )
    assert len(boxes) >= 2
    assert all(one[1] + 4 < two[0] for one, two in pairwise(boxes))
