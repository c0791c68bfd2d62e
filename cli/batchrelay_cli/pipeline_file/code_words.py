"""Which words of a command are code: for a shell, or for another interpreter.

A value that is put into such a word runs as code. The command line and the worker both have this
file, byte for byte (a test compares them), because the worker is installed alone.

Commands are read as their programs read them. What an unknown program does with its words cannot
be known, so a shell or interpreter with its option for code counts wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Options(NamedTuple):
    """How a program is given code."""

    letters: str
    """Short options before code, alone or last in a cluster: `-c`, `-lc`; or with it: `-eCODE`."""
    words: Sequence[str] = ()
    """Other words before code, or with it behind a `=`."""
    values: str = ""
    """Short options before a value of another kind."""
    arguments: int = 0
    """Arguments that may stand before such options."""
    is_last: bool = False
    """Whether all words behind the code are arguments."""


SHELLS = {
    "sh", "bash", "dash", "zsh", "ksh", "mksh", "lksh", "pdksh", "oksh", "ash", "rbash", "yash",
    "posh", "csh", "tcsh", "fish", "xonsh", "nu",
}  # fmt: skip
_JAVASCRIPT = Options("ep", ("--eval", "--print"), values="rC")
INTERPRETERS: dict[str, Options] = {
    "python": Options("c", values="WX", is_last=True),
    "pypy": Options("c", values="WX", is_last=True),
    "perl": Options("eEM", values="I"),
    "ruby": Options("e", values="ICrE"),
    "node": _JAVASCRIPT,
    "nodejs": _JAVASCRIPT,
    "bun": _JAVASCRIPT,
    "php": Options("rBRE", ("--run",), values="dcz"),
    "lua": Options("e", values="l"),
    "luajit": Options("e", values="l"),
    "julia": Options("eE", ("--eval", "--print"), values="JLtpC"),
    "Rscript": Options("e"),
    "pwsh": Options("", ("-Command", "-command", "-c", "-EncodedCommand"), arguments=3),
}
"""Wherever they stand in a command."""

COMMANDS: dict[str, Options] = {
    "R": Options("e"),
    "deno": Options("", ("eval",)),
    "raku": Options("e"),
    "elixir": Options("e", ("--eval",)),
    "groovy": Options("e"),
    "octave": Options("", ("--eval",)),
    "matlab": Options("", ("-r", "-batch")),
    "osascript": Options("e"),
    "psql": Options("c", ("--command",), values="hpUdvfoFLPRT", arguments=2),
    "mysql": Options("e", ("--execute",), values="hPuDS", arguments=1),
    "mariadb": Options("e", ("--execute",), values="hPuDS", arguments=1),
    "duckdb": Options("cs", arguments=1),
    "su": Options("c", ("--command", "--session-command"), values="gGsw", arguments=2),
    "runuser": Options("c", ("--command", "--session-command"), values="gGsuw", arguments=2),
    "script": Options("c", ("--command",), values="IOTBEmo", arguments=1),
    "flock": Options("c", ("--command",), values="wE", arguments=1),
    "env": Options("S", ("--split-string",), values="uC"),
    "sbatch": Options("", ("--wrap",)),
}
"""Where a command may begin: their names are common words."""

_AWK = Options("e", ("--source",), values="Fvfi")
_SED = Options("e", ("--expression",), values="lf")
PROGRAM_FIRST: dict[str, Options] = {
    "awk": _AWK, "gawk": _AWK, "mawk": _AWK, "nawk": _AWK, "sed": _SED, "gsed": _SED,
}  # fmt: skip
"""The first argument is code, unless options say where it is."""

ALL_WORDS: dict[str, str] = {
    "eval": "",
    "watch": "n",
    "parallel": "jPSN",
    "hyperfine": "wrmMs",
    "bsub": "qnRoeJW",
    "ssh": "bcDEeFIiJLlmOopQRSWwB",
    "rsh": "l",
}
"""All words are one text for a shell; of ssh and rsh those behind the host."""

WRAPPERS: dict[str, str] = {
    "batchrelay-worker": "",
    "env": "uCS",
    "timeout": "sk",
    "nice": "n",
    "ionice": "cnp",
    "nohup": "",
    "setsid": "",
    "stdbuf": "ioe",
    "time": "fo",
    "taskset": "",
    "chrt": "",
    "chroot": "",
    "flock": "wE",
    "gosu": "",
    "su-exec": "",
    "sudo": "ugpChDRTU",
    "doas": "uC",
    "xargs": "InPLsdaE",
    "exec": "a",
    "command": "",
    "busybox": "",
    "toybox": "",
    "tini": "pe",
    "dumb-init": "r",
}
"""Programs that run another one, with their options before a value."""

_ARGUMENTS = {
    "batchrelay-worker": 1, "timeout": 1, "taskset": 1, "chrt": 1, "chroot": 1, "flock": 1,
    "gosu": 1, "su-exec": 1,
}  # fmt: skip
"""Arguments of a wrapper's own, before the program."""

