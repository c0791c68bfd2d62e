"""Every numbered question of docs/reference/aws-batch.md: its probe, or why it has none."""

from __future__ import annotations

from collections.abc import Mapping

from batchrelay_cli.doctor.probe import Probe
from batchrelay_cli.doctor.probes import (
    absent_units,
    array_size,
    bulk_stops,
    cancelled_runnable,
    ended_dependencies,
    event_delays,
    event_flags,
    event_statuses,
    exit_rules,
    failed_pairs,
    failed_parent,
    failed_starts,
    first_index,
    large_events,
    last_summary,
    listing_filters,
    listing_lag,
    n_to_n_sizes,
    other_dependencies,
    override_limits,
    reasons,
    repeated_events,
    terminated_parent,
    unit_wait,
    upload_keys,
    waiting_children,
)

PROBES: tuple[Probe, ...] = (
    array_size.PROBE,
    n_to_n_sizes.PROBE,
    ended_dependencies.PROBE,
    other_dependencies.PROBE,
    event_statuses.PROBE,
    first_index.PROBE,
    last_summary.PROBE,
    event_flags.PROBE,
    listing_lag.PROBE,
    exit_rules.PROBE,
    failed_starts.PROBE,
    cancelled_runnable.PROBE,
    failed_parent.PROBE,
    repeated_events.PROBE,
    upload_keys.PROBE,
    bulk_stops.PROBE,
    waiting_children.PROBE,
    large_events.PROBE,
    unit_wait.PROBE,
    absent_units.PROBE,
    reasons.PROBE,
    listing_filters.PROBE,
    terminated_parent.PROBE,
    failed_pairs.PROBE,
    override_limits.PROBE,
    event_delays.PROBE,
)

WITHOUT_PROBE: Mapping[str, str] = {
    "Q16": "a price is in no answer of these services",
    "Q17": "more than 50 calls a second would throttle the account's own work",
    "Q22": "between two attempts there are seconds, and what AWS says of units lags by 30 s",
    "Q30": "it takes a role without permissions, and so the right to make one and assume it",
    "Q31": "it takes EC2 instances or an EKS cluster, which cost more than cents",
}
"""Why a question is not asked."""
