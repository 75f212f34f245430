"""Which of our columns may an unknown heading be? Told by what its cells look like; always a guess."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from meterdrop.model.feed import Column, Feed, Type
from meterdrop.model.spelling import fold

_NEARLY: Final = 0.9
"""A few cells of a sample may be wrong."""


@dataclass(frozen=True)
class Seen:
    """What the filled cells under one heading look like: how many of them are a day, a unit, …

    `numbers` are states of a register (not negative, no leading zeros), `marked` those of them with a decimal mark,
    `serials` may be a meter's number. `words` names columns whose words all cells are. `varied`: not all the same.
    """

    heading: str
    filled: int = 0
    days: int = 0
    units: int = 0
    numbers: int = 0
    marked: int = 0
    serials: int = 0
    varied: bool = False
    words: frozenset[str] = frozenset()

    def nearly(self, count: int) -> bool:
        """Are nearly all cells so?"""
        return self.filled > 0 and count >= _NEARLY * self.filled


@dataclass(frozen=True)
class Guessed:
    """Our column for an unknown heading, and why."""

    column: str
    reason: str


Fits = Callable[[Seen], bool]

_PASSES: Final[Sequence[tuple[Type, Fits, str]]] = (
    (Type.DAY, lambda seen: seen.nearly(seen.days), "its cells are days"),
    (Type.UNIT, lambda seen: seen.nearly(seen.units), "its cells are units"),
    (
        Type.DECIMAL,
        lambda seen: seen.nearly(seen.numbers) and seen.marked > 0 and seen.varied,
        "its cells are numbers with a decimal mark",
    ),
    (
        Type.SERIAL,
        lambda seen: seen.nearly(seen.serials) and not seen.nearly(seen.days) and seen.varied,
        "its cells look like numbers of meters",
    ),
    (Type.DECIMAL, lambda seen: seen.nearly(seen.numbers) and seen.varied, "its cells are numbers"),
)
"""Columns by the type of their cells, those that are hardest to mistake first."""


def guess_columns(
    feed: Feed, *, columns: Sequence[str | None], seen: Sequence[Seen], given: frozenset[str] = frozenset()
) -> dict[int, Guessed]:
    """Guesses by place in the header. `columns` are the known ones by place, `given` those the file can do without.

    A mandatory column is guessed if it is the only missing one of its type and one heading fits best; a column of
    words if all cells are its words; at last the one missing column is the one heading that is left.
    """
    guesses: dict[int, Guessed] = {}
    for kind, fits, why in _PASSES:
        missing = [
            name for name in missing_columns(feed, columns, guesses, given) if _type(feed, name) is kind
        ]
        if len(missing) != 1:
            continue
        fitting = [place for place in _free(columns, seen, guesses) if fits(seen[place])]
        place = _best(fitting, column=feed.column(missing[0]), seen=seen)
        if place is not None:
            guesses[place] = Guessed(missing[0], f"{why}, and no other heading is {missing[0]}")
    guesses.update(_by_words(feed, columns=columns, seen=seen, guesses=guesses))
    guesses.update(_left_over(feed, columns=columns, seen=seen, guesses=guesses, given=given))
    return guesses


def missing_columns(
    feed: Feed, columns: Sequence[str | None], guesses: Mapping[int, Guessed], given: frozenset[str]
) -> tuple[str, ...]:
    """Mandatory columns no heading is known or guessed for."""
    found = {*columns, *given, *(guessed.column for guessed in guesses.values())}
    return tuple(name for name in feed.mandatory if name not in found)


def _type(feed: Feed, name: str) -> Type:
    return feed.column(name).type


def _free(
    columns: Sequence[str | None], seen: Sequence[Seen], guesses: Mapping[int, Guessed]
) -> Iterator[int]:
    for place, column in enumerate(columns):
        if column is None and place not in guesses and seen[place].heading.strip():
            yield place


def _best(fitting: Sequence[int], *, column: Column, seen: Sequence[Seen]) -> int | None:
    """The only one that fits, or the only one of them whose heading has a word of the column's own headings."""
    if len(fitting) > 1:
        known = _words(" ".join((column.name, *column.aliases)))
        fitting = [place for place in fitting if known & _words(seen[place].heading)]
    return fitting[0] if len(fitting) == 1 else None


def _words(heading: str) -> set[str]:
    return {word for word in re.findall(r"[^\W\d_]+", fold(heading)) if len(word) > 2}


def _by_words(
    feed: Feed, *, columns: Sequence[str | None], seen: Sequence[Seen], guesses: Mapping[int, Guessed]
) -> dict[int, Guessed]:
    taken = {*columns, *(guessed.column for guessed in guesses.values())}
    free = [place for place in _free(columns, seen, guesses) if seen[place].filled]
    found: dict[int, Guessed] = {}
    for column in feed.columns:
        if column.name in taken or column.type not in (Type.CHOICE, Type.CHOICES):
            continue
        fitting = [place for place in free if seen[place].words == {column.name} and place not in found]
        if len(fitting) == 1:
            found[fitting[0]] = Guessed(column.name, f"all its cells are words of {column.name}")
    return found


def _left_over(
    feed: Feed,
    *,
    columns: Sequence[str | None],
    seen: Sequence[Seen],
    guesses: Mapping[int, Guessed],
    given: frozenset[str],
) -> dict[int, Guessed]:
    missing = missing_columns(feed, columns, guesses, given)
    free = list(_free(columns, seen, guesses))
    if len(missing) != 1 or len(free) != 1 or _type(feed, missing[0]) is not Type.TEXT:
        return {}
    if not seen[free[0]].filled:
        return {}
    return {free[0]: Guessed(missing[0], f"{missing[0]} is missing, and no other heading is left")}
