"""Credentials and regions, from everywhere that botocore looks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from batchrelay_worker import credentials
from batchrelay_worker.credentials import CredentialSource
from batchrelay_worker.errors import WorkerError
from batchrelay_worker.signing import Credentials

pytestmark = pytest.mark.cloud  # a server on the loopback interface

ROLE = {
    "AccessKeyId": "A",
    "SecretAccessKey": "S",
    "Token": "T",
    "Expiration": "2099-01-01T00:00:00Z",
}
NOWHERE = {
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Metadata:
    """A server that answers as ECS and EC2 do; what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str | None]] = []
        self.role = dict(ROLE)
        metadata = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                token = self.headers.get("X-aws-ec2-metadata-token") or self.headers.get(
                    "Authorization"
                )
                metadata.asked.append(("GET", self.path, token))
                answers = {
                    "/latest/meta-data/iam/security-credentials/": "my-role\n",
                    "/latest/meta-data/placement/region": "eu-central-1",
                }
                self._answer(answers.get(self.path) or json.dumps(metadata.role))

            def do_PUT(self) -> None:
                metadata.asked.append(("PUT", self.path, None))
                self._answer("the-token")

            def _answer(self, text: str) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[Metadata]:
    running = Metadata()
    monkeypatch.setattr(credentials, "METADATA_HOST", running.url)
    monkeypatch.setattr(credentials, "CONTAINER_HOST", running.url)
    yield running
    running.server.shutdown()
    running.server.server_close()


def test_the_environment_is_first() -> None:
    given = {
        **NOWHERE,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_SESSION_TOKEN": "t",
    }
    assert CredentialSource(given).get() == Credentials("a", "s", "t")


def test_a_profile_of_either_file(tmp_path: Path) -> None:
    shared, config = tmp_path / "credentials", tmp_path / "config"
    shared.write_text(
        "[default]\naws_access_key_id = d\naws_secret_access_key = %s\n[p]\naws_access_key_id=p\naws_secret_access_key=q\n"
    )
    config.write_text("[profile p]\nregion = eu-west-3\n")
    given = {**NOWHERE, "AWS_SHARED_CREDENTIALS_FILE": str(shared), "AWS_CONFIG_FILE": str(config)}
    assert CredentialSource(given).get() == Credentials("d", "%s", "")
    source = CredentialSource({**given, "AWS_PROFILE": "p"})
    assert (source.get().access_key, source.region()) == ("p", "eu-west-3")


def test_the_role_of_the_task(metadata: Metadata, tmp_path: Path) -> None:
    given = {**NOWHERE, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/x"}
    assert CredentialSource(given).get() == Credentials("A", "S", "T")
    (tmp_path / "token").write_text("secret\n")
    given = {
        **NOWHERE,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{metadata.url}/full",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
    }
    assert CredentialSource(given).get().access_key == "A"
    assert metadata.asked == [("GET", "/v2/credentials/x", None), ("GET", "/full", "secret")]


def test_the_role_of_the_machine_by_the_second_version(metadata: Metadata) -> None:
    given = {**NOWHERE, "AWS_EC2_METADATA_DISABLED": "false"}
    source = CredentialSource(given)
    assert (source.get(), source.region()) == (Credentials("A", "S", "T"), "eu-central-1")
    base = "/latest/meta-data/iam/security-credentials/"
    assert metadata.asked[:4] == [
        ("PUT", "/latest/api/token", None),
        ("GET", base, "the-token"),
        ("PUT", "/latest/api/token", None),
        ("GET", base + "my-role", "the-token"),
    ]


@pytest.mark.parametrize(
    ("expires", "calls"), [("2099-01-01T00:00:00Z", 1), ("2001-01-01T00:00:00Z", 3)]
)
def test_credentials_are_refreshed_before_they_expire(
    metadata: Metadata, expires: str, calls: int
) -> None:
    metadata.role["Expiration"] = expires
    source = CredentialSource({**NOWHERE, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"})
    for _ in range(3):
        source.get()
    assert len(metadata.asked) == calls


def test_missing_credentials_are_reported_with_what_to_do() -> None:
    with pytest.raises(
        WorkerError, match=r"no AWS credentials .*: give the job definition a jobRoleArn"
    ):
        CredentialSource(NOWHERE).get()
    with pytest.raises(WorkerError, match="no region: set AWS_REGION"):
        CredentialSource(NOWHERE).region()
