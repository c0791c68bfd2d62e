"""Where an engine listens: the name `docker` or `podman`, or its socket as a URL."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_URL = "unix://"
_FORMS = "write docker, podman or unix:///PATH/OF/ITS.sock"


def socket_of(engine: str, environment: Mapping[str, str]) -> Path:
    """The path of an engine's socket, which need not be there. Raises: ValueError."""
    match engine:
        case "docker":
            host = environment.get("DOCKER_HOST", "")
            if host:
                return _path(host, f"DOCKER_HOST {host!r} is not a Unix socket: {_FORMS}")
            home = Path(environment.get("HOME", "/root"))
            return _first(Path("/var/run/docker.sock"), home / ".docker/run/docker.sock")
        case "podman":
            of_user = environment.get("XDG_RUNTIME_DIR", "/run")
            return _first(Path(of_user, "podman/podman.sock"), Path("/run/podman/podman.sock"))
        case _:
            return _path(engine, f"engine {engine!r}: {_FORMS}")


def _path(url: str, refusal: str) -> Path:
    path = Path(url.removeprefix(_URL))
    if not url.startswith(_URL) or not path.is_absolute():
        raise ValueError(refusal)
    return path


def _first(*paths: Path) -> Path:
    return next((path for path in paths if path.exists()), paths[0])
