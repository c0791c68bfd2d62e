"""Lines of `awsbsub`, the command of AWS ParallelCluster's AWS Batch scheduler.

A line may be one of a script (`ID=$(awsbsub …)`), or of a session with the answers of the command:
`Job ID (NAME) has been submitted.` The options are those of awsbsub 3; those of 2 are among them.
Source: aws-parallelcluster, awsbatch-cli, awsbsub.py.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, NoReturn

from batchrelay.domain.containers import ALL_NODES, NODES, ONE_CONTAINER
from batchrelay_cli.adopt.draft import DEFINITION, QUEUE, Draft, Step, literal

_COMMAND = re.compile(r"(?:^|[\s`(|;&/])awsbsub(?:\s|$)", re.MULTILINE)
_SUBMITTED = re.compile(r"Job ([0-9a-f-]{36}) \(.*\) has been submitted")
_BACKTICKS = re.compile(r"`([^`]*awsbsub[^`]*)`")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_ASSIGNMENT = re.compile(r"(?:^|.*\s)?(\w+)=\$$")
_OPERATORS = frozenset("();<>|&")


def is_awsbsub(text: str) -> bool:
    """Whether a text has such a line."""
    return _COMMAND.search(text) is not None


def fill(draft: Draft, text: str, resources: tuple[str | None, str | None]) -> None:
    """A step for each call."""
    scope = _Scope(draft=draft, resources=resources)
    for number, line in _lines(text):
        submitted = _SUBMITTED.search(line)
        if submitted is not None and draft.steps:
            scope.names[submitted[1]] = draft.steps[-1].name
        elif _COMMAND.search(line) is not None and not line.lstrip().startswith("#"):
            scope.read(number, line)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Each with the number of its first; a backslash at the end continues a line."""
    parts: list[str] = []
    first = 1
    for number, line in enumerate(text.splitlines(), start=1):
        first = first if parts else number
        if line.endswith("\\"):
            parts.append(line[:-1])
            continue
        yield first, " ".join([*parts, line])
        parts = []
    if parts:
        yield first, " ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call within a line."""

    words: list[str]
    variable: str | None
    """Of the shell, that has its answer."""
    stdin: str | None
    """What `echo … |` before it gives it."""


@dataclass(kw_only=True)
class _Scope:
    draft: Draft
    resources: tuple[str | None, str | None]
    names: dict[str, str] = field(default_factory=dict)
    """Steps by the ids and variables of the shell that stand for their jobs."""

    def read(self, number: int, line: str) -> None:
        try:
            tokens = _tokens(line)
        except ValueError as error:
            why = f"this is no line of a shell: {str(error).lower()}"
            self.draft.leave(number, line.strip(), why)
            return
        for call in _calls(tokens):
            try:
                options = _parser().parse_args(call.words)
            except _UnknownOption as error:
                self.draft.leave(number, f"awsbsub {' '.join(call.words)}", str(error))
                continue
            self._add(number, call, options)

    def _add(self, number: int, call: _Call, options: argparse.Namespace) -> None:
        step = Step(entry=_entry(self.draft, number, options), line=number, origin="awsbsub")
        queue, definition = self.resources
        step.entry["jobQueue"] = queue or literal(options.cluster or QUEUE)
        step.entry["jobDefinition"] = definition or literal(options.cluster or DEFINITION)
        if None in self.resources:
            why = (
                "awsbsub takes its cluster's, which ends with it: write --queue and --definition, "
                "or change them in the file"
            )
            self.draft.leave(1, "the job queue and the job definition", why)
        self._command(step, call, options)
        self._depend(step, options.depends_on)
        self._leave_rest(step, options)
        self.draft.add(step)
        if call.variable is not None:
            self.names[call.variable] = step.name

    def _command(self, step: Step, call: _Call, options: argparse.Namespace) -> None:
        words = [options.command, *options.arguments] if options.command else []
        if options.command_file and words:
            words = ["/bin/bash", *words]
            why = "the file is not copied to the job any more: put it into the image"
            self.draft.leave(step.line, f"{step.name}: --command-file", why)
        elif not words and call.stdin is not None:
            words = ["/bin/bash", "-c", call.stdin]
        if not words:
            words = ["false"]
            why = "its script comes from standard input: the step fails until you write its command"
            self.draft.leave(step.line, f"{step.name}: the command", why)
        if any(_VARIABLE.search(word) for word in (options.command or "", *options.arguments)):
            why = "a variable of the submitting shell in it is a text now: write a parameter"
            self.draft.leave(step.line, f"{step.name}: the command", why)
        overrides = {"command": [literal(word) for word in words]}
        step.entry["containerOverrides"] = overrides | step.entry.pop("containerOverrides", {})

    def _depend(self, step: Step, text: str | None) -> None:
        edges: list[dict[str, str]] = []
        for part in re.split(r"[;\s]+", text or ""):
            pairs = dict(pair.partition("=")[::2] for pair in part.split(",") if "=" in pair)
            kind = {"type": pairs["type"]} if "type" in pairs else {}
            if "jobId" not in pairs:
                edges += [kind] if kind else []
                continue
            other = self._named(pairs["jobId"])
            if other is None:
                why = "no line here submits this job: write {jobName: STEP}"
                self.draft.leave(step.line, f"{step.name}: --depends-on {pairs['jobId']}", why)
            elif all(edge.get("jobName") != other for edge in edges):
                edges.append({"jobName": other} | kind)
        if edges:
            step.entry["dependsOn"] = edges

    def _named(self, job_id: str) -> str | None:
        match = _VARIABLE.fullmatch(job_id)
        return self.names.get(job_id if match is None else match[1] or match[2])

    def _leave_rest(self, step: Step, options: argparse.Namespace) -> None:
        for name, why in _LEFT.items():
            if getattr(options, name):
                option = f"--{name.replace('_', '-')}"
                self.draft.leave(step.line, f"{step.name}: {option}", why)
        if (options.nodes or 1) > 1:
            self._spread(step, options.nodes)

    def _spread(self, step: Step, number: int) -> None:
        """Over several nodes: awsbsub submits them with the cluster's second job definition, and
        no array."""
        overrides = {ONE_CONTAINER: step.entry.pop(ONE_CONTAINER)}
        entries = [{"targetNodes": ALL_NODES} | overrides]
        step.entry[NODES] = {"numNodes": number, "nodePropertyOverrides": entries}
        if step.entry.pop("arrayProperties", None) is not None:
            why = "awsbsub submits several nodes as one job, without an array"
            self.draft.leave(step.line, f"{step.name}: --array-size", why)
        why = f"its job definition has to be of type multinode, with the range {ALL_NODES}"
        self.draft.leave(step.line, f"{step.name}: --nodes", why)


