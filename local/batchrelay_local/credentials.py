"""The access keys of one local cloud: random, made at its start, gone at its end.

There is one secret and three access keys, so that calls can be counted by caller. All three may
do the same: the secret keeps strangers out.
"""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass, field

from batch_local import ACCOUNT, REGION

HANDLERS, JOBS, USER = "handlers", "jobs", "others"
"""The callers, as the call counter names them."""

_KEY_BYTES = 10
"""80 random bits are 16 letters of base32: an access key has 20."""

_SECRET_BYTES = 30
"""240 random bits are 40 letters of base64, as many as AWS gives."""


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
        return cls(user=_new_key(), jobs=_new_key(), secret=secrets.token_urlsafe(_SECRET_BYTES))

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
    return client_environment(endpoint, access_key, secret) | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _new_key() -> str:
    return "LOCL" + base64.b32encode(secrets.token_bytes(_KEY_BYTES)).decode()
