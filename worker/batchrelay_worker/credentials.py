"""Where credentials and the region come from: environment, profile, the task's role, the machine's.

The order is botocore's. Sources: ECS Developer Guide, "Task IAM role"; EC2 User Guide, "Use the
Instance Metadata Service" (version 2).
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, Mapping

from batchrelay_worker.errors import WorkerError
from batchrelay_worker.signing import Credentials

CONTAINER_HOST = "http://169.254.170.2"
METADATA_HOST = "http://169.254.169.254"
METADATA_TIMEOUT_S = 2
METADATA_TRIES = 3
EXPIRY_MARGIN_S = 300
"""Seconds before their end at which a session's credentials are asked for again."""


class CredentialSource:
    """Credentials, asked for once and again before they expire."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._credentials: Credentials | None = None
        self._expires = float("inf")

    def get(self) -> Credentials:
        """Raises: WorkerError if there are none."""
        if self._credentials is None or time.time() > self._expires - EXPIRY_MARGIN_S:
            try:
                self._credentials = self._find()
            except WorkerError:  # those that are known may be good for some minutes yet
                if self._credentials is None or time.time() > self._expires:
                    raise
        return self._credentials

    def region(self) -> str:
        """The region of this job."""
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            if self._environment.get(name):
                return self._environment[name]
        region = _profile(self._environment).get("region")
        if region:
            return str(region)
        if self._environment.get("AWS_EC2_METADATA_DISABLED", "").lower() != "true":
            try:
                return _metadata("/latest/meta-data/placement/region")
            except OSError:
                pass
        raise WorkerError("no region: set AWS_REGION in the job definition's environment")

    def _find(self) -> Credentials:
        environment = self._environment
        if environment.get("AWS_ACCESS_KEY_ID") and environment.get("AWS_SECRET_ACCESS_KEY"):
            return Credentials(
                environment["AWS_ACCESS_KEY_ID"],
                environment["AWS_SECRET_ACCESS_KEY"],
                environment.get("AWS_SESSION_TOKEN", ""),
            )
        profile = _profile(environment)
        if "aws_access_key_id" in profile and "aws_secret_access_key" in profile:
            return Credentials(
                profile["aws_access_key_id"],
                profile["aws_secret_access_key"],
                profile.get("aws_session_token", ""),
            )
        return self._of_role()

    def _of_role(self) -> Credentials:
        try:
            answer = self._ask_for_role()
        except (OSError, ValueError) as error:
            raise WorkerError(
                f"no AWS credentials ({error}): give the job definition a jobRoleArn"
            ) from None
        if "AccessKeyId" not in answer or "SecretAccessKey" not in answer:
            raise WorkerError(
                f"no AWS credentials: {answer.get('Code')} {answer.get('Message')}: look at the "
                "trust policy of the jobRoleArn"
            )
        self._expires = _epoch(answer.get("Expiration"))
        return Credentials(
            answer["AccessKeyId"], answer["SecretAccessKey"], answer.get("Token", "")
        )

    def _ask_for_role(self) -> dict[str, Any]:
        environment = self._environment
        path = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        url = (
            CONTAINER_HOST + path if path else environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        )
        if url:
            return dict(json.loads(_fetch(url, _authorization(environment))))
        if environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
            raise ValueError("neither in the environment, nor in a profile, nor of the task's role")
        base = "/latest/meta-data/iam/security-credentials/"
        role = _metadata(base).split("\n")[0]
        return dict(json.loads(_metadata(base + role)))


def _authorization(environment: Mapping[str, str]) -> dict[str, str]:
    token = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    file = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    if file:
        with open(file, encoding="utf-8") as token_file:  # noqa: PTH123  # pathlib takes 5 ms to import
            token = token_file.read().strip()
    return {"Authorization": token} if token else {}


def _metadata(path: str) -> str:
    """Of the instance metadata service, version 2: a token first."""
    lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": "21600"}
    token = _fetch(METADATA_HOST + "/latest/api/token", lifetime, "PUT")
    return _fetch(METADATA_HOST + path, {"X-aws-ec2-metadata-token": token})


def _fetch(url: str, headers: dict[str, str], method: str = "GET") -> str:
    from urllib.request import ProxyHandler, Request, build_opener  # 20 ms that few need

    opener = build_opener(ProxyHandler({}))  # a proxy knows nothing of link-local addresses
    for attempt in range(METADATA_TRIES):
        try:
            request = Request(url, headers=headers, method=method)  # noqa: S310  # ECS's own URL
            with opener.open(request, timeout=METADATA_TIMEOUT_S) as answer:
                return str(answer.read().decode())
        except OSError:
            if attempt == METADATA_TRIES - 1:
                raise
            time.sleep(0.2 * 2**attempt)
    raise AssertionError("unreachable")


def _profile(environment: Mapping[str, str]) -> dict[str, str]:
    """The profile's keys and region, of both files that the aws CLI writes."""
    from configparser import ConfigParser, Error

    name = environment.get("AWS_PROFILE") or environment.get("AWS_DEFAULT_PROFILE") or "default"
    home = os.path.expanduser("~")  # noqa: PTH111  # pathlib takes 5 ms to import
    credentials_file = environment.get("AWS_SHARED_CREDENTIALS_FILE", home + "/.aws/credentials")
    config = environment.get("AWS_CONFIG_FILE", home + "/.aws/config")
    settings: dict[str, str] = {}
    for file, section in ((config, f"profile {name}"), (config, name), (credentials_file, name)):
        parser = ConfigParser(interpolation=None)
        try:
            parser.read(file, encoding="utf-8")
        except (Error, UnicodeDecodeError):
            continue
        if parser.has_section(section):
            settings.update(parser[section])
    return settings


def _epoch(text: str | None) -> float:
    """Seconds since 1970 of 2026-01-31T23:59:59Z."""
    if not text:
        return float("inf")
    from calendar import timegm

    try:
        return timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return time.time() + 2 * EXPIRY_MARGIN_S
