"""Every limit: its unit, its reason, its source. Sections are those of the AWS Batch reference."""

from __future__ import annotations

ARRAY_SIZE_MIN = 2
"""Children. AWS Batch refuses an array of one. Source: SubmitJob, arrayProperties.size."""

ARRAY_SIZE_MAX = 10_000
"""Children. A fixed quota. Source: Batch User Guide, service quotas."""

PARTS_MAX = 100
"""Parts of one step. 100 x 10,000 = 1,000,000 children; 100 parts take 5.2 KB of a run's state."""

STEPS_MAX = 500
"""Steps of one pipeline. At worst 500 x (name 130 B + state 160 B + manifest 190 B + a reason of
200 B + one part of 52 B) = 366 KB of STATE_BYTES_MAX; an ordinary step takes 250 B. Each further
part of a step takes 52 B more. A test holds the worst."""

RUN_BYTES_MAX = 400_000
"""Bytes of a run's item as it is stored: the deflated state and the attributes beside it. No save
reaches it; see STATE_BYTES_MAX. A DynamoDB item is limited to 400 KB (409,600 bytes), names
included. Source: DynamoDB Developer Guide, Constraints."""

STATE_BYTES_MAX = 390_000
"""Bytes that a run's state may come to at worst, before it is deflated. Only what lets a run grow
is held to it (domain/run_size.py). 10,000 less than RUN_BYTES_MAX: deflating adds at most n/4,096 +
n/16,384 + 13 bytes (130), the attributes beside the state at most 800. Source: zlib,
deflateBound."""

DUPLICATE_JOBS_MAX = 100
"""Duplicate jobs of a run that wait to be stopped: 6.6 KB of its state. What is found beyond them
is stopped at once, without a note."""

PIPELINE_BYTES_MAX = 390_000
"""Bytes of a pipeline's definition, deflated as it is stored: an item of its own. See
RUN_BYTES_MAX."""

PIPELINE_JSON_BYTES_MAX = 16 * 1024 * 1024
"""Bytes of a pipeline's definition as JSON: STEPS_MAX requests of REQUEST_BYTES_MAX. A function of
512 MB reads it at every event, and what repeats itself deflates to a thousandth."""

JOB_NAME_MAX = 128
"""Characters of an AWS Batch jobName. Source: SubmitJob, jobName."""

STEP_LABEL_MAX = 80
"""Characters of a step in a jobName: 128 less `br-`, a run id of 32, `-r99-p99` and dashes."""

REQUEST_BYTES_MAX = 30 * 1024
"""Bytes of a SubmitJob request. Source: Batch User Guide, service quotas."""

OVERRIDES_CHARS_MAX = 8_192
"""Characters of container overrides; above, a job is accepted and then FAILS. Source: hyp3#3041."""

RUN_TIMEOUT_S_MIN = 60
"""Seconds of a run's timeout; it is exact to the interval of reconcile."""

TIMEOUT_S_MIN = 60
"""Seconds of timeout.attemptDurationSeconds. Source: SubmitJob, JobTimeout."""

CONDITION_DEPTH_MAX = 50
"""Parentheses, lists and `not` within each other in a condition: a few hundred frames of Python."""

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

AMOUNT_CHARS_MAX = 9
"""Characters of an amount of a resource, such as MiB of memory: more than any machine has."""

TAGS_MAX, TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX = 50, 128, 256
"""Tags of a request or job definition, characters of a name and of a value. Source: TagResource."""

DEFINITION_BYTES_MAX = 24 * 1024
"""Bytes of a RegisterJobDefinition request. Source: Batch User Guide, service quotas."""

VERSION_MAX = 10**9
"""Of a pipeline: more than there will ever be, and short enough for a key of the table."""

PARAMS_BYTES_MAX = 24 * 1024
"""Bytes of a run's parameters, names and values: beside STEPS_MAX steps they fit into the item."""

NOTICE_BYTES_MAX = 140_000
"""Bytes of a notice's message. With STATE_CHANGE_BYTES_MAX, twice LINK_BYTES_MAX and its short
attributes it is under what SNS takes of all. Source: SNS, Publish: 262,144."""

STATE_CHANGE_BYTES_MAX = 100_000
"""Bytes of the JSON of a run that has ended: an attribute of a notice, and the detail of an event.
Source: EventBridge, PutEvents: 256 KB in every region; SNS: see NOTICE_BYTES_MAX."""

LINK_BYTES_MAX = 8_000
"""Bytes of a link in that JSON: more than a key of S3 and a session's token take."""

SUBJECT_CHARS_MAX = 99
"""Characters of a notice's subject. Source: SNS, Publish, Subject: less than 100."""

PRESIGN_S_MAX = 43_200
"""Seconds of `notify[].presign`: no session of a role is longer than 12 hours, and a URL ends with
the session that signed it. Source: STS, AssumeRole, DurationSeconds; S3 User Guide, presigned URLs.
"""

KEY_CHARS_MAX = 256
"""Characters of an idempotency key: an S3 URI of ordinary length."""

QUEUED_RUNS_MAX = 1_000
"""Runs that wait in a run queue: their ids are one item of 30 KB."""

DEBOUNCE_S_MIN, DEBOUNCE_S_MAX = 1, 3_600
"""Seconds of a trigger's `debounce`."""

UPLOAD_BATCH_S_MAX = 86_400
"""Seconds after its first upload when a batch is closed although uploads still come."""

UPLOAD_BATCH_UPLOADS_MAX = 100_000
"""Uploads after which a batch is closed: 20 MB of its list, read in about ten seconds."""

REASON_CHARS_MAX = 150
"""Characters of a reason kept in a run's state, one for each step; the rest is in the service's own
record. See STEPS_MAX."""

