"""Which of MiniStack's services are on, unless `local up --services` adds to them."""

from __future__ import annotations

SERVICES = frozenset(
    (
        *("apigateway", "batch", "cloudformation", "dynamodb", "events", "execute-api", "iam"),
        *("lambda", "logs", "monitoring", "s3", "scheduler", "secretsmanager", "sns", "sqs"),
        *("ssm", "sts"),
    )
)
"""What batchrelay and jobs need, by the name that a signature's scope has; the others are off."""
