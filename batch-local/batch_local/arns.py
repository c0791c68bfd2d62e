"""Names of what AWS Batch has here."""

from __future__ import annotations

REGION = "us-east-1"
ACCOUNT = "000000000000"


def arn(resource: str) -> str:
    """The ARN of something of AWS Batch here."""
    return f"arn:aws:batch:{REGION}:{ACCOUNT}:{resource}"


def job_arn(job_id: str) -> str:
    """A job's ARN; a child's ends with `:index`."""
    return arn(f"job/{job_id}")
