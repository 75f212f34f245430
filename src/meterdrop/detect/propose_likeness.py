"""Which column does an unknown heading read like? `Výr. č. přístroje` reads like Výrobní číslo, Číslo přístroje."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from meterdrop.model.feed import Column
from meterdrop.model.spelling import fold

_WORD: Final = re.compile(r"[^\W\d_]+")
_OF_OUR_OWN: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_FEWEST: Final = 3
"""A word of fewer letters (`k`, `č.`) says nothing."""

_MOSTLY: Final = 2 / 3
"""So much of the longer word must be alike, if neither is the beginning of the other."""

_SAY_LITTLE: Final = frozenset(
    {"cislo", "datum", "typ", "druh", "kod", "udaj", "den", "number", "date", "datu", "cisla"}
)
"""Words that stand in headings of all kinds; they count only where a heading has no others."""


@lru_cache(maxsize=4096)
def words_of_heading(heading: str) -> frozenset[str]:
    """The words that tell what stands under a heading, folded; `SerialNum` is two words."""
    words = {word for word in _WORD.findall(fold(_OF_OUR_OWN.sub(" ", heading))) if len(word) >= _FEWEST}
    return frozenset(words - _SAY_LITTLE or words)


def likeness(heading: str, *, column: Column) -> float:
    """Which part of the heading's words is found among the column's own headings; words may be cut short or inflected."""
    wanted = words_of_heading(heading)
    known = frozenset().union(*(words_of_heading(each) for each in (column.name, *column.aliases)))
    alike = [word for word in wanted if any(_alike(word, other) for other in known)]
    return len(alike) / len(wanted) if wanted else 0.0


def likest(pairs: Iterable[tuple[int, str, Column]], *, least: float) -> dict[int, str]:
    """Column by place of those headings that read most like one column, which reads most like them.

    `pairs` are the headings (place and text) with the columns they may be. Where two headings read like a column
    alike, or two columns like a heading, neither is told.
    """
    marks = {
        (place, column.name): mark
        for place, heading, column in pairs
        if (mark := likeness(heading, column=column)) >= least
    }
    found: dict[int, str] = {}
    for (place, name), mark in marks.items():
        rivals = [other for (where, what), other in marks.items() if (where == place) != (what == name)]
        if all(other < mark for other in rivals):
            found[place] = name
    return found


def _alike(one: str, other: str) -> bool:
    """Is one the other cut short (`výr.`), or with another ending (`rádiového`, `rádiové`)?"""
    shorter, longer = sorted((one, other), key=len)
    if longer.startswith(shorter):
        return True
    same = next((place for place, letter in enumerate(shorter) if letter != longer[place]), len(shorter))
    return same >= max(_FEWEST + 1, _MOSTLY * len(longer))
