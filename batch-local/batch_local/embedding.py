"""AWS Batch as a part of another emulator, which has a bus, CloudWatch Logs and a server.

`BatchService` answers AWS Batch and publishes events, `LogApi` answers for the log groups of its
jobs. `HttpServer` and `AccessControl` are the port and its guard.
"""

from __future__ import annotations

from batch_local.assumptions import DOCUMENTED, Assumptions
from batch_local.events import BusEvent
from batch_local.http.access import AccessControl, Hints, origins
from batch_local.http.server import Asgi, HttpServer
from batch_local.http.signatures import SignedRequest
from batch_local.logs.api import ACTIONS, LogApi, group_of
from batch_local.logs.streams import Logs
from batch_local.model import Job
from batch_local.processes.guard import guarded
from batch_local.service import BatchService

__all__ = [
    "ACTIONS",
    "DOCUMENTED",
    "AccessControl",
    "Asgi",
    "Assumptions",
    "BatchService",
    "BusEvent",
    "Hints",
    "HttpServer",
    "Job",
    "LogApi",
    "Logs",
    "SignedRequest",
    "group_of",
    "guarded",
    "origins",
]
