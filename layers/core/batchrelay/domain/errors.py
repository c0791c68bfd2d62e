"""Every error of the core, and whose fault it is.

BatchrelayError
├── InputError            the caller's: fix the input and call again
│   ├── InvalidPipeline     the definition contradicts itself
│   ├── InvalidParams       a run was given wrong parameters
│   │   └── ParamsTooLong     they are more than a run keeps
│   ├── InvalidStart        a run would ask AWS Batch for what it refuses
│   ├── InvalidDocument     a request is not the document that it must be
│   ├── InvalidPrices       a table of prices is not of the form that it must have
│   ├── InvalidItems        a fan-out's item list is not what `forEach` says
│   ├── PipelineNotFound    no such pipeline, or no such version
│   ├── RunNotFound         no such run, or its time to live has passed
│   ├── StepNotFound        the run has no such step
│   ├── ItemNotFound        the step has no such item
│   ├── PathNotFound        the API has no such path
│   ├── RequestTooLarge     the request's body is too large
│   ├── NotRedrivable       a run has nothing that may run again, or not now
│   └── RunExists           the run's id is taken
├── RunTooLarge           ours: a run's state is larger than its item may be
├── RunSkipped            no one's fault: another run is open, and its trigger says skip
├── RunConflict           no one's fault: another writer was faster; load and fold again
├── Refused               the service refuses for good; trying again changes nothing
│   ├── Denied              the role is not allowed to ask: nothing is known of what was asked for
│   └── JobForgotten        AWS Batch no longer knows the job
├── NotDone               nothing happened, or that is unknown; the effect stays pending
│   ├── Throttled           surely nothing happened
│   └── Ambiguous           it may have happened
├── CodecError            ours: a stored document is not one that this version can read
└── TransitionError       ours: the table was left
"""

from __future__ import annotations


class BatchrelayError(Exception):
    """Any error that batchrelay raises on purpose."""


class InputError(BatchrelayError):
    """The caller can fix it."""


class InvalidPipeline(InputError):
    """The definition contradicts itself."""


class InvalidParams(InputError):
    """A run was given wrong parameters; the message lists every one."""


class ParamsTooLong(InvalidParams):
    """The parameters, defaults included, are more than a run keeps beside its steps."""


class InvalidStart(InputError):
    """A run would ask AWS Batch for what it refuses; every step is named, nothing is stored."""


class InvalidDocument(InputError):
    """A request is not the document that it must be; the message starts with its path."""


class InvalidPrices(InputError):
    """A table of prices is not of the form that it must have; the message has the place."""


class InvalidItems(InputError):
    """A fan-out's item list is not what `forEach` says."""


class PipelineNotFound(InputError):
    """No such pipeline, or no such version of it."""


class RunNotFound(InputError):
    """No such run, or its time to live has passed."""


class StepNotFound(InputError):
    """The run has no such step."""


class ItemNotFound(InputError):
    """The step has no such item, or none is known yet."""


class PathNotFound(InputError):
    """The API has no such path."""


class RequestTooLarge(InputError):
    """The request's body is too large."""


class NotRedrivable(InputError):
    """A run has nothing that may run again, or not now; nothing of it changes."""


class NotResumable(InputError):
    """A run is not PAUSED, or a budget would not let it go on; nothing of it changes."""


class RunExists(InputError):
    """The run's id is taken."""


class RunTooLarge(BatchrelayError):
    """A run's state is larger than its item may be: a bug of ours, nothing is stored."""


class RunSkipped(BatchrelayError):
    """Another run of the pipeline is open, and the trigger says `overlap: skip`."""


class RunConflict(BatchrelayError):
    """The stored run is not the one that was loaded."""


class Refused(BatchrelayError):
    """The service refuses for good; trying again changes nothing."""


class Denied(Refused):
    """The role is not allowed to ask: nothing is known of what was asked for."""


class JobForgotten(Refused):
    """AWS Batch no longer knows the job: it keeps ended ones for seven days."""


class NotDone(BatchrelayError):
    """Nothing happened, or that is unknown; the effect stays pending."""


class Throttled(NotDone):
    """The request was turned away before it was accepted."""


class Ambiguous(NotDone):
    """The answer was lost or a 5xx: it may have happened."""


class CodecError(BatchrelayError):
    """A stored document is not one that this version can read; the message starts with its path."""


class TransitionError(BatchrelayError):
    """A transition led outside the table: a bug of ours."""
