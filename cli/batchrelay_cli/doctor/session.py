"""One call of doctor on a cloud: permissions, resources, probes, removal, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from batchrelay.domain.errors import InputError
from batchrelay_cli.doctor.events_thread import receiving
from batchrelay_cli.doctor.live import LivePort
from batchrelay_cli.doctor.making import Leftover, Making, Network
from batchrelay_cli.doctor.permissions import (
    Account,
    MissingPermissions,
    check_permissions,
    permission_of,
)
from batchrelay_cli.doctor.place import Place
from batchrelay_cli.doctor.port import CallFailed
from batchrelay_cli.doctor.probe import Row
from batchrelay_cli.doctor.resources import NotReady
from batchrelay_cli.doctor.run_probes import Report, run_live

LOCAL_NETWORK = Network(subnets=("subnet-local",), security_groups=("sg-local",))
"""A local cloud has no EC2: its compute environments ask for subnets, and look at none."""


class NoNetwork(InputError):
    """There is no default VPC, and no subnets were named."""


class NotMade(InputError):
    """AWS did not make what the probes need."""


@dataclass(kw_only=True)
class Session:
    """One call of doctor. `run` leaves nothing behind but `leftovers`."""

    port: LivePort
    place: Place
    region: str
    say: Callable[[str], None]
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    leftovers: list[Leftover] = field(default_factory=list)
    _is_interrupted: bool = False

    def run(self, on_end: Report) -> tuple[Row, ...]:
        """The table. Raises: MissingPermissions, NoNetwork, NotMade, CallFailed."""
        caller_arn = self.port.identify()
        partition = caller_arn.split(":")[1]
        if not self.place.is_local:
            account = Account(partition=partition, number=self.port.account, region=self.region)
            check_permissions(self.port.aws, self.place, account, caller_arn)
        network = self._network()
        making = Making(
            aws=self.port.aws, place=self.place, region=self.region, partition=partition
        )  # fmt: skip
        try:
            self.say(f"making {self.place.name}-…")
            queue = making.make_all(network)
            self.port.wait(self.place.propagation_s)
            with receiving(self.port, queue.url):
                return run_live(self.port, self.place, on_end)
        except CallFailed as error:
            if error.is_denied:
                raise MissingPermissions([permission_of(error)], is_complete=False) from None
            raise NotMade(str(error)) from None
        except NotReady as error:
            raise NotMade(str(error)) from None
        except KeyboardInterrupt:
            self._is_interrupted = True
            raise
        finally:
            self._remove(making)

    def _remove(self, making: Making) -> None:
        """After a first interrupt it goes on; a second one names what is left.

        Raises: KeyboardInterrupt.
        """
        try:
            try:
                self.say(f"removing {self.place.name}-…")
            finally:  # also if what reads its lines has gone
                self.leftovers.extend(making.remove_all())
        except KeyboardInterrupt:
            if self._is_interrupted:
                self.leftovers.extend(making.names())
                raise
            self._is_interrupted = True
            self._remove(making)
            raise

    def _network(self) -> Network:
        """What was named, or that of the default VPC. Raises: NoNetwork, CallFailed."""
        if self.place.is_local:
            return LOCAL_NETWORK
        subnets = tuple(self.subnets) or self._default_subnets()
        groups = tuple(self.security_groups) or self._group_of(subnets[0])
        return Network(subnets=subnets, security_groups=groups)

    def _default_subnets(self) -> tuple[str, ...]:
        filters = [{"Name": "default-for-az", "Values": ["true"]}]
        answer = self.port.aws("ec2", "DescribeSubnets", Filters=filters)
        subnets = tuple(subnet["SubnetId"] for subnet in answer["Subnets"])
        if not subnets:
            raise NoNetwork(
                f"{self.region} has no default VPC: name subnets that reach the internet with "
                "--subnets, such as --subnets subnet-0123456789abcdef0"
            )
        return subnets

    def _group_of(self, subnet: str) -> tuple[str, ...]:
        """The default group of the subnet's VPC; it lets jobs reach the image's registry."""
        answer = self.port.aws("ec2", "DescribeSubnets", SubnetIds=[subnet])
        filters = [
            {"Name": "vpc-id", "Values": [answer["Subnets"][0]["VpcId"]]},
            {"Name": "group-name", "Values": ["default"]},
        ]
        answer = self.port.aws("ec2", "DescribeSecurityGroups", Filters=filters)
        return tuple(group["GroupId"] for group in answer["SecurityGroups"])
