"""`batchrelay doctor`: whether AWS does what our docs assume of it, shown in an account."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any, TextIO

import click
from botocore.exceptions import BotoCoreError
from rich.console import Console

from batchrelay.domain.values import counted
from batchrelay.prices import Unknown
from batchrelay_cli.doctor.cost import upper_bound
from batchrelay_cli.doctor.live import LivePort
from batchrelay_cli.doctor.making import Leftover
from batchrelay_cli.doctor.permissions import MissingPermissions
from batchrelay_cli.doctor.place import Place
from batchrelay_cli.doctor.port import CallFailed
from batchrelay_cli.doctor.probe import Probe, Row, Verdict
from batchrelay_cli.doctor.registry import WITHOUT_PROBE
from batchrelay_cli.doctor.run_probes import run_replay
from batchrelay_cli.doctor.session import Session
from batchrelay_cli.doctor.table import document, exit_code, summary, table_of
from batchrelay_cli.doctor.transcript import TranscriptWriter, read_transcript
from batchrelay_cli.errors import UsageProblem
from batchrelay_cli.stack.access import is_loopback
from batchrelay_cli.stack.client import (
    InvalidSettingsError,
    endpoint_of,
    environment_clients,
    local_client_factory,
)
from batchrelay_cli.stack.local_lifetime import end_with
from batchrelay_cli.terminal import console
from batchrelay_cli.verbs.options import echo_json, output_option, prices_option, read_prices
from batchrelay_local.launch import CloudError, LocalCloud

MAX_CENTS = 25
"""What doctor may cost by default; it counts with about a third of it."""

FILE_WIDTH = 160
"""Columns of a table that is not written to a terminal."""

ID_BYTES = 5
"""Of the random part of every name: a bucket's is unique in the world."""


@click.command(epilog="Example: batchrelay doctor --account --max-cents 20")
@click.option("--account", "in_account", is_flag=True, help="In the account of your AWS settings.")
@click.option(
    "--replay",
    "replay_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The table of a transcript, without a call.",
)
@click.option(
    "--transcript",
    "transcript_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where every call is written; doctor-TIME.jsonl by default.",
)
@click.option(
    "--max-cents",
    type=click.IntRange(0),
    default=MAX_CENTS,
    show_default=True,
    help="Start nothing that may cost more.",
)
@click.option("--yes", is_flag=True, help="Do not ask before anything is made.")
@click.option("--subnets", default="", metavar="ID[,…]", help="The default VPC's by default.")
@click.option(
    "--security-groups", default="", metavar="ID[,…]", help="The VPC's default group by default."
)
@prices_option
@output_option
def doctor(
    in_account: bool,
    replay_path: Path | None,
    transcript_path: Path | None,
    output: str,
    **options: Any,
) -> None:
    """Ask AWS what its documentation leaves open, and compare with what our docs assume.

    On a local cloud, or with --account for cents in an account, with resources of its own that it
    removes. Exit codes: 0 as assumed, 4 something differs, 1 a probe failed or something is left.
    """
    screen = console(stderr=True, soft_wrap=True)
    leftovers: list[Leftover] = []
    if replay_path is not None:
        if in_account or transcript_path is not None:
            raise UsageProblem("--replay calls nothing: leave --account and --transcript out")
        rows = run_replay(read_transcript(replay_path))
    else:
        with _clients(in_account, screen) as make_client:
            region = str(make_client("batch").meta.region_name)
            _check_price(region, in_account, options, screen)
            rows, leftovers = _asked(
                make_client, region, in_account, transcript_path, options, screen
            )  # fmt: skip
    if output == "json":
        echo_json(document(rows))
    else:
        console(width=_width()).print(table_of(rows))
        for number, why in WITHOUT_PROBE.items():
            console(soft_wrap=True).print(f"{number} is not asked: {why}")
        console().print(summary(rows))
    raise SystemExit(exit_code(rows, has_leftovers=bool(leftovers)))


def _asked(
    make_client: Callable[..., Any],
    region: str,
    in_account: bool,
    path: Path | None,
    options: dict[str, Any],
    screen: Console,
) -> tuple[tuple[Row, ...], list[Leftover]]:
    place = Place(id=token_hex(ID_BYTES), is_local=not in_account)
    with _new_file(path) as file:
        screen.print(f"transcript: {file.name}")
        port = LivePort(make_client, TranscriptWriter(file, place, region))
        session = Session(
            port=port,
            place=place,
            region=region,
            say=screen.print,
            subnets=_listed(options["subnets"]),
            security_groups=_listed(options["security_groups"]),
        )
        try:
            rows = session.run(lambda probe, rows: screen.print(_line(probe, rows)))
            port.finish()
        except MissingPermissions as error:
            raise _refused(error, screen) from None
        except CallFailed as error:
            is_gone = place.is_local and error.code == "EndpointConnectionError"
            advice = ": start it again, or unset AWS_ENDPOINT_URL for a new one" if is_gone else ""
            raise UsageProblem(f"{error}{advice}") from None
        finally:
            for leftover in session.leftovers:
                screen.print(f"not removed: {leftover.what}: {leftover.why}")
                screen.print(f"  remove it: {leftover.command}")
    return rows, session.leftovers