REASON_BYTES_MAX = 200
"""Bytes of the same as JSON in UTF-8: other alphabets and escapes take more than one byte a
character. See STEPS_MAX."""

BLOCKED_CHARS_MAX = 60
"""Characters kept of why a job is blocked: AWS Batch's code, such as
MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT. It is left out where the run has no room for it."""

STUCK_S = 1_800
"""Seconds after which a job is called blocked none of which has begun: as long as a compute
environment may take to bring up instances, and more than any image takes to be pulled."""

SUBMIT_GRACE_S = 300
"""Seconds before reconcile takes over a submission: the handlers' timeout of 60 s, clock skew,
and the lag of ListJobs, for which AWS states nothing (aws-batch.md, Consistency)."""

PREPARE_GRACE_S = 1_200
"""Seconds before reconcile asks again for a preparation: Lambda's limit of 900 s, and its queue."""

PREPARE_ATTEMPTS_MAX = 5
"""Attempts of a preparation that began and brought it no further, before its step fails. One is
taken for dead after PREPARE_GRACE_S, so that what always dies ends in about two hours."""

PREPARE_REQUESTS_MAX = 72
"""Requests of a preparation of which no attempt began, before its step fails: a day of them. A long
queue of other preparations, or an hour without Lambda, is no reason."""

NOTICE_GRACE_S = 300
"""Seconds before reconcile sends a notice that was not reported as sent."""

REPORT_GRACE_S = 1_200
"""Seconds before reconcile asks again for the report of a run's end: Lambda's limit of 900 s, and
its queue."""

REPORT_REQUESTS_MAX = 3
"""Requests of a report that no attempt answered, before the run's notices go without it: an hour
after the run's end at the latest, with reconcile every five minutes."""

REPORT_DELIVERIES_MAX = 3
"""Attempts of one request that end with an error, before the same: seconds apart."""

REPORT_BYTES_MAX = 20_000_000
"""Bytes of a report as HTML, or as JSON: no browser of a phone opens more. 10,000 children are 0.2
MB, 1,000,000 less than 1 MB; 500 steps that fail with the longest reasons come to more."""

REPORT_CHILDREN_MAX = 100_000
"""Children that the report of a run's end asks AWS Batch for: 1,000 calls of DescribeJobs, about a
minute. Of a larger run it looks at a sample."""

MEASUREMENT_GRACE_S = 1_200
"""Seconds before reconcile asks again what ended jobs cost: Lambda's limit of 900 s, and its
queue."""

MEASUREMENT_REQUESTS_MAX = 3
"""Requests of a cost that no attempt answered, before a run with a budget asks a person: an hour
after its jobs ended at the latest, with reconcile every five minutes."""

MEASUREMENT_DELIVERIES_MAX = 3
"""Attempts of one request that end with an error, before the same: seconds apart."""

BUDGET_USD_MAX = 1_000_000
"""US dollars of a budget: more is a slip of the finger."""

CONTINUE_GRACE_S = 300
"""Seconds before reconcile asks again for an invocation that goes on with a run: its message is
sent again if it was lost, and does nothing if it was not."""

EFFECT_S_MAX = 25
"""Seconds that one effect may take: 20 s until a call of SubmitJob is given up, and the save of
what came of it. With less time left an invocation begins no other."""

FRUITLESS_MAX = 20
"""Batches of submissions in a row of which AWS Batch accepts none, before an invocation gives up:
about a minute of tries."""

SUBMISSIONS_MAX = 200
"""Parts of a run that are being submitted at the same time: 4 s at 50 SubmitJob calls a second
(Batch User Guide, service quotas), 40 s at a tenth of that, far under SUBMIT_GRACE_S."""

DESCRIBE_IDS_MAX = 100
"""Job ids of one DescribeJobs call. Source: DescribeJobs, jobs."""

JOB_MISSING_S = 3_600
"""Seconds for which DescribeJobs must leave a job out, at every look, before it is stopped. AWS
Batch keeps ended jobs for at least seven days (UG, job_states), and how long a new one may be
missing is not stated (Q9 of aws-batch.md)."""

JOB_STOPPED_S = 300
"""Seconds that a missing job has after that to be reported again, before its part has failed: AWS
Batch ends a job within seconds of TerminateJob, and its event is delivered in as many."""

EFFECTS_PER_SAVE = 25
"""Effects whose results are saved together, and those that a start or a handler performs itself:
half a second of SubmitJob calls at 0.15 s each, eight at once."""

MAX_RUNNING_MAX = 1_000_000
"""Children of a step that `maxRunning` may let run at a time: as many as a step can have (PARTS_MAX
x ARRAY_SIZE_MAX), so that more would bound nothing. AWS states no largest quantity of a consumable
resource. Source: CreateConsumableResource, totalQuantity."""

CONSUMABLE_RESOURCES_MAX = 5
"""Consumable resources of one job, that of `maxRunning` included. Source: Batch User Guide,
resource-aware scheduling."""

QUEUE_MESSAGES_MAX = 1_000_000
"""Messages of a queue of workers: 100,000 calls of SendMessageBatch, about two minutes."""

CAUSES_MAX = 20
"""Causes of a step's failures that are kept apart, with a sample each: so many logs are read,
whatever failed. What is rarer is one more, `Other`."""

LOG_TAIL_LINES = 20
"""Lines of a sample's log that are kept with its cause."""

RECORDS_READ_MAX = 1_000
"""Result records that are read to find the failed items of chunks; the chunks beyond run again
whole."""

QUEUE_RECORDS_READ_MAX = 25_000
"""Objects of result records that are read to find what a queue's workers left: two for each of
10,000 workers, and one more for every 500 of 2,500,000 items."""

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
