"""What could not be verified about AWS Batch: each a switch, its first value the default.

The table of docs/reference/local-batch.md says what each value does. The numbers are those of
the open questions of docs/reference/aws-batch.md. `--assume` takes those of ASSUMABLE: they change
what a user's own client or pipeline meets. Tests of ours set the others.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_type_hints


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """How this AWS Batch behaves where its documentation is silent."""

    array_of_zero: Literal["refused", "simple"] = "refused"
    """Q1. An array size of 0."""
    n_to_n_unequal: Literal["refused", "common"] = "refused"
    """Q2. N_TO_N with another size, or with a simple job."""
    unknown_dependency: Literal["refused", "failed", "met"] = "refused"
    """Q3. dependsOn an id that was never there, or that was forgotten."""
    child_dependency: Literal["accepted", "refused"] = "accepted"
    """Q4. dependsOn `parent:index`."""
    other_queue_dependency: Literal["accepted", "refused"] = "accepted"
    """Q4. dependsOn a job of another queue."""
    submitted_events: Literal["absent", "present"] = "absent"
    """Q5. An event of SUBMITTED."""
    parent_events: Literal["all", "terminal"] = "all"
    """Q5. Which events of a parent."""
    first_index: Literal["present", "absent"] = "present"
    """Q6. `arrayProperties.index` of child 0 in events."""
    parent_summary: Literal["final", "behind"] = "final"
    """Q7. `statusSummary` in a parent's last event."""
    stop_flags: Literal["present", "absent"] = "present"
    """Q8. `isCancelled` and `isTerminated` in events."""
    child_tags: Literal["absent", "present"] = "absent"
    """Q8. The tags of a parent in its children's events."""
    deciding_rule: Literal["first", "last"] = "first"
    """Q10. Which of the rules of evaluateOnExit that match."""
    rule_case: Literal["counts", "ignored"] = "counts"
    """Q10. Upper and lower case in evaluateOnExit."""
    star_on_nothing: Literal["matches", "differs"] = "matches"
    """Q10. `*` beside a value that is absent."""
    failed_start: Literal["counted", "free"] = "counted"
    """Q11. Whether an attempt that did not start is one."""
    cancel_runnable: Literal["at_once", "at_head"] = "at_once"
    """Q12. When a RUNNABLE job that was cancelled ends."""
    failed_parent: Literal["after_all", "at_first"] = "after_all"
    """Q13. When a parent with a failed child ends."""
    repeated_event_id: Literal["fresh", "same"] = "fresh"
    """Q14. The `id` of an event that comes twice."""
    quota: Literal["none", "shared", "each"] = "none"
    """Q17. 50 requests a second: of all operations together, or of each."""
    bulk_operations: Literal["present", "absent"] = "present"
    """Q18. CancelJobs and TerminateJobs."""
    waiting_children: Literal["absent", "present"] = "absent"
    """Q19. The children of a parent whose own dependencies are unmet."""
    event_container: Literal["whole", "absent"] = "whole"
    """Q20. `container` in events."""
    unit_wait: Literal["blocks", "passed"] = "blocks"
    """Q21. Whether a head that waits for units of a consumable resource is passed by others."""

    @classmethod
    def parse(cls, text: str) -> Assumptions:
        """`cancel_runnable=at_head,quota=each`. Raises: ValueError with a sentence."""
        answers: dict[str, Any] = {}
        for piece in filter(None, text.split(",")):
            name, equals, value = piece.strip().partition("=")
            if name not in ASSUMABLE or not equals:
                names = ", ".join(ASSUMABLE)
                raise ValueError(f"{piece!r}: write one of {names}, such as quota=each")
            values = VALUES[name]
            if value not in values:
                raise ValueError(f"{piece!r}: {name} is one of {', '.join(values)}")
            answers[name] = value
        return cls(**answers)


ASSUMABLE = (
    "unknown_dependency",
    "n_to_n_unequal",
    "failed_start",
    "cancel_runnable",
    "failed_parent",
    "quota",
    "unit_wait",
)
"""What `--assume` takes."""

VALUES: dict[str, tuple[str, ...]] = {
    field.name: get_args(get_type_hints(Assumptions)[field.name]) for field in fields(Assumptions)
}
"""The values of each, the default first."""

DOCUMENTED = Assumptions()
"""The defaults."""
