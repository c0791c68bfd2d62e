"""Globs over object keys: `*` and `?` stop at a `/`, `**` does not, `[abc]` is one character.

A text is read once, character by character, and what is kept is the set of places in the pattern
where it may stand by then. So no pattern and no key can make it slow, as backtracking would: a key
takes at most its length times the pattern's, and mostly a look into a table for each character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from batchrelay.domain.errors import InvalidItems
from batchrelay.domain.limits import GLOB_CHARS_MAX

_TOKEN = re.compile(r"\*\*/?|\*|\?|\[[^\]]+\]|.", re.DOTALL)
_STARS = ("**", "**/")

_STEPS_KEPT_MAX = 20_000
_TAKERS_KEPT_MAX = 4_096
"""What is kept of one glob, a few MB: steps, and characters. More are computed each time."""


def glob(pattern: str) -> Callable[[str], bool]:
    """Whether a whole text matches. Raises: InvalidItems."""
    if len(pattern) > GLOB_CHARS_MAX:
        size = f"{len(pattern):,} characters"
        raise InvalidItems(f"a glob of {size}: write at most {GLOB_CHARS_MAX:,}")
    tokens = _without_repetition(match[0] for match in _TOKEN.finditer(pattern))
    try:
        return _Automaton([piece for token in tokens for piece in _pieces(token)]).matches
    except re.error as error:
        raise InvalidItems(f"{pattern!r} is not a glob: {error}") from None


def _without_repetition(tokens: Iterable[str]) -> Iterator[str]:
    """Neighbours among the stars that mean no more than one of them."""
    held = ""
    for piece in tokens:
        if held and piece in (*_STARS, "*") and (held, piece) != ("**/", "*"):
            held = "**" if "**" in (held, piece) else held
            continue
        if held:
            yield held
        held = piece if piece in _STARS else ""
        if not held:
            yield piece
    if held:
        yield held


@dataclass(frozen=True, slots=True)
class _Piece:
    """A place in a pattern: what may stand there, how often, and what may be left out there."""

    takes: Callable[[str], bool]
    repeats: bool = False
    skips: tuple[int, ...] = ()
    """So many places further, a text may stand as well without a character more."""


def _pieces(token: str) -> tuple[_Piece, ...]:
    match token:
        case "**":
            return (_Piece(_any, repeats=True, skips=(1,)),)
        case "**/":  # nothing, or anything that ends with a slash
            return (_Piece(_none, skips=(1, 3)), *_pieces("**"), _Piece("/".__eq__))
        case "*":
            return (_Piece("/".__ne__, repeats=True, skips=(1,)),)
        case "?":
            return (_Piece("/".__ne__),)
        case _:
            return (_Piece(_class(token) if len(token) > 1 else token.__eq__),)


def _any(_: str) -> bool:
    return True


def _none(_: str) -> bool:
    return False


def _class(token: str) -> Callable[[str], bool]:
    """One character of several. Raises: re.error."""
    inside = token[1:-1].replace("\\", r"\\")
    expression = f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    matches = re.compile(expression).fullmatch
    return lambda character: matches(character) is not None


class _State(dict[str, "_State"]):
    """The places where a text may stand, as bits; and where each next character leads."""

    def __init__(self, automaton: _Automaton, places: int) -> None:
        super().__init__()
        self.automaton = automaton
        self.places = places

    def __missing__(self, character: str) -> _State:
        return self.automaton.step(self, character)


class _Automaton:
    """A pattern, and the steps that were taken in it. A set of places is the bits of a number."""

    def __init__(self, pieces: list[_Piece]) -> None:
        self._pieces = pieces
        self._skips = tuple(
            (count, sum(1 << at for at, piece in enumerate(pieces) if count in piece.skips))
            for count in (1, 3)
        )
        self._takers: dict[str, tuple[int, int]] = {}
        self._states: dict[int, _State] = {}
        self._steps_kept = 0
        self._start = _State(self, self._with_skips(1))

    def matches(self, text: str) -> bool:
        """Whether the whole text does."""
        state = self._start
        for character in text:
            state = state[character]
        return bool(state.places >> len(self._pieces))

    def step(self, state: _State, character: str) -> _State:
        """From the places of a state with one character."""
        once, repeated = self._takers.get(character) or self._takers_of(character)
        places = self._with_skips((state.places & once) << 1 | (state.places & repeated))
        following = self._states.get(places)
        if following is None:
            following = _State(self, places)
        if self._steps_kept < _STEPS_KEPT_MAX:
            self._steps_kept += 1
            self._states[places] = state[character] = following
        return following

    def _takers_of(self, character: str) -> tuple[int, int]:
        """The places that take a character once, and those that take it again and again."""
        once = repeated = 0
        for at, piece in enumerate(self._pieces):
            if piece.takes(character):
                once |= (not piece.repeats) << at
                repeated |= piece.repeats << at
        if len(self._takers) < _TAKERS_KEPT_MAX:
            self._takers[character] = once, repeated
        return once, repeated

    def _with_skips(self, places: int) -> int:
        """With the places that are reached without a character more."""
        before = 0
        while places != before:
            before = places
            for count, skipping in self._skips:
                places |= (places & skipping) << count
        return places
