"""Why a role allows what no test and no example needs, and why it says `*`."""

from __future__ import annotations

from collections.abc import Mapping

from tests.policies import Grant

BY_LAMBDA = "Lambda calls it for the function, outside the function's process"
BY_SERVICES = "DynamoDB, S3 and SNS ask for it in the function's name"
_CLEAN_UP = "seldom: an upload to S3 has failed; what is left of it expires"
_LATE_NOTICE = "seldom: what wrote a report died before it sent the notice that links to it"
_NO_QUEUES = "seldom: what made work queues died before the run ended here"
_ENDS_HERE = "seldom: a run with `maxRunning` ends in this function"
_MADE_BEFORE = "seldom: a process died when it had made the resource"
_PRICED = "seldom: a report in a Region that has prices"
_RIVALS = "seldom: others write the run for as long as the function has time"
_STOPS = "seldom: a rival cancels the run during a submission"

SELDOM: Mapping[tuple[str, str], str] = {
    ("KeyUsed", "kms:Decrypt"): BY_SERVICES,
    ("KeyUsed", "kms:GenerateDataKey"): BY_SERVICES,
    ("LogsWritten", "logs:CreateLogStream"): BY_LAMBDA,
    ("LogsWritten", "logs:PutLogEvents"): BY_LAMBDA,
    ("MessagesTaken", "sqs:DeleteMessage"): BY_LAMBDA,
    ("MessagesTaken", "sqs:GetQueueAttributes"): BY_LAMBDA,
    ("MessagesTaken", "sqs:ReceiveMessage"): BY_LAMBDA,
    ("TracesSent", "xray:PutTelemetryRecords"): BY_LAMBDA,
    ("TracesSent", "xray:PutTraceSegments"): BY_LAMBDA,
}
"""By Sid and action, of every function."""

CHOICES: Mapping[str, str] = {
    "JobsSubmitted": "JobsSubmitted",
    "OtherDefinitionsUsed": "DefinitionsUsed",
    "OtherItemsListed": "ItemsListed",
    "OtherItemsRead": "ItemsRead",
    "OtherNoticesSent": "NoticesSent",
    "OutputsPresigned": "NoticesSent",
    "QuickstartQueuesUsed": "JobsSubmitted",
}
"""By Sid: a pipeline chooses it, so a function that needs the other of the two may need it."""

SELDOM_OF: Mapping[tuple[str, str, str], str] = {
    ("AnswerApi", "ConsumableResourcesFound", "batch:ListConsumableResources"): _ENDS_HERE,
    ("AnswerApi", "ConsumableResourcesMade", "batch:DeleteConsumableResource"): _ENDS_HERE,
    ("AnswerApi", "ConsumableResourcesMade", "batch:DescribeConsumableResource"): _MADE_BEFORE,
    ("AnswerApi", "WorkQueuesDeleted", "sqs:DeleteQueue"): _NO_QUEUES,
    ("OnJobEvent", "JobsLookedAt", "batch:DescribeJobs"): _STOPS,
    ("OnJobEvent", "JobsStopped", "batch:TerminateJob"): _STOPS,
    ("OnJobEvent", "MessagesReturned", "sqs:ChangeMessageVisibility"): _RIVALS,
    ("OnJobEvent", "MessagesReturned", "sqs:GetQueueUrl"): _RIVALS,
    ("Prepare", "CapacitiesRead", "batch:DescribeComputeEnvironments"): _PRICED,
    ("Prepare", "CapacitiesRead", "batch:DescribeJobQueues"): _PRICED,
    ("Prepare", "ManifestsWritten", "s3:AbortMultipartUpload"): _CLEAN_UP,
    ("Prepare", "MessagesReturned", "sqs:ChangeMessageVisibility"): _RIVALS,
    ("Prepare", "MessagesReturned", "sqs:GetQueueUrl"): _RIVALS,
    ("Reconcile", "ReportsPresigned", "s3:GetObject"): _LATE_NOTICE,
    ("StartRun", "ConsumableResourcesFound", "batch:ListConsumableResources"): _ENDS_HERE,
    ("StartRun", "ConsumableResourcesMade", "batch:DeleteConsumableResource"): _ENDS_HERE,
    ("StartRun", "ConsumableResourcesMade", "batch:DescribeConsumableResource"): _MADE_BEFORE,
    ("StartRun", "MessagesReturned", "sqs:ChangeMessageVisibility"): _RIVALS,
    ("StartRun", "MessagesReturned", "sqs:GetQueueUrl"): _RIVALS,
    ("StartRun", "UploadsOfABatchListed", "s3:AbortMultipartUpload"): _CLEAN_UP,
    ("StartRun", "WorkQueuesDeleted", "sqs:DeleteQueue"): _NO_QUEUES,
}
"""By function, Sid and action: when it is needed, where no test makes that happen."""

WITHOUT_ARN: Mapping[str, str] = {
    "batch:DescribeComputeEnvironments": "AWS Batch",
    "batch:DescribeJobQueues": "AWS Batch",
    "batch:DescribeJobs": "AWS Batch",
    "batch:ListConsumableResources": "AWS Batch",
    "batch:ListJobs": "AWS Batch",
    "sqs:ListQueues": "Amazon SQS",
    "xray:PutTelemetryRecords": "AWS X-Ray",
    "xray:PutTraceSegments": "AWS X-Ray",
}
"""The actions for which the Service Authorization Reference has no resource type, by its page."""


def reason_of(grant: Grant) -> str:
    """When it is needed, of one that no test and no example needs; empty if no one knows."""
    of_all = SELDOM.get((grant.sid, grant.action), "")
    return SELDOM_OF.get((grant.function, grant.sid, grant.action), of_all)
