"""What a container used and where it runs is read from cgroups and from ECS; or it is absent."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from batchrelay_worker import usage
from batchrelay_worker.usage import Container, Usage, is_metadata_url, place_of, program_usage

IN_ECS = {usage.METADATA: "http://169.254.170.2/v4/abc"}
V2 = {
    "cgroup.controllers": "cpu memory\n",
    "memory.peak": "536870912\n",
    "memory.events": "low 0\nhigh 0\nmax 7\noom 4\noom_kill 2\noom_group_kill 0\n",
    "cpu.stat": "usage_usec 12345678\nuser_usec 1\nnr_throttled 3\nthrottled_usec 500000\n",
}
V1 = {
    "memory/memory.max_usage_in_bytes": "536870912\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    "cpuacct/cpuacct.usage": "12345678000\n",
    "cpu/cpu.stat": "nr_periods 9\nnr_throttled 3\nthrottled_time 500000000\n",
}
BOTH = {"peak": 512 * 1_024, "oom": 2, "cpu": 12.346, "throttled": 0.5}
FARGATE = {
    "Cluster": "c",
    "TaskARN": "arn:aws:ecs:eu-west-1:111122223333:task/c/5ffff",
    "Limits": {"CPU": 0.25, "Memory": 512},
    "AvailabilityZone": "eu-west-1b",
    "LaunchType": "FARGATE",
    "Containers": [{"DockerId": "d", "Limits": {"CPU": 2}}],
}
EC2 = {
    "TaskARN": "arn:aws:ecs:us-west-2:111122223333:task/default/158d1",
    "AvailabilityZone": "us-west-2d",
    "LaunchType": "EC2",
    "Containers": [{"DockerId": "d", "Limits": {"CPU": 2048, "Memory": 4096}}],
}
MACHINE = os.uname().machine


def container(
    tmp_path: Path, files: dict[str, str], own: str = "0::/\n", below: str = ""
) -> Container:
    for name, text in files.items():
        file = tmp_path / "cgroup" / (name if name == "cgroup.controllers" else below + name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "own").write_text(own)
    return Container(IN_ECS, str(tmp_path / "cgroup"), str(tmp_path / "own"))


def test_the_second_version_of_cgroups_is_read(tmp_path: Path) -> None:
    assert container(tmp_path, V2).usage() == BOTH


def test_the_first_version_is_read_where_there_is_only_that(tmp_path: Path) -> None:
    own = "4:memory:/ecs/x/y\n3:cpu,cpuacct:/ecs/x/y\n"
    assert container(tmp_path, V1, own).usage() == BOTH


def test_a_container_that_sees_the_machines_cgroups_reads_its_own(tmp_path: Path) -> None:
    (tmp_path / "cgroup").mkdir()
    (tmp_path / "cgroup/memory.peak").write_text("999999999999\n")
    assert container(tmp_path, V2, "0::/ecs/x\n", below="ecs/x/").usage() == BOTH


def test_a_path_that_leads_outside_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/memory.peak").write_text("1024000\n")
    assert container(tmp_path, V2, "0::/../other\n").usage() == BOTH


def test_what_cannot_be_read_is_absent_and_no_kill_is_zero(tmp_path: Path) -> None:
    files = {**V2, "memory.events": "oom_kill 0\n", "cpu.stat": "usage_usec x\n"}
    del files["memory.peak"]
    assert container(tmp_path, files).usage() == {"oom": 0}
    assert container(tmp_path, {**V2, "memory.peak": "0\n"}).usage().get("peak") is None
    assert Container(IN_ECS, str(tmp_path / "no"), str(tmp_path / "no")).usage() == {}


def test_outside_of_ecs_a_cgroup_may_be_of_many_jobs(tmp_path: Path) -> None:
    container(tmp_path, V2)
    outside = Container({}, str(tmp_path / "cgroup"), str(tmp_path / "own"))
    assert (outside.usage(), outside.oom_kills()) == ({}, None)
    assert Usage({}).so_far(is_last=True) == {}


def test_memory_is_in_bytes_on_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    used = SimpleNamespace(ru_maxrss=2_048, ru_utime=1.25, ru_stime=0.5)
    monkeypatch.setattr(sys, "platform", "linux")
    assert program_usage(used) == {"cpu": 1.75, "rss": 2_048}
    monkeypatch.setattr(sys, "platform", "darwin")
    assert program_usage(used) == {"cpu": 1.75, "rss": 2}


# --- the endpoint


def test_a_task_on_fargate_has_limits_of_its_own() -> None:
    assert place_of(FARGATE) == {
        "vcpus": 0.25,
        "mib": 512,
        "az": "eu-west-1b",
        "launch": "FARGATE",
        "region": "eu-west-1",
        "arch": MACHINE,
    }


def test_a_task_on_ec2_has_those_of_its_container() -> None:
    assert place_of(EC2) == {
        "vcpus": 2.0,
        "mib": 4_096,
        "az": "us-west-2d",
        "launch": "EC2",
        "region": "us-west-2",
        "arch": MACHINE,
    }


@pytest.mark.parametrize(
    "task",
    [
        {**EC2, "Containers": [*EC2["Containers"], {"DockerId": "e"}]},
        {**EC2, "Containers": [None]},
        {**EC2, "Containers": 7},
        {**EC2, "Limits": {"CPU": "2", "Memory": 0}},
        {**EC2, "Containers": [{"Limits": {"CPU": 0, "Memory": 0}}]},
    ],
)
def test_limits_that_are_not_clear_are_absent(task: Any) -> None:
    place = place_of(task)
    assert "vcpus" not in place
    assert "mib" not in place
    assert place["az"] == "us-west-2d"


@pytest.mark.parametrize("task", [None, [], "text", 7])
def test_an_answer_of_another_shape_says_nothing(task: Any) -> None:
    assert place_of(task) == {}


def test_texts_are_short_and_texts() -> None:
    task = {"TaskARN": 7, "AvailabilityZone": "x" * 5_000, "LaunchType": ["EC2"]}
    assert place_of(task) == {"az": "x" * 40, "arch": MACHINE}


@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        ("http://169.254.170.2/v4/abc", True),
        ("http://127.0.0.1:5000/v4/abc", True),
        ("https://169.254.170.2/v4/abc", False),
        ("http://169.254.170.2.example.com/v4", False),
        ("http://169.254.170.2@example.com/v4", False),
        ("http://example.com/v4", False),
        ("http://[fe80::1/v4", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_only_the_endpoint_that_ecs_gives_is_asked(url: str, is_one: bool) -> None:
    assert is_metadata_url(url) is is_one


def test_no_thread_is_started_for_another_url() -> None:
    before = threading.active_count()
    Usage({usage.METADATA: "http://example.com/v4"})
    assert threading.active_count() == before
