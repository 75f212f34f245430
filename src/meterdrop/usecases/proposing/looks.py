"""What do the cells look like? Asked of the same casters that will read them."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from meterdrop.detect.propose_columns import Seen
from meterdrop.model.codes import Code
from meterdrop.model.feed import Column, Feed, Type
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
    """Columns with words of their own that know every one of these cells."""
    return frozenset(
        column.name
        for column in feed.columns
        if column.type in (Type.CHOICE, Type.CHOICES)
        and cells.filled
        and not _any(failures(cells, column=column), len(cells.text)).any()
    )


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
