"""The repository that has this folder: pages of its documentation are compared with the code."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
