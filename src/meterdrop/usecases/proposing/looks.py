"""What do the cells look like? Asked of the same casters that will read them."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.detect.propose_columns import Seen
from meterdrop.detect.propose_names import common_start
from meterdrop.model.codes import Code
from meterdrop.model.feed import Column, Feed, Type
from meterdrop.model.spelling import fold
from meterdrop.parse.cells_cast import Caster, Mask, matches
from meterdrop.parse.cells_days import FORMS, DayForms, cast_days
from meterdrop.parse.cells_numbers import cast_decimals, cast_integers
from meterdrop.parse.cells_words import cast_choice, cast_choices, cast_flags, cast_serials, cast_units
from meterdrop.usecases.proposing.sample import Cells

CASTERS: Final[Mapping[Type, Caster]] = {
    Type.DECIMAL: cast_decimals,
    Type.INTEGER: cast_integers,
    Type.SERIAL: cast_serials,
    Type.UNIT: cast_units,
    Type.CHOICE: cast_choice,
    Type.CHOICES: cast_choices,
    Type.FLAG: cast_flags,
}
"""How the cells of a type are read; days need their forms, and texts may hold anything."""

MARKED: Final = ".*[0-9][.,][0-9]+"
_LEADING_ZERO: Final = "-?0[0-9].*"
_A_METERS_NUMBER: Final = ".*[0-9].*"
_FRACTION: Final = "-?[0-9 ]*[.,][0-9]+"
_SHORTEST_SERIAL: Final = 4
_MOST: Final = 0.5
"""Of a column of words some may be new to us."""

_MANY_WORDS: Final = 100
"""A column with more different texts is none of words."""

_FEWEST_ALIKE: Final = 5
_SHARE_ALIKE: Final = 2 / 3

_PLAIN: Final[Mapping[Type, Column]] = {
    kind: Column(name="", type=kind) for kind in (Type.DAY, Type.UNIT, Type.DECIMAL, Type.SERIAL)
}


def failures(cells: Cells, *, column: Column) -> dict[Code, Mask]:
    """Which of the distinct texts the column refuses, by code; each text under its first code."""
    cast = CASTERS[column.type](cells.text, column)
    return _first(cast.failed)


def day_failures(
    cells: Cells, *, column: Column, forms: tuple[str, ...], sentinels: tuple[str, ...] = ()
) -> dict[Code, Mask]:
    """The same for days in these forms."""
    return _first(
        cast_days(cells.text, column=column, forms=DayForms(forms=forms, sentinels=sentinels)).failed
    )


def days_of(cells: Cells, *, forms: tuple[str, ...], sentinels: tuple[str, ...]) -> Cells:
    """The days the cells tell, as ISO texts, each with its count of cells; sentinels are none."""
    column = _PLAIN[Type.DAY]
    cast = cast_days(cells.text, column=column, forms=DayForms(forms=forms, sentinels=sentinels))
    days = cast.columns[column.name]
    known = pc.is_valid(days)
    return Cells(
        text=days.filter(known).cast("string"), count=cells.count[known.to_numpy(zero_copy_only=False)]
    )


def look(heading: str, cells: Cells) -> Seen:
    """What the cells under this heading look like, whatever the feed."""
    marked = matches(cells.text, MARKED)
    numbers = _passed(cells, Type.DECIMAL)
    numbers &= ~matches(cells.text, "-.*") & ~matches(cells.text, _LEADING_ZERO)
    long = pc.greater_equal(pc.utf8_length(cells.text), _SHORTEST_SERIAL).to_numpy(zero_copy_only=False)
    serials = _passed(cells, Type.SERIAL) & matches(cells.text, _A_METERS_NUMBER) & long
    serials &= ~matches(cells.text, _FRACTION)
    days = ~_any(day_failures(cells, column=_PLAIN[Type.DAY], forms=tuple(FORMS)), len(cells.text))
    return Seen(
        heading=heading,
        filled=cells.filled,
        days=cells.how_many(days),
        units=cells.how_many(_passed(cells, Type.UNIT)),
        numbers=cells.how_many(numbers),
        marked=cells.how_many(numbers & marked),
        serials=cells.how_many(serials),
        varied=len(cells.text) > 1 or cells.filled == 1,
    )


def _passed(cells: Cells, kind: Type) -> Mask:
    return ~_any(failures(cells, column=_PLAIN[kind]), len(cells.text))


def whose_words(cells: Cells, *, feed: Feed) -> frozenset[str]:
    """Columns with words of their own, of which most of these cells are one, or differ in the ending only."""
    return frozenset(
        column.name
        for column in feed.columns
        if column.type in (Type.CHOICE, Type.CHOICES)
        and cells.filled
        and _unknown_to(column, cells) <= (1 - _MOST) * cells.filled
    )


def _unknown_to(column: Column, cells: Cells) -> int:
    """How many cells are no word of the column, and like none?"""
    failed = _any(failures(cells, column=column), len(cells.text))
    if not failed.any() or len(cells.text) > _MANY_WORDS:
        return cells.how_many(failed)
    texts = cells.text.filter(pa.array(failed)).to_pylist()
    counts = cells.count[failed].tolist()
    return sum(
        count for text, count in zip(texts, counts, strict=True) if not alike_words(text, column=column)
    )


def alike_words(word: str, *, column: Column) -> dict[str, str]:
    """Known words that differ in the ending only (`dálkově`, `Dálkový`), and what they mean."""
    folded = fold(word)
    found: dict[str, str] = {}
    for known, ours in column.words.items():
        common = len(common_start([folded, fold(known)]))
        if common >= max(_FEWEST_ALIKE, _SHARE_ALIKE * max(len(folded), len(fold(known)))):
            found[known] = ours
    return found


def _first(failed: tuple[tuple[Code, Mask], ...]) -> dict[Code, Mask]:
    found: dict[Code, Mask] = {}
    for code, mask in failed:
        told = _any(found, len(mask))
        if (mask & ~told).any():
            found[code] = mask & ~told
    return found


def _any(found: Mapping[Code, Mask], count: int) -> npt.NDArray[np.bool_]:
    every = np.zeros(count, dtype=np.bool_)
    for mask in found.values():
        every |= mask
    return every
