"""Frozen values with other fields. An event makes a dozen of them, of a run and its steps.

`replace` is that of dataclasses without the constructor, which would cost seven times as much: the
fields that stay are copied at once. It is for values of a run, which have no slots and check
nothing when they are made; mypy checks the names and types of the fields, as it does for
dataclasses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace
else:

    def replace(value: Any, **changes: Any) -> Any:
        """The same value with some fields changed."""
        copy = object.__new__(value.__class__)
        object.__setattr__(copy, "__dict__", value.__dict__ | changes)
        return copy
