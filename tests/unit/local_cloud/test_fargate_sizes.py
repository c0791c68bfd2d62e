"""The sizes that Fargate has, as the model of AWS Batch lists them."""

from __future__ import annotations

import re
from typing import Any

import botocore.session

from batch_local.containers.requirements import FARGATE_MEMORY_MIB
from batchrelay.domain.sizing import FARGATE_MIB


def sizes_of_model() -> dict[str, set[int]]:
    """MiB by vCPUs: `value = 1  MEMORY = 2048, 3072, or 8192`."""
    model = botocore.session.get_session().get_service_model("batch")
    shape: Any = model.shape_for("ResourceRequirement")
    text = shape.members["value"].documentation
    words = re.sub(r"<[^>]+>|\s+", " ", text)
    lists = re.findall(r"value = ([0-9.]+)\s+MEMORY\s+= ([0-9, or]+)", words)
    return {vcpus: set(map(int, re.findall(r"[0-9]+", memory))) for vcpus, memory in lists}


def test_the_advice_and_the_local_cloud_know_every_size_of_the_model() -> None:
    sizes = sizes_of_model()
    assert "32" in sizes
    assert {vcpus: set(memory) for vcpus, memory in FARGATE_MIB.items()} == sizes
    assert {vcpus: set(memory) for vcpus, memory in FARGATE_MEMORY_MIB.items()} == sizes