def _refused(error: MissingPermissions, screen: Console) -> UsageProblem:
    """Each permission in a line of its own."""
    for entry in error.missing:
        screen.print(f"missing permission: {entry.action} on {entry.resource}")
    more = (
        "" if error.is_complete else "; there may be more (iam:SimulatePrincipalPolicy is denied)"
    )
    return UsageProblem(f"{counted(len(error.missing), 'permissions')} missing{more}")


def _line(probe: Probe, rows: Sequence[Row]) -> str:
    """Progress: one line for each probe, as it ends."""
    verdicts = {row.verdict for row in rows}
    worst = next(
        verdict
        for verdict in (Verdict.DIFFERS, Verdict.NOT_OBSERVABLE, Verdict.AS_ASSUMED)
        if verdict in verdicts
    )
    return f"{probe.number:4} {worst}: {probe.question}"


# --- where


@contextmanager
def _clients(in_account: bool, screen: Console) -> Iterator[Callable[..., Any]]:
    """Of the account; or of the local cloud that is up, or of one that ends with this."""
    endpoint = _endpoint(in_account)
    if in_account and is_loopback(endpoint):
        raise UsageProblem(
            "AWS_ENDPOINT_URL is a local cloud, not an account: unset it, or leave --account out"
        )
    if in_account or is_loopback(endpoint):
        yield environment_clients()
        return
    with tempfile.TemporaryDirectory(prefix="batchrelay-doctor-") as folder:
        cloud = _own_cloud(Path(folder), screen)
        try:
            yield local_client_factory(cloud.environment)
        finally:
            cloud.stop()


def _endpoint(in_account: bool) -> str:
    """Where calls of AWS Batch would go; without settings nowhere. Raises: UsageProblem."""
    try:
        return endpoint_of("batch")
    except (BotoCoreError, InvalidSettingsError) as error:
        if in_account:
            reason = str(error).rstrip(".")
            raise UsageProblem(f"{reason}: set AWS_REGION and AWS_PROFILE") from None
        return ""


def _own_cloud(folder: Path, screen: Console) -> LocalCloud:
    try:
        cloud = LocalCloud.start(directory=folder, stack=False)
    except CloudError as error:
        raise UsageProblem(str(error)) from None
    end_with(cloud, screen)
    screen.print(f"local cloud at {cloud.endpoint}")
    return cloud


def _check_price(
    region: str, in_account: bool, options: Mapping[str, Any], screen: Console
) -> None:  # fmt: skip
    """Say what it may cost, and ask. Raises: UsageProblem, if it is not to be started."""
    bound = upper_bound(read_prices(options["prices"]), region)
    if isinstance(bound, Unknown):
        if in_account:
            raise UsageProblem(f"{bound.reason}: write the region's into a file for --prices")
        return
    most = f"at most {bound.cents:.1f} cents in {region} ({bound.attempts} attempts on Fargate)"
    if not in_account:
        screen.print(f"no cost: a local cloud; in an account {most}")
        return
    screen.print(f"cost: {most}; prices: {bound.source}")
    if bound.cents > options["max_cents"]:
        raise UsageProblem(
            f"it may cost more than --max-cents {options['max_cents']}: nothing was started"
        )
    if options["yes"]:
        return
    if not sys.stdin.isatty():
        raise UsageProblem("write --yes where no one can be asked: nothing was started")
    if not click.confirm("Make its resources, and remove them at the end?", err=True):
        raise UsageProblem("nothing was started")


@contextmanager
def _new_file(path: Path | None) -> Iterator[TextIO]:
    """A transcript is never written over another. Raises: UsageProblem."""
    target = path or Path(f"doctor-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl")
    try:
        # half a character is an escape, which is JSON
        file = target.open("x", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageProblem(f"--transcript {target}: {error.strerror}") from None
    try:
        with file:
            yield file
    except OSError as error:
        raise UsageProblem(f"{target} cannot be written: {error.strerror}") from None


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (entry.strip() for entry in text.split(","))))


def _width() -> int | None:
    """Of the terminal; wide where the table is written into a file."""
    return None if sys.stdout.isatty() else FILE_WIDTH
