"""Runs of a stack from Python: `from batchrelay_cli.client import Client`.

The command line steers runs through it, too.
"""

from batchrelay_cli.client.api import ApiRefusedError, Client, Registration, Started, WaitedTooLong
from batchrelay_cli.client.documents import (
    Cause,
    Cost,
    Failures,
    History,
    Item,
    Job,
    Moment,
    Pipeline,
    RedrivePlan,
    RedriveStep,
    Round,
    Run,
    Runs,
    Sample,
    Step,
    StepFailures,
    Summary,
)
from batchrelay_cli.pipeline_file.problems import PipelineFileError
from batchrelay_cli.stack.client import FunctionFailedError, InvalidSettingsError, NoStackError

__all__ = [
    "ApiRefusedError",
    "Cause",
    "Client",
    "Cost",
    "Failures",
    "FunctionFailedError",
    "History",
    "InvalidSettingsError",
    "Item",
    "Job",
    "Moment",
    "NoStackError",
    "Pipeline",
    "PipelineFileError",
    "RedrivePlan",
    "RedriveStep",
    "Registration",
    "Round",
    "Run",
    "Runs",
    "Sample",
    "Started",
    "Step",
    "StepFailures",
    "Summary",
    "WaitedTooLong",
]
