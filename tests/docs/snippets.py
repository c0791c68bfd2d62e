"""The YAML of a page, as CloudFormation reads it."""

from __future__ import annotations

from typing import Any

from samtranslator.yaml_helper import yaml_parse

from tests.stack import ROOT


def snippet(page: str, heading: str) -> Any:
    """The first YAML below a heading of a how-to page."""
    text = (ROOT / "docs/how-to" / page).read_text()
    below = text.partition(f"\n## {heading}\n")[2]
    return yaml_parse(below.partition("```yaml\n")[2].partition("```")[0])
