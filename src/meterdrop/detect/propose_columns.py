"""Which of our columns may an unknown heading be? Told by what its cells look like; always a guess."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from meterdrop.detect.propose_likeness import likest
from meterdrop.model.feed import Column, Feed, Type
from meterdrop.model.spelling import fold

_NEARLY: Final = 0.9
"""A few cells of a sample may be wrong."""

_MOST_READ: Final = 100
"""Of so many unknown headings the words are looked at; a header may have tens of thousands."""

_ALL: Final = 1.0
_HALF: Final = 0.5
"""So many words of a heading are found among a column's own."""


@dataclass(frozen=True)
class Seen:
    """What the filled cells under one heading look like: how many of them are a day, a unit, …

    `numbers` are states of a register (not negative, no leading zeros), `marked` those of them with a decimal mark,
    `serials` may be a meter's number. `words` names columns whose words most cells are. `varied`: not all the same.
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

    A mandatory column is guessed if a heading reads like one of its own and the cells could be its, or if it is the
    only missing one of its type and one heading fits best. Then come columns that are not mandatory, by what a heading
    reads like or by words. At last the one missing column is the one heading that is left.
    """
    guesses: dict[int, Guessed] = {}
    mandatory = [column for column in feed.columns if column.mandatory]
    guesses |= _by_heading(mandatory, columns=columns, seen=seen, guesses=guesses, least=_ALL)
    guesses |= _by_type(feed, columns=columns, seen=seen, guesses=guesses, given=given)
    guesses |= _by_heading(feed.columns, columns=columns, seen=seen, guesses=guesses, least=_HALF)
    guesses |= _by_type(feed, columns=columns, seen=seen, guesses=guesses, given=given)
    guesses |= _by_words(feed, columns=columns, seen=seen, guesses=guesses)
    guesses |= _left_over(feed, columns=columns, seen=seen, guesses=guesses, given=given)
    return guesses


def _by_type(
    feed: Feed,
    *,
    columns: Sequence[str | None],
    seen: Sequence[Seen],
    guesses: Mapping[int, Guessed],
    given: frozenset[str],
) -> dict[int, Guessed]:
    """Mandatory columns that are the only missing ones of their type, each with the heading that fits best."""
    found: dict[int, Guessed] = {}
    for kind, fits, why in _PASSES:
        told = {**guesses, **found}
        missing = [name for name in missing_columns(feed, columns, told, given) if _type(feed, name) is kind]
        if len(missing) != 1:
            continue
        fitting = [place for place in _free(columns, seen, told) if fits(seen[place])]
        place = _best(fitting, column=feed.column(missing[0]), seen=seen)
        if place is not None:
            found[place] = Guessed(missing[0], f"{why}, and no other heading is {missing[0]}")
    return found


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


def _by_heading(
    wanted: Sequence[Column],
    *,
    columns: Sequence[str | None],
    seen: Sequence[Seen],
    guesses: Mapping[int, Guessed],
    least: float,
) -> dict[int, Guessed]:
    """Headings that read like one of the column's own, over cells that could be its."""
    taken = {*columns, *(guessed.column for guessed in guesses.values())}
    pairs = [
        (place, seen[place].heading, column)
        for place in islice(_free(columns, seen, guesses), _MOST_READ)
        for column in wanted
        if column.name not in taken and _could_be(column, seen[place])
    ]
    return {
        place: Guessed(name, f"reads like a heading of {name}, and its cells do not speak against it")
        for place, name in likest(pairs, least=least).items()
    }


def _could_be(column: Column, seen: Seen) -> bool:
    if column.kept_in_original or column.type is Type.TEXT:
        return True
    if column.type in (Type.CHOICE, Type.CHOICES):
        return column.name in seen.words
    if column.type is Type.INTEGER:
        return seen.nearly(seen.numbers) and not seen.marked
    count = {
        Type.DAY: seen.days,
        Type.UNIT: seen.units,
        Type.DECIMAL: seen.numbers,
        Type.SERIAL: seen.serials,
    }.get(column.type, 0)
    return seen.nearly(count)


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
            found[fitting[0]] = Guessed(column.name, f"its cells are words of {column.name}")
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
