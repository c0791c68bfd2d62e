"""Every limit: its unit, its reason, its source. Sections are those of the AWS Batch reference."""

from __future__ import annotations

ARRAY_SIZE_MIN = 2
"""Children. AWS Batch refuses an array of one. Source: SubmitJob, arrayProperties.size."""

ARRAY_SIZE_MAX = 10_000
"""Children. A fixed quota. Source: Batch User Guide, service quotas."""

PARTS_MAX = 100
"""Parts of one step. 100 x 10,000 = 1,000,000 children; 100 parts take about 15 KB of the item."""

STEPS_MAX = 500
"""Steps of one pipeline. At worst 500 x (name 128 B + state 210 B + manifest 160 B + a reason of
150 B + why it is blocked, 70 B) = 360 KB; an ordinary step takes 250 B. A test holds the worst."""

RUN_BYTES_MAX = 390_000
"""Bytes of a run's stored state. A DynamoDB item is limited to 400 KB (409,600 bytes), names and
the attributes beside the state included."""

JOB_NAME_MAX = 128
"""Characters of an AWS Batch jobName. Source: SubmitJob, jobName."""

STEP_LABEL_MAX = 80
"""Characters of a step in a jobName: 128 less `br-`, a run id of 32, `-r99-p99` and dashes."""

REQUEST_BYTES_MAX = 30 * 1024
"""Bytes of a SubmitJob request. Source: Batch User Guide, service quotas."""

OVERRIDES_CHARS_MAX = 8_192
"""Characters of container overrides; above, a job is accepted and then FAILS. Source: hyp3#3041."""

RUN_TIMEOUT_S_MIN = 60
"""Seconds of a run's timeout; it is kept to the interval of the sweeps."""

TIMEOUT_S_MIN = 60
"""Seconds of timeout.attemptDurationSeconds. Source: SubmitJob, JobTimeout."""

RETRY_RULES_MAX = 5
"""Entries of retryStrategy.evaluateOnExit. Source: SubmitJob, RetryStrategy."""

ATTEMPTS_MAX = 10
"""Attempts of a job, from 1. Source: SubmitJob, RetryStrategy."""

PATTERN_CHARS_MAX = 512
"""Characters of a pattern of evaluateOnExit. Source: SubmitJob, EvaluateOnExit."""

PRIORITY_MAX = 9_999
"""A scheduling priority, from 0. Source: SubmitJob, schedulingPriorityOverride."""

MEMORY_MIB_MIN = 4
"""MiB of a job's memory. Source: ResourceRequirement."""

TAGS_MAX, TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX = 50, 128, 256
"""Tags of a request or job definition, characters of a name and of a value. Source: TagResource."""

DEFINITION_BYTES_MAX = 24 * 1024
"""Bytes of a RegisterJobDefinition request. Source: Batch User Guide, service quotas."""

VERSION_MAX = 10**9
"""Of a pipeline: more than there will ever be, and short enough for a key of the table."""

PARAMS_BYTES_MAX = 24 * 1024
"""Bytes of a run's parameters, names and values: beside STEPS_MAX steps they fit into the item."""

KEY_CHARS_MAX = 256
"""Characters of an idempotency key: an S3 URI of ordinary length."""

QUEUED_RUNS_MAX = 1_000
"""Runs of a pipeline that wait for their turn: their ids are one item of 30 KB."""

QUIET_S_MIN, QUIET_S_MAX = 1, 3_600
"""Seconds of a trigger's `quiet`."""

BURST_S_MAX = 86_400
"""Seconds after its first upload when a burst is over that was never quiet."""

BURST_UPLOADS_MAX = 100_000
"""Uploads after which a burst is over: 20 MB of its list, read in about ten seconds."""

REASON_CHARS_MAX = 150
"""Characters of a reason kept in a run's state, one for each step; the rest is in the service's own
record. See STEPS_MAX."""

BLOCKED_CHARS_MAX = 60
"""Characters kept of why a job is blocked: AWS Batch's code, such as
MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT. See STEPS_MAX."""

STUCK_S = 1_800
"""Seconds after which a job is called blocked none of which has begun: as long as a compute
environment may take to bring up instances, and more than any image takes to be pulled."""

SUBMIT_GRACE_S = 300
"""Seconds before reconcile takes over a submission: the handlers' timeout of 60 s, clock skew,
and the lag of ListJobs, for which AWS states nothing (reference §2.4)."""

PREPARE_GRACE_S = 1_200
"""Seconds before reconcile asks again for a preparation: Lambda's limit of 900 s, and its queue."""

PREPARE_ATTEMPTS_MAX = 5
"""Attempts of a preparation that began and brought it no further, before its step fails. One is
taken for dead after PREPARE_GRACE_S, so that what always dies ends in about two hours."""

PREPARE_REQUESTS_MAX = 72
"""Requests of a preparation of which no attempt began, before its step fails: a day of them. A long
queue of other preparations, or an hour without Lambda, is no reason."""

NOTICE_GRACE_S = 300
"""Seconds before reconcile sends a notice whose sender was not heard of again."""

JOB_FORGOTTEN_S = 3_600
"""Seconds after which a job that DescribeJobs leaves out has failed. AWS Batch keeps ended jobs for
at least seven days (reference §2.3), and how long a new one may be missing is not stated (§2.4)."""

EFFECTS_PER_SAVE = 25
"""Effects whose results are saved together: about 4 s of SubmitJob calls at 0.15 s each."""

QUEUE_MESSAGES_MAX = 1_000_000
"""Messages of a queue of workers: 100,000 calls of SendMessageBatch, about two minutes."""

COLUMNS_MAX = 16_384
"""Columns of a table of items: as many as a spreadsheet has."""

MEMBERS_MAX = 1_000_000
"""Members of a JSON object around a list of items. Their names are kept, to find one that is there
twice: 110 MB."""

NUMBER_CHARS_MAX = 4_300
"""Characters of a number: an integer of a list, or a text that a condition compares as a number.
Source: Python, integer string conversion length limitation."""

GLOB_CHARS_MAX = 1_024
"""Characters of a glob: as many as a key may have bytes. Source: S3 User Guide, object keys."""

ITEM_BYTES_MAX = 8 * 1024 * 1024
"""Bytes of one item as JSON, and characters of the line, row or element that it is read from: the
function that prepares a step has 512 MB, and holds a few copies of one."""
