"""What template.yaml sets for every function, before a handler is imported."""

from __future__ import annotations

import os

from tests.stack import template

_SET = template()["Globals"]["Function"]["Environment"]["Variables"]
os.environ.update({name: _SET[name] for name in _SET if isinstance(_SET[name], str)})
