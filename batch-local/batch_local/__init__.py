"""AWS Batch on this machine: real processes, AWS's API, AWS's events, no Docker.

What may be imported from outside: this module, `embedding` (for another emulator that has this
AWS Batch beside its own services), `simulation` (AWS Batch without processes, on a clock of
yours) and `surface` (what has no effect here). All other modules are private.

How it is built: `scheduling` decides and is pure. `processes` runs what it asks for. `api` is
AWS's wire, with `jobs`, `definitions` and `resources` behind it. `service` joins them. `details`
and `events` are AWS's shapes, `model` is what is remembered.
"""

from __future__ import annotations

from batch_local.arns import ACCOUNT, REGION
from batch_local.faults import Faults

__all__ = ["ACCOUNT", "REGION", "Faults"]

__version__ = "0.1.0"
