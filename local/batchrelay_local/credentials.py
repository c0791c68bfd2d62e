"""The access keys of one local cloud: random, made at its start, gone at its end.

There is one secret and three access keys, so that calls can be counted by caller. All three may
do the same: the secret keeps strangers out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from batch_local import ACCOUNT, REGION
from batch_local.environments import without_account
from batch_local.keys import Keys, new_access_key

HANDLERS, JOBS, USER = "handlers", "jobs", "others"
"""The callers, as the call counter names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudCredentials:
    """What signs requests to one cloud."""

    user: str
    """The access key of the command line, and of any SDK of the user."""
    jobs: str
    """The access key that jobs are given."""
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> CloudCredentials:
        """Of a cloud that begins."""
        keys = Keys.new()
        return cls(user=keys.access_key, jobs=new_access_key(), secret=keys.secret)

    def secret_of(self, access_key: str) -> str | None:
        """None for a key that is not of this cloud."""
        return self.secret if self.caller(access_key) is not None else None

    def caller(self, access_key: str) -> str | None:
        """The caller behind an access key. MiniStack gives the account's number to functions."""
        return {self.user: USER, self.jobs: JOBS, ACCOUNT: HANDLERS}.get(access_key)


def client_environment(endpoint: str, access_key: str, secret: str) -> dict[str, str]:
    """The variables that make any SDK and the aws CLI talk to a cloud."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
    }


def process_environment(endpoint: str, access_key: str, secret: str) -> dict[str, str]:
    """The same for a process that must find no account that the user has."""
    return without_account(client_environment(endpoint, access_key, secret))
