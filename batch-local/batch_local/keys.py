"""The access key and the secret of one server: random, made at its start, gone at its end."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field

_KEY_BYTES = 10
"""80 random bits are 16 letters of base32: an access key has 20."""

_SECRET_BYTES = 30
"""240 random bits are 40 letters of base64, as many as AWS gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What signs requests to one server."""

    access_key: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> Keys:
        """Of a server that begins."""
        return cls(access_key=new_access_key(), secret=secrets.token_urlsafe(_SECRET_BYTES))

    def secret_of(self, access_key: str) -> str | None:
        """None for a key that is not of this server."""
        return self.secret if access_key == self.access_key else None


def new_access_key() -> str:
    """One that no other server has."""
    return "LOCL" + base64.b32encode(secrets.token_bytes(_KEY_BYTES)).decode()
