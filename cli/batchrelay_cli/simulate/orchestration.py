"""What a run's handlers call, and what that costs: counted, and multiplied by dated list prices.

Lambda is 512 MiB for 0.15 s an invocation, an assumption. AWS Batch itself, EventBridge's events of
AWS services and its rules cost nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from batchrelay.prices import Prices

LAMBDA_GB, LAMBDA_S = 0.5, 0.15

INDEX_UNITS = 4
"""Write units of a run's entries in the two indexes: made and deleted; made, and changed at the
end."""

SQS_REQUESTS = 3
"""Of one message: sent, received, deleted."""

KIB = 1_024


@dataclass(kw_only=True)
class Calls:
    """How often what was called for one run."""

    invocations: int = 0
    messages: int = 0
    """Of SQS, each sent, received and deleted."""
    message_batches: int = 0
    """Requests that fill the queues of workers."""
    write_units: int = 0
    reads: int = 0
    """Of the run, strongly consistent."""
    run_bytes: int = 0
    """Of the run's item, as it was in the end."""
    puts: int = 0
    gets: int = 0
    publishes: int = 0

    def dollars(self, prices: Prices) -> Mapping[str, float]:
        """By what is paid for."""
        units = {
            "lambda.requests": self.invocations,
            "lambda.gbSeconds": self.invocations * LAMBDA_GB * LAMBDA_S,
            "dynamodb.writeUnits": self.write_units + INDEX_UNITS,
            "dynamodb.readUnits": self.reads * math.ceil(math.ceil(self.run_bytes / KIB) / 4),
            "sqs.requests": self.messages * SQS_REQUESTS + self.message_batches,
            "s3.puts": self.puts,
            "s3.gets": self.gets,
            "sns.publishes": self.publishes,
        }
        return {kind: count * prices.per_million[kind] / 1e6 for kind, count in units.items()}
