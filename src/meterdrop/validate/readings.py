"""Can a reading be right by itself? Its day, its value, its unit: nothing is looked up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.model.feed import Feed
from meterdrop.model.layout import Layout
from meterdrop.tables import DECIMAL, TEXT, findings_at, join_findings, no_findings
from meterdrop.validate.arrays import ALWAYS, Mask, arrow, days, is_word, present, truth
from meterdrop.validate.told import cells_told

HEATING: Final = "HT"
"""The only medium whose device may have no unit: a heat-cost allocator."""

_VALUE: Final = pa.decimal128(21, 6)
_FACTOR: Final = pa.decimal128(8, 4)


@dataclass(frozen=True)
class ReadingRules:
    """Parameters of the rules, from the feed's YAML with the partner's laid over."""

    days_ahead: int
    """A reading may be this many days ahead of today."""
    years_back: int
    """An older one is refused."""
    value_sentinels: Mapping[str, tuple[Decimal, ...]]
    """Canonical values that mean "missing", by dimension."""
    max_rise_per_day: Mapping[str, Decimal]
    """The fastest plausible rise, in canonical units, by medium; one that isn't named may rise at will."""
    small_fall: Mapping[str, Decimal]
    """By how much a register may fall without a reason, in canonical units, by dimension."""
    reset_day: tuple[int, int]
    """Month and day on which heat-cost allocators begin their year."""
    reset_window_days: int
    """So many days before and after it they may do so."""

    @classmethod
    def of(cls, feed: Feed) -> "ReadingRules":
        """The feed's own; the catalog has checked that all are there."""
        rules = feed.rules
        sentinels = _mapping(rules["value_sentinels"])
        month, _, day = str(rules["reset_day"]).partition("-")
        return cls(
            days_ahead=_whole(rules["days_ahead"]),
            years_back=_whole(rules["years_back"]),
            value_sentinels={name: tuple(map(Decimal, values)) for name, values in sentinels.items()},
            max_rise_per_day=_amounts(rules["max_rise_per_day"]),
            small_fall=_amounts(rules["small_fall"]),
            reset_day=(int(month), int(day)),
            reset_window_days=_whole(rules["reset_window_days"]),
        )


def _mapping(rule: object) -> dict[str, Sequence[str]]:
    if not isinstance(rule, Mapping):
        raise TypeError(f"{rule!r} did not come from a catalog")
    return {str(name): value for name, value in rule.items()}


def _amounts(rule: object) -> dict[str, Decimal]:
    return {name: Decimal(str(amount)) for name, amount in _mapping(rule).items()}


def _whole(rule: object) -> int:
    if not isinstance(rule, int):
        raise TypeError(f"{rule!r} did not come from a catalog")
    return rule


def check_readings(frame: pd.DataFrame, *, today: date, rules: ReadingRules, layout: Layout) -> pd.DataFrame:
    """All rules of this page. `today` is the day in Prague on which the file came."""
    return join_findings(
        [
            check_days(frame, today=today, rules=rules, layout=layout),
            check_values(frame, rules=rules, layout=layout),
            check_units(frame, layout=layout),
        ]
    )


def check_days(frame: pd.DataFrame, *, today: date, rules: ReadingRules, layout: Layout) -> pd.DataFrame:
    """`date.in-future`: later than `days_ahead` from today; `date.too-old`: before this day `years_back` ago."""
    day = days(frame["Date"], empty=ALWAYS)
    known = present(frame["Date"])
    latest = _number(today + timedelta(days=rules.days_ahead))
    earliest = _number(_years_before(today, years=rules.years_back))
    return join_findings(
        [
            day_told(frame, known & (day > latest), code=Code.DATE_IN_FUTURE, layout=layout),
            day_told(frame, known & (day < earliest), code=Code.DATE_TOO_OLD, layout=layout),
        ]
    )


def day_told(frame: pd.DataFrame, mask: Mask, *, code: Code, layout: Layout) -> pd.DataFrame:
    """Findings about days as they were written, against the days they stand for where these are written otherwise."""
    if not mask.any():
        return no_findings()
    rows = frame[["line", "Date", "Date_sent"]].iloc[np.flatnonzero(mask)]
    day = rows["Date"].astype(TEXT)
    return findings_at(
        line=rows["line"],
        code=code,
        column=layout.heading_of("Date"),
        value=rows["Date_sent"],
        against=day.mask(day == rows["Date_sent"]),
    )


def check_values(frame: pd.DataFrame, *, rules: ReadingRules, layout: Layout) -> pd.DataFrame:
    """`value.sentinel`: values that a register shows when it has none (80000 m³ is 0x80000000)."""
    value = canonical_values(frame)
    found = np.zeros(len(frame), dtype=np.bool_)
    for dimension, sentinels in rules.value_sentinels.items():
        same = is_word(frame["Unit_dimension"], dimension)
        for sentinel in sentinels:
            equal = pc.equal(arrow(value), pa.scalar(sentinel, DECIMAL.pyarrow_dtype))
            found |= same & pc.fill_null(equal, False).to_numpy(zero_copy_only=False)
    return cells_told(
        frame, found, code=Code.VALUE_SENTINEL, column="Value", shown="Value_sent", layout=layout
    )


def check_units(frame: pd.DataFrame, *, layout: Layout) -> pd.DataFrame:
    """`cell.missing`: no unit, and the file's own medium says that it is no heat-cost allocator."""
    return cells_told(frame, without_unit(frame), code=Code.CELL_MISSING, column="Unit", layout=layout)


def without_unit(frame: pd.DataFrame) -> Mask:
    """Rows whose own medium needs a unit and which have none."""
    return ~truth(frame["Unit_given"]) & present(frame["Media"]) & ~is_word(frame["Media"], HEATING)


def canonical_values(frame: pd.DataFrame) -> pd.Series:
    """Value times the unit's factor, exactly; without a unit the value itself. Null where either failed."""
    given = frame["Unit_given"]
    one = pa.scalar(Decimal(1), _FACTOR)
    factor = pc.if_else(arrow(given), arrow(frame["Unit_factor"]).cast(_FACTOR), one)
    product = pc.multiply(arrow(frame["Value"]).cast(_VALUE), factor)
    return pd.Series(pd.arrays.ArrowExtensionArray(product.cast(DECIMAL.pyarrow_dtype)))


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _years_before(day: date, *, years: int) -> date:
    """The same day years ago; 28 February for the 29th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