_LONG_VALUES = {
    "--attempts", "--backoff", "--skip-existing", "--unset", "--chdir", "--split-string",
    "--signal", "--kill-after", "--adjustment", "--class", "--classdata", "--max-args",
    "--max-procs", "--delimiter", "--arg-file", "--user", "--group", "--input", "--output",
    "--error", "--format", "--rcfile", "--init-file", "--wait", "--timeout",
}  # fmt: skip
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_VERSION = re.compile(r"[-.]?[0-9][-.0-9]*$")


def code_words(words: Sequence[str]) -> dict[int, str]:
    """The places of a command's words that are code, and for which program."""
    names_by_place: dict[int, str] = {}
    for at, word in enumerate(words):
        name = program_name(word)
        places: Iterator[int] = iter(())
        if name in SHELLS:
            places = _of_shell(words, at)
        elif name in INTERPRETERS:
            places = _of_options(words, at, INTERPRETERS[name])
        names_by_place.update((place, name) for place in places)
    for at in _commands(words):
        name = program_name(words[at])
        names_by_place.update((place, name) for place in _of_command(words, at, name))
    return {place: names_by_place[place] for place in sorted(names_by_place) if place < len(words)}


def program_name(word: str) -> str:
    """`/usr/bin/python3.11` is python."""
    return _VERSION.sub("", word.replace("\\", "/").rpartition("/")[2])


def _of_shell(words: Sequence[str], at: int) -> Iterator[int]:
    """The first word behind the options, if one of them is -c. `-o pipefail` has a value."""
    has_code, at = False, at + 1
    while at < len(words) and words[at][:1] in ("-", "+") and words[at]:
        word = words[at]
        at += 1
        if word in ("-", "--"):
            break
        if word.startswith("--"):
            name, equals, _ = word.partition("=")
            if name in ("--command", "--commands"):
                yield at - 1 if equals else at
            if name in _LONG_VALUES and not equals:
                at += 1
        else:
            has_code = has_code or (word[0] == "-" and "c" in word)
            at += word.count("o") + word.count("O")
    if has_code:
        yield at


def _of_options(words: Sequence[str], at: int, options: Options) -> Iterator[int]:
    """The words behind options for code, up to the first argument that is not the program's."""
    arguments, at = options.arguments, at + 1
    while at < len(words):
        word = words[at]
        name, equals, _ = word.partition("=")
        letter, rest = _code_letter(word, options)
        if name in options.words or letter:
            is_inside = bool(rest if letter else equals)
            yield at if is_inside else at + 1
            if options.is_last:
                return
            at += 1 if is_inside else 2
        elif word[:1] == "-" and word != "--":
            at += 2 if _has_value(words, at, options) else 1
        elif arguments and word != "--":
            arguments, at = arguments - 1, at + 1
        else:
            return


def _code_letter(word: str, options: Options) -> tuple[str, str]:
    """The letter for code in a cluster of short options, and the code if it stands there too."""
    if word[:1] == "-" and word[:2] != "--":
        for place, letter in enumerate(word[1:], start=1):
            if letter in options.letters:
                return letter, word[place + 1 :].strip(options.letters)
            if letter in options.values:
                break  # the rest is its value
    return "", ""


def _has_value(words: Sequence[str], at: int, options: Options) -> bool:
    """Whether the word behind an option is its value, or may be: not all long ones are known."""
    word = words[at]
    if word[:2] != "--":
        return word[-1] in options.values
    return "=" not in word and at + 1 < len(words) and words[at + 1][:1] != "-"


# --- where commands begin ------------------------------------------------------


def _commands(words: Sequence[str]) -> Iterator[int]:
    """The first word, and the program behind each wrapper."""
    at = 0
    while at < len(words):
        yield at
        name = program_name(words[at])
        if name not in WRAPPERS:
            return
        at = _behind_options(words, at + 1, WRAPPERS[name], _ARGUMENTS.get(name, 0))


def _behind_options(words: Sequence[str], at: int, values: str, arguments: int = 0) -> int:
    """The first word that is no option, value, assignment, nor one of so many arguments."""
    while at < len(words):
        word = words[at]
        if word == "--":
            return at + 1
        if word[:1] == "-" and len(word) > 1:
            has_value = word[-1] in values if word[:2] != "--" else word in _LONG_VALUES
            at += 2 if has_value else 1
        elif _ASSIGNMENT.match(word):
            at += 1
        elif arguments:
            arguments, at = arguments - 1, at + 1
        else:
            break
    return at


def _of_command(words: Sequence[str], at: int, name: str) -> Iterator[int]:
    if name in COMMANDS:
        yield from _of_options(words, at, COMMANDS[name])
    elif name in PROGRAM_FIRST:
        yield from _of_program_first(words, at, PROGRAM_FIRST[name])
    elif name in ALL_WORDS:
        hosts = int(name in ("ssh", "rsh"))
        yield from range(_behind_options(words, at + 1, ALL_WORDS[name], hosts), len(words))


def _of_program_first(words: Sequence[str], at: int, options: Options) -> Iterator[int]:
    """awk and sed: behind `-e`, else the first argument if there is no `-f FILE`."""
    code_places = list(_of_options(words, at, options))
    yield from code_places
    first = _behind_options(words, at + 1, options.values + options.letters)
    files = Options("f", ("--file",), values=options.values.replace("f", ""))
    if not code_places and not list(_of_options(words[: first + 1], at, files)):
        yield first
