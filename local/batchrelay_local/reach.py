"""What of MiniStack a request reaches that is rightly signed."""

from __future__ import annotations

from collections.abc import Callable

from batch_local.embedding import Hints, SignedRequest

HINTS = Hints(
    keys="Use the export lines that `batchrelay local up` prints.", origins=": --allow-origin"
)

_ADMIN = ("/_ministack", "/_localstack", "/health")


class Reach:
    """The services that are on, and none of the emulator's own routes.

    Args:
        services: what the scope of a signature may name; what else MiniStack has is off.
        route_of: the service that a request with this path and body reaches.
    """

    def __init__(
        self,
        services: frozenset[str],
        route_of: Callable[[SignedRequest, str, bytes], str],
    ) -> None:
        self._services = services
        self._route_of = route_of

    def refusal(self, request: SignedRequest, path: str, body: bytes, service: str) -> str | None:
        """Why a request may not pass; None if it may."""
        if path.startswith(_ADMIN):
            return "the emulator's own routes are closed"
        if service not in self._services:
            return f"the service {service} is off: local up --services {service} adds it"
        # a presigned URL of S3 leaves parameters, headers and the body to its holder
        if service == "s3" and self._route_of(request, path, body) != "s3":
            return "a request that is signed for s3 asks another service"
        return None
