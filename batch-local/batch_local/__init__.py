"""AWS Batch on this machine: real processes, AWS's API, AWS's events, no Docker.

What may be imported from outside: this module, `embedding` (for another emulator that has this
AWS Batch beside its own services) with `environments` and `keys`, which load nothing else,
`simulation` (AWS Batch without processes, on a clock of yours) and `surface` (what has no effect
here). All other modules are private.

How it is built: `scheduling` decides and is pure. `processes` runs what it asks for. `api` is
AWS's wire, with `jobs`, `definitions` and `resources` behind it. `service` joins them. `details`
and `events` are AWS's shapes, `model` is what is remembered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batch_local.arns import ACCOUNT, REGION
from batch_local.errors import EngineError, StateError
from batch_local.faults import Faults

if TYPE_CHECKING:
    from batch_local.in_process import BatchLocal

__all__ = ["ACCOUNT", "REGION", "BatchLocal", "EngineError", "Faults", "StateError"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """BatchLocal loads botocore and a server: not for one who needs another name of these."""
    if name == "BatchLocal":
        from batch_local.in_process import BatchLocal

        return BatchLocal
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