_LEFT = {
    "working_dir": "write `cd` into the command, or WORKDIR into the image",
    "parent_working_dir": "a job starts in the folder that its image says",
    "input_file": "files are not copied to a job: put them into S3 or into the image",
    "env": "variables of the submitting shell: write containerOverrides.environment",
    "awscli": "put the AWS CLI into the image",
}


def _entry(draft: Draft, number: int, options: argparse.Namespace) -> dict[str, Any]:
    command = options.command or ""
    text = options.job_name or re.sub(r"\W+", "_", command.rpartition("/")[2]) or "STDIN"
    entry: dict[str, Any] = {"jobName": draft.step_name(text, number)}
    if options.array_size is not None:
        entry["arrayProperties"] = {"size": options.array_size}
    amounts = [
        {"type": kind, "value": str(value)}
        for kind, value in (("VCPU", options.vcpus), ("MEMORY", options.memory))
        if value is not None
    ]
    if amounts:
        entry["containerOverrides"] = {"resourceRequirements": amounts}
    if options.retry_attempts is not None:
        entry["retryStrategy"] = {"attempts": options.retry_attempts}
    if options.timeout is not None:
        entry["timeout"] = {"attemptDurationSeconds": options.timeout}
    return entry


# --- the shell ---------------------------------------------------------------


def _tokens(line: str) -> list[str]:
    """Words, and operators of the shell as words of their own."""
    text = _BACKTICKS.sub(lambda match: f"$({match[1]})", line)
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


def _calls(tokens: Sequence[str]) -> Iterator[_Call]:
    for at, token in enumerate(tokens):
        if token.rpartition("/")[2] != "awsbsub":
            continue
        words = list(takewhile(_is_word, tokens[at + 1 :]))
        yield _Call(words=words, variable=_variable(tokens[:at]), stdin=_echoed(tokens[:at]))


def _is_word(word: str) -> bool:
    return not _is_operator(word) and not word.startswith("#")


def _is_operator(word: str) -> bool:
    return bool(word) and set(word) <= _OPERATORS


def _variable(before: Sequence[str]) -> str | None:
    """`ID=$(` before it, with another command between them or not."""
    for at in range(len(before) - 1, 0, -1):
        if before[at] == "(":
            match = _ASSIGNMENT.fullmatch(before[at - 1])
            return None if match is None else match[1]
    return None


def _echoed(before: Sequence[str]) -> str | None:
    """The text of `echo TEXT |` right before it."""
    if not before or before[-1] != "|":
        return None
    start = max((n for n, w in enumerate(before[:-1]) if _is_operator(w)), default=-1) + 1
    command = list(before[start:-1])
    return " ".join(command[1:]) if command[:1] == ["echo"] and len(command) > 1 else None


class _UnknownOption(Exception):
    """What argparse says of the words."""


class _Parser(argparse.ArgumentParser):
    """Raises what it would print."""

    def error(self, message: str) -> NoReturn:
        raise _UnknownOption(message)


def _parser() -> _Parser:
    parser = _Parser(prog="awsbsub", add_help=False)
    for short, long in (
        ("-jn", "--job-name"), ("-c", "--cluster"), ("-w", "--working-dir"),
        ("-pw", "--parent-working-dir"), ("-e", "--env"), ("-d", "--depends-on"),
        ("-ll", "--log-level"),
    ):  # fmt: skip
        parser.add_argument(short, long)
    for short, long in (
        ("-p", "--vcpus"), ("-m", "--memory"), ("-r", "--retry-attempts"), ("-t", "--timeout"),
        ("-n", "--nodes"), ("-a", "--array-size"),
    ):  # fmt: skip
        parser.add_argument(short, long, type=int)
    parser.add_argument("-eb", "--env-denylist", "--env-blacklist")
    parser.add_argument("-if", "--input-file", action="append")
    parser.add_argument("-cf", "--command-file", action="store_true")
    parser.add_argument("-aws", "--awscli", action="store_true")
    parser.add_argument("command", nargs="?")
    parser.add_argument("arguments", nargs="*")
    return parser
