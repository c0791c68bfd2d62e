"""A stranger can do nothing with a local cloud; what is correctly signed passes."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.auth import HmacV1QueryAuth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from batchrelay_local.launch import CloudError, LocalCloud, _cloud_environment
from tests.conftest import client_of
from tests.functional.local_cloud.attack import (
    PAGE,
    Attempt,
    Outcome,
    attempts,
    presigned,
    send,
    signed,
)

pytestmark = pytest.mark.cloud

LIST_TABLES = Attempt(
    name="ListTables",
    method="POST",
    headers={
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "DynamoDB_20120810.ListTables",
    },
    body=b"{}",
)


def test_a_stranger_can_do_nothing(cloud: LocalCloud, tmp_path: Path) -> None:
    marker = tmp_path / "written"
    answers = {
        attempt.name: send(cloud.endpoint, attempt)
        for attempt in attempts(cloud.endpoint, cloud.outputs["ApiUrl"], marker)
    }
    assert len(answers) == 26
    assert {name: (a.status, a.cors) for name, a in answers.items()} == dict.fromkeys(
        answers, (403, "")
    )
    assert not marker.exists()
    functions = client_of(cloud, "lambda").list_functions()["Functions"]
    assert "attack" not in [function["FunctionName"] for function in functions]


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Origin": PAGE}, "requests of other sites"),
        ({"Origin": "null"}, "requests of other sites"),
        ({"Origin": "http://localhost:3000"}, "requests of other sites"),
        ({"Sec-Fetch-Site": "cross-site"}, "requests of other sites"),
        ({"Sec-Fetch-Site": "same-site"}, "requests of other sites"),
    ],
)
def test_a_page_is_refused_even_with_a_signature(
    cloud: LocalCloud, headers: dict[str, str], words: str
) -> None:
    request = signed(cloud.endpoint, LIST_TABLES, "dynamodb", cloud.environment)
    answer = send(cloud.endpoint, replace(request, headers={**request.headers, **headers}))
    assert answer.status == 403
    assert words in json.loads(answer.body)["message"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""])
def test_a_name_that_is_not_loopback_is_refused(cloud: LocalCloud, host: str) -> None:
    port = urlsplit(cloud.endpoint).port
    named = replace(LIST_TABLES, headers={**LIST_TABLES.headers, "Host": f"{host}:{port}"})
    request = signed(cloud.endpoint, named, "dynamodb", cloud.environment)
    assert send(cloud.endpoint, request).status == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_loopback_name_is_taken(cloud: LocalCloud, host: str) -> None:
    endpoint = f"http://{host}:{urlsplit(cloud.endpoint).port}"
    request = signed(endpoint, LIST_TABLES, "dynamodb", cloud.environment)
    named = {**request.headers, "Host": urlsplit(endpoint).netloc}
    answer = send(cloud.endpoint, replace(request, headers=named))
    assert answer.status == 200


def test_the_same_origin_may_ask(cloud: LocalCloud) -> None:
    """A page that the cloud itself has served."""
    request = signed(cloud.endpoint, LIST_TABLES, "dynamodb", cloud.environment)
    own = {**request.headers, "Origin": cloud.endpoint, "Sec-Fetch-Site": "same-origin"}
    assert send(cloud.endpoint, replace(request, headers=own)).status == 200


@pytest.mark.parametrize("path", ["/_ministack/health", "/_localstack/health", "/health"])
def test_the_emulators_own_routes_are_closed_to_all(cloud: LocalCloud, path: str) -> None:
    attempt = Attempt(name=path, path=path)
    assert (
        send(cloud.endpoint, signed(cloud.endpoint, attempt, "s3", cloud.environment)).status == 403
    )


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("s3", "list_buckets", "SignatureDoesNotMatch"),
        ("iam", "list_users", "SignatureDoesNotMatch"),
        ("dynamodb", "list_tables", "InvalidSignatureException"),
        ("batch", "describe_job_queues", "InvalidSignatureException"),
        ("lambda", "list_functions", "InvalidSignatureException"),
    ],
)
def test_a_wrong_secret_is_refused_in_the_shape_of_the_service(
    cloud: LocalCloud, service: str, operation: str, code: str
) -> None:
    client = client_of(cloud, service)
    client._request_signer._credentials.secret_key = "wrong"
    with pytest.raises(ClientError) as raised:
        getattr(client, operation)()
    assert raised.value.response["Error"]["Code"] == code
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_keys_of_another_cloud_are_refused_with_what_to_do(cloud: LocalCloud) -> None:
    client = client_of(cloud, "sts")
    client._request_signer._credentials.access_key = "LOCLOFANOTHERCLOUD00"
    with pytest.raises(ClientError, match="Use the export lines that `batchrelay local up` prints"):
        client.get_caller_identity()


def test_credentials_of_the_clouds_sts_sign_requests(cloud: LocalCloud) -> None:
    made = client_of(cloud, "sts").assume_role(
        RoleArn="arn:aws:iam::000000000000:role/r", RoleSessionName="session"
    )["Credentials"]
    environment = {
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
    }
    assert (
        send(cloud.endpoint, signed(cloud.endpoint, LIST_TABLES, "dynamodb", environment)).status
        == 200
    )
    environment["AWS_SECRET_ACCESS_KEY"] = "wrong"
    assert (
        send(cloud.endpoint, signed(cloud.endpoint, LIST_TABLES, "dynamodb", environment)).status
        == 403
    )


def test_presigned_urls_of_both_versions_work_and_expire(cloud: LocalCloud) -> None:
    s3 = client_of(cloud, "s3")
    s3.create_bucket(Bucket="presigned")
    key = "k/ä+ü %//~x"
    s3.put_object(Bucket="presigned", Key=key, Body=b"hello", Metadata={"word": "a  b"})
    version_2 = s3.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": key})
    assert "AWSAccessKeyId=" in version_2, "boto3's default in us-east-1"
    assert get(cloud, version_2).body == b"hello"
    assert get(cloud, version_2.replace("/presigned/", "/other/")).status == 403
    assert get(cloud, version_2.replace("Expires=", "Expires=1")).status == 403
    bucket = Attempt(name="list", path="/presigned?list-type=2")
    version_4 = presigned(cloud.endpoint, bucket, cloud.environment)
    assert send(cloud.endpoint, version_4).status == 200
    past = presigned(cloud.endpoint, bucket, cloud.environment, expires=-1)
    assert send(cloud.endpoint, past).status == 403


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ASSUME = "Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/r&RoleSessionName=s"
ELSEWHERE: dict[str, Attempt] = {
    "by a parameter": Attempt(name="", path=f"&Version=2011-06-15&{ASSUME}"),
    "by a form": Attempt(name="", headers=FORM, path="", body=ASSUME.encode()),
    "by a second signature": Attempt(
        name="", path="", headers={"Authorization": "Credential=a/b/us-east-1/sts/aws4_request"}
    ),
}


@pytest.mark.parametrize("version", ["s3-query", "s3v4"])
@pytest.mark.parametrize("way", ELSEWHERE)
def test_a_presigned_url_of_s3_reaches_no_other_service(
    cloud: LocalCloud, version: str, way: str
) -> None:
    """The URL of one object must not give away the keys of the cloud."""
    keys = Credentials(cloud.access_key, cloud.secret)
    signers = {
        "s3-query": HmacV1QueryAuth(keys, expires=60),
        "s3v4": S3SigV4QueryAuth(keys, "s3", "us-east-1", expires=60),
    }
    request = AWSRequest("GET", f"{cloud.endpoint}/bucket/key", headers={})
    if version == "s3-query" and way == "by a form":
        request.headers["Content-Type"] = FORM["Content-Type"]
    signers[version].add_auth(request)
    changed = ELSEWHERE[way]
    assert request.url is not None
    sent = replace(changed, path=request.url.removeprefix(cloud.endpoint) + changed.path)
    answer = send(cloud.endpoint, sent)
    assert answer.status == 403
    assert b"AccessKeyId" not in answer.body


def test_an_object_may_be_uploaded_as_curl_does_by_default(cloud: LocalCloud) -> None:
    """With the type of a form, and a body that is no form."""
    client_of(cloud, "s3").create_bucket(Bucket="curled")
    url = presigned(
        cloud.endpoint, Attempt(name="", method="PUT", path="/curled/key"), cloud.environment
    )
    assert send(cloud.endpoint, replace(url, headers=FORM, body=b"a=b")).status == 200


def get(cloud: LocalCloud, url: str) -> Outcome:
    return send(cloud.endpoint, Attempt(name="get", path=url.removeprefix(cloud.endpoint)))


def test_a_service_that_batchrelay_does_not_need_is_off(cloud: LocalCloud) -> None:
    with pytest.raises(
        ClientError, match="the service ecr is off: local up --services ecr adds it"
    ):
        client_of(cloud, "ecr").describe_repositories()


def test_a_service_that_is_not_known_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(CloudError, match="there is no service nosuch; known: account, acm"):
        LocalCloud.start(directory=tmp_path, services=["nosuch"])


def test_an_origin_of_every_page_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(CloudError, match=r"'\*' is not the origin of one web page"):
        LocalCloud.start(directory=tmp_path, allowed_origins=["*"])


def test_its_folder_is_the_users_alone_and_nothing_is_left_elsewhere(cloud: LocalCloud) -> None:
    folder = Path(cloud.folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / "state").is_dir(), "what MiniStack would leave in a shared folder"


def test_the_cloud_inherits_no_token() -> None:
    user = {"PATH": "/bin", "HOME": "/h", "GITHUB_TOKEN": "t", "AWS_PROFILE": "p", "API_KEY": "k"}
    assert _cloud_environment(user, "/f") == {"PATH": "/bin", "HOME": "/h", "TMPDIR": "/f"}


def test_a_function_inherits_no_token(tmp_path: Path) -> None:
    """What the workers of the stack's functions are started with, read by the kernel's own list."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT_TOKENS, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    processes, with_token = done.stdout.split()
    assert int(processes) >= 5, "the cloud, its guard, the fork server with its tracker, a worker"
    assert with_token == "0"


