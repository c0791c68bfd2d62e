"""Consumable resources of AWS Batch. Every call may be repeated, so botocore repeats it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.config import Config

from batchrelay.adapters.client_errors import AWS_ERRORS, classified
from batchrelay.adapters.clients import aws_client
from batchrelay.domain.consumable_resources import ConsumableResource
from batchrelay.domain.errors import Ambiguous, Denied, Refused

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

TRIES = 2
CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 1, 2
"""Seconds: a submission that comes after it has its own 20 of EFFECT_S_MAX."""


@dataclass
class BatchConsumableResources:
    """Consumable resources of an account."""

    @cached_property
    def _client(self) -> BatchClient:
        soon = Config(
            retries={"total_max_attempts": TRIES, "mode": "standard"},
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
        )
        client: BatchClient = aws_client("batch", config=soon)
        return client

    def ensure(self, resource: ConsumableResource) -> None:
        """What is refused may be there: AWS Batch has no code for that, so it is looked up."""
        try:
            self._client.create_consumable_resource(
                consumableResourceName=resource.name,
                totalQuantity=resource.units,
                resourceType="REPLENISHABLE",
            )
        except AWS_ERRORS as error:
            problem = classified(error)
            if not isinstance(problem, Refused) or isinstance(problem, Denied):
                raise problem from error
            if not self._is_there(resource.name):
                raise problem from error

    def _is_there(self, name: str) -> bool:
        try:
            self._client.describe_consumable_resource(consumableResource=name)
        except AWS_ERRORS as error:
            problem = classified(error)
            if isinstance(problem, Refused) and not isinstance(problem, Denied):
                return False
            raise problem from error
        return True

    def names(self, prefix: str) -> tuple[str, ...]:
        """The filter ignores case; names are compared again here.

        Source: ListConsumableResources, filters.
        """
        try:
            pages = self._client.get_paginator("list_consumable_resources").paginate(
                filters=[{"name": "CONSUMABLE_RESOURCE_NAME", "values": [f"{prefix}*"]}]
            )
            listed = [entry for page in pages for entry in page["consumableResources"]]
        except AWS_ERRORS as error:  # whatever it was: it stays pending
            raise Ambiguous(str(error)) from error
        names = (entry["consumableResourceName"] for entry in listed)
        return tuple(name for name in names if name.startswith(prefix))

    def delete(self, name: str) -> None:
        try:
            self._client.delete_consumable_resource(consumableResource=name)
        except AWS_ERRORS as error:
            problem = classified(error)
            if isinstance(problem, Refused) and not isinstance(problem, Denied):
                return  # another process was faster
            raise Ambiguous(str(problem)) from error
