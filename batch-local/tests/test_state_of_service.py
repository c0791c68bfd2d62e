"""The state in a folder, without a port: what it brings about again is equal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from batch_local.assumptions import DOCUMENTED
from batch_local.service import BatchService
from batch_local.state import State
from machines import call, create, ended, submit


@contextmanager
def service_of(folder: Path, scratch: Path) -> Iterator[BatchService]:
    scratch.mkdir()
    service = BatchService(
        folder=scratch,
        environment={"PATH": "/usr/bin:/bin"},
        publish=lambda _: None,
        state=State(folder, "0", DOCUMENTED),
    )
    try:
        yield service
    finally:
        service.stop(immediately=True)


def test_the_past_happens_again_and_goes_on(tmp_path: Path) -> None:
    with service_of(tmp_path, tmp_path / "first") as service:
        create(service)
        printed = {"command": ["echo", "one"]}
        _, answer = submit(service, arrayProperties={"size": 2}, containerOverrides=printed)
        ended(service, answer["jobId"])
        child = f"{answer['jobId']}:1"
        before, log = service.jobs(), service.log(child)
        _, slow = submit(service, containerOverrides={"command": ["sleep", "60"]})
        while service.jobs()[-1]["status"] != "RUNNING":
            time.sleep(0.01)
        time.sleep(0.01)  # else a request could have the time of the one before
    with service_of(tmp_path, tmp_path / "second") as service:
        assert service.jobs()[:-1] == before
        assert service.log(child) == log == ["one"]
        job = ended(service, slow["jobId"])
        call(service, "canceljob", jobId=job["jobId"], reason="it has ended")
    assert (job["status"], job["statusReason"][:8]) == ("FAILED", "Host EC2")
