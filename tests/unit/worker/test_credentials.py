"""Credentials and the region, from each place in botocore's order, without a network."""

from __future__ import annotations

import calendar
import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from batchrelay_worker import credentials
from batchrelay_worker.credentials import CredentialSource
from batchrelay_worker.errors import WorkerError
from batchrelay_worker.signing import Credentials

NOWHERE = {
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_EC2_METADATA_DISABLED": "TRUE",
}
ROLE = {"AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T"}
OF_ROLE = Credentials("A", "S", "T")
OF_TASK = {**NOWHERE, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"}
OF_MACHINE = {"AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_CONFIG_FILE": "/nowhere"}
TASK_URL = "http://169.254.170.2/v2/x"
MACHINE = "http://169.254.169.254/latest"
ROLES = f"{MACHINE}/meta-data/iam/security-credentials/"
NOW = float(calendar.timegm((2026, 1, 31, 12, 0, 0)))


class Host:
    """Answers by URL; what was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, str] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.now = NOW
        monkeypatch.setattr(credentials, "_fetch", self._fetch)
        monkeypatch.setattr(time, "time", lambda: self.now)

    def _fetch(self, url: str, headers: dict[str, str], method: str = "GET") -> str:
        self.asked.append((method, url, headers))
        if url not in self.answers:
            raise OSError("no answer")
        return self.answers[url]

    def expire(self, text: str) -> None:
        self.answers[TASK_URL] = json.dumps({**ROLE, "Expiration": text})


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch)


def test_both_halves_of_a_key_of_the_environment_are_needed(host: Host) -> None:
    whole = {**NOWHERE, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}
    assert CredentialSource(whole).get() == Credentials("a", "s", "")
    with_token = {**whole, "AWS_SESSION_TOKEN": "t"}
    assert CredentialSource(with_token).get() == Credentials("a", "s", "t")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        with pytest.raises(WorkerError, match="no AWS credentials"):
            CredentialSource({**whole, name: ""}).get()


def test_a_profile_is_read_from_both_files(host: Host, tmp_path: Path) -> None:
    shared, config = tmp_path / "shared", tmp_path / "config"
    shared.write_text(
        "[default]\naws_access_key_id = d%s\naws_secret_access_key = e\naws_session_token = f\n"
        "[half]\naws_access_key_id = h\n"
    )
    config.write_text(
        "[profile p]\naws_access_key_id = p\naws_secret_access_key = q\nregion = eu-west-3\n"
        "[plain]\nregion = eu-west-2\n"
    )
    both = {
        **NOWHERE, "AWS_SHARED_CREDENTIALS_FILE": str(shared), "AWS_CONFIG_FILE": str(config)
    }  # fmt: skip
    assert CredentialSource(both).get() == Credentials("d%s", "e", "f")
    assert CredentialSource({**both, "AWS_PROFILE": "p"}).get() == Credentials("p", "q", "")
    assert CredentialSource({**both, "AWS_PROFILE": "p"}).region() == "eu-west-3"
    other = {**both, "AWS_DEFAULT_PROFILE": "plain"}
    assert CredentialSource(other).region() == "eu-west-2"
    assert CredentialSource({**other, "AWS_PROFILE": "p"}).region() == "eu-west-3"
    with pytest.raises(WorkerError, match="no AWS credentials"):
        CredentialSource({**both, "AWS_PROFILE": "half"}).get()


def test_the_files_lie_in_the_home_by_default(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(
        "[default]\naws_access_key_id = ä\naws_secret_access_key = s\n", encoding="utf-8"
    )
    (tmp_path / ".aws/config").write_text("[default]\nregion = eu-west-3\n")
    source = CredentialSource({})
    assert (source.get(), source.region()) == (Credentials("ä", "s", ""), "eu-west-3")


@pytest.mark.parametrize("content", [b"no section\n", b"[default]\nx = \xff\n"])
def test_a_file_that_cannot_be_read_is_passed_over(
    host: Host, tmp_path: Path, content: bytes
) -> None:
    shared, config = tmp_path / "shared", tmp_path / "config"
    config.write_bytes(content)
    shared.write_text("[default]\naws_access_key_id = d\naws_secret_access_key = e\n")
    both = {"AWS_SHARED_CREDENTIALS_FILE": str(shared), "AWS_CONFIG_FILE": str(config)}
    assert CredentialSource(both).get() == Credentials("d", "e", "")


def test_the_role_of_the_task_is_asked_for(host: Host) -> None:
    host.answers[TASK_URL] = json.dumps(ROLE)
    given = {**OF_TASK, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "word"}
    source = CredentialSource(given)
    host.now = NOW * 2
    assert (source.get(), source.get()) == (OF_ROLE, OF_ROLE), "without an end it is good for ever"
    assert host.asked == [("GET", TASK_URL, {"Authorization": "word"})]


def test_the_role_of_a_task_may_have_a_full_url_and_a_token_in_a_file(
    host: Host, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(" of the file ä\n", encoding="utf-8")
    host.answers["http://h/full"] = json.dumps({**ROLE, "Token": None})
    given = {
        **NOWHERE,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://h/full",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "word",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
    }
    CredentialSource(given).get()
    assert host.asked == [("GET", "http://h/full", {"Authorization": "of the file ä"})]


def test_the_role_of_the_machine_needs_a_token_first(host: Host) -> None:
    host.answers = {
        f"{MACHINE}/api/token": "t",
        ROLES: "my-role\nother\n",
        f"{ROLES}my-role": json.dumps({"AccessKeyId": "A", "SecretAccessKey": "S"}),
    }
    assert CredentialSource(OF_MACHINE).get() == Credentials("A", "S", "")
    lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": "21600"}
    assert host.asked == [
        ("PUT", f"{MACHINE}/api/token", lifetime),
        ("GET", ROLES, {"X-aws-ec2-metadata-token": "t"}),
        ("PUT", f"{MACHINE}/api/token", lifetime),
        ("GET", f"{ROLES}my-role", {"X-aws-ec2-metadata-token": "t"}),
    ]


@pytest.mark.parametrize(
    ("after_s", "calls"), [(3_300, 1), (3_301, 2)], ids=["five minutes before", "later"]
)
def test_a_session_is_renewed_five_minutes_before_its_end(
    host: Host, after_s: int, calls: int
) -> None:
    host.expire("2026-01-31T13:00:00Z")
    source = CredentialSource(OF_TASK)
    source.get()
    host.now += after_s
    assert source.get() == OF_ROLE
    assert len(host.asked) == calls


def test_a_session_that_cannot_be_renewed_is_used_until_its_end(host: Host) -> None:
    host.expire("2026-01-31T13:00:00Z")
    source = CredentialSource(OF_TASK)
    source.get()
    host.answers.clear()
    host.now += 3_600
    assert source.get() == OF_ROLE
    host.now += 1
    with pytest.raises(WorkerError) as caught:
        source.get()
    assert str(caught.value) == (
        "no AWS credentials (no answer): give the job definition a jobRoleArn"
    )


def test_an_end_that_cannot_be_read_is_taken_for_ten_minutes(host: Host) -> None:
    host.expire("soon")
    source = CredentialSource(OF_TASK)
    source.get()
    host.now += 300
    source.get()
    assert len(host.asked) == 1
    host.now += 1
    source.get()
    assert len(host.asked) == 2


def test_a_role_that_gives_no_key_is_reported_with_its_message(host: Host) -> None:
    for answer in (
        {"Code": "C", "Message": "M"},
        {"AccessKeyId": "A", "Code": "C", "Message": "M"},
    ):
        host.answers[TASK_URL] = json.dumps(answer)
        with pytest.raises(WorkerError) as caught:
            CredentialSource(OF_TASK).get()
        assert str(caught.value) == (
            "no AWS credentials: C M: look at the trust policy of the jobRoleArn"
        )


def test_without_any_place_to_ask_it_says_where_it_looked(host: Host) -> None:
    with pytest.raises(WorkerError) as caught:
        CredentialSource(NOWHERE).get()
    assert str(caught.value) == (
        "no AWS credentials (neither in the environment, nor in a profile, nor of the task's "
        "role): give the job definition a jobRoleArn"
    )
    assert host.asked == []


def test_the_region_is_of_the_environment_the_profile_or_the_machine(host: Host) -> None:
    assert CredentialSource({"AWS_REGION": "a", "AWS_DEFAULT_REGION": "b"}).region() == "a"
    assert CredentialSource({"AWS_REGION": "", "AWS_DEFAULT_REGION": "b"}).region() == "b"
    host.answers = {
        f"{MACHINE}/api/token": "t",
        f"{MACHINE}/meta-data/placement/region": "of-machine",
    }
    assert CredentialSource(OF_MACHINE).region() == "of-machine"


@pytest.mark.parametrize("given", [NOWHERE, OF_MACHINE])
def test_without_a_region_it_says_where_to_set_it(host: Host, given: dict[str, str]) -> None:
    with pytest.raises(WorkerError) as caught:
        CredentialSource(given).region()
    assert str(caught.value) == "no region: set AWS_REGION in the job definition's environment"
    assert len(host.asked) == (given == OF_MACHINE)


# --- the request itself


class Opener:
    """Refuses as often as it should, then answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, refusals: int) -> None:
        self.refusals = refusals
        self.requests: list[tuple[str, str, dict[str, str], float]] = []
        self.proxies: list[dict[str, str]] = []
        self.waits: list[float] = []
        monkeypatch.setattr(urllib.request, "build_opener", self._built)
        monkeypatch.setattr(time, "sleep", self.waits.append)

    def _built(self, handler: Any) -> Opener:
        self.proxies.append(handler.proxies)
        return self

    def open(self, request: Any, timeout: float) -> Opener:
        self.requests.append(
            (request.get_method(), request.full_url, dict(request.header_items()), timeout)
        )
        if len(self.requests) <= self.refusals:
            raise OSError("refused")
        return self

    def __enter__(self) -> Opener:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def read(self) -> bytes:
        return "ä".encode()


def test_a_request_goes_past_every_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy")
    opener = Opener(monkeypatch, refusals=0)
    assert credentials._fetch("http://h/x", {"A": "b"}) == "ä"
    assert credentials._fetch("http://h/x", {"A": "b"}, "PUT") == "ä"
    assert opener.requests == [
        ("GET", "http://h/x", {"A": "b"}, 2),
        ("PUT", "http://h/x", {"A": "b"}, 2),
    ]
    assert opener.proxies == [{}, {}]


def test_a_host_is_asked_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    opener = Opener(monkeypatch, refusals=2)
    assert credentials._fetch("http://h/x", {}) == "ä"
    assert opener.waits == [0.2, 0.4]
    opener = Opener(monkeypatch, refusals=3)
    with pytest.raises(OSError, match="refused"):
        credentials._fetch("http://h/x", {})
    assert (len(opener.requests), opener.waits) == (3, [0.2, 0.4])
