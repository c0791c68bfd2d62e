"""A picture of a pipeline whose texts come from a stranger."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from batchrelay_cli.main import cli
from batchrelay_cli.views.graph import _mermaid_text, _xml_text

HOSTILE = [
    "<script>alert(1)</script>",
    "</text></svg>",
    '"]; click s0 "javascript:alert(1)"',
    "a & b &amp; c",
    "#quot;",
    "`**x**`",
    "a\nb",
    "a\x00\x01\x1b[2Jb",
    "\ud800",
    "\ufffe",
    "\u202egnp",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_text_in_xml(text: str) -> None:
    document = f"<svg>{_xml_text(text)}</svg>".encode()
    root = ET.fromstring(document)  # noqa: S314  # our own text
    assert list(root) == []
    assert (root.text or "").isprintable()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_stays_within_its_mermaid_label(text: str) -> None:
    shown = _mermaid_text(text)
    assert not re.search(r'["<>&`\n]', shown)
    assert re.sub(r"#\d+;", "", shown).count("#") == 0


@pytest.mark.parametrize("key", ['x"<b>&', "]]></svg>"])
def test_a_pipeline_of_hostile_texts_is_drawn(tmp_path: Path, key: str) -> None:
    file, out = tmp_path / "pipeline.json", tmp_path / "out.svg"
    step = {
        "jobName": "a",
        "flow": {"forEach": {"file": "s3://b/list.json", "items": key}, "chunk": 1},
        "containerOverrides": {"command": ["batchrelay-worker", "run", "--", "x", "{item.a}"]},
    }
    document = {"pipeline": "p", "defaults": {"jobQueue": "q", "jobDefinition": "d"}}
    file.write_text(json.dumps({**document, "steps": [step]}))
    done = CliRunner().invoke(cli, ["plan", str(file), "--graph", str(out)])
    assert done.exit_code == 0, done.output
    root = ET.fromstring(out.read_text())  # noqa: S314  # our own file
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["a", f"1 per item of {key}"]
