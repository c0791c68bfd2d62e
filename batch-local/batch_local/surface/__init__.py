"""AWS's documented surface: what is done with each field of each request.

`ignored_fields` are those of a request that have no effect on this machine.
"""

from __future__ import annotations

from batch_local.surface.fields import ignored_fields

__all__ = ["ignored_fields"]