COUNT_TOKENS = """
import os, sys
from pathlib import Path
os.environ["GITHUB_TOKEN"] = "token-of-the-user"
from batchrelay_cli.stack.client import local_client_factory
from batchrelay_local.launch import LocalCloud
cloud = LocalCloud.start(directory=Path(sys.argv[1]))
try:
    functions = local_client_factory(cloud.environment)("lambda")
    functions.invoke(FunctionName=cloud.outputs["ReconcileName"], Payload=b"{}")
    numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    processes = [str(n) for n in numbers if os.getsid(n) == cloud.process.pid]
    environments = [Path("/proc", p, "environ").read_bytes() for p in processes]
    print(len(environments), sum(b"token-of-the-user" in e for e in environments))
finally:
    cloud.stop()
"""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A cloud that is open to one page."""
    cloud = LocalCloud.start(
        directory=tmp_path_factory.mktemp("sandbox"),
        stack=False,
        services=["states"],
        allowed_origins=["http://localhost:3000"],
    )
    yield cloud
    cloud.stop()


def test_an_allowed_page_may_send_signed_requests(sandbox: LocalCloud) -> None:
    page = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}
    asked = {**page, "Access-Control-Request-Headers": "authorization,x-amz-date"}
    preflight = send(sandbox.endpoint, Attempt(name="preflight", method="OPTIONS", headers=asked))
    assert (preflight.status, preflight.cors) == (204, "http://localhost:3000")
    request = signed(sandbox.endpoint, LIST_TABLES, "dynamodb", sandbox.environment)
    sent = replace(request, headers={**request.headers, **page})
    answer = send(sandbox.endpoint, sent)
    assert (answer.status, answer.cors) == (200, "http://localhost:3000")
    unsigned = replace(LIST_TABLES, headers={**LIST_TABLES.headers, **page})
    assert send(sandbox.endpoint, unsigned).status == 403
    other = Attempt(name="preflight", method="OPTIONS", headers={**asked, "Origin": PAGE})
    assert (send(sandbox.endpoint, other).status, send(sandbox.endpoint, other).cors) == (403, "")


def test_an_added_service_is_on(sandbox: LocalCloud) -> None:
    assert client_of(sandbox, "stepfunctions").list_state_machines()["stateMachines"] == []


def test_an_open_cloud_requires_no_signature(tmp_path: Path) -> None:
    cloud = LocalCloud.start(directory=tmp_path, stack=False, open=True)
    try:
        answer = send(cloud.endpoint, Attempt(name="buckets", headers={"Origin": PAGE}))
        assert (answer.status, answer.cors) == (200, "*")
    finally:
        cloud.stop()
