"""Meters and readings for the tests of the rules between readings; and these rules written the slow way."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pyarrow as pa

from meterdrop.model.measures import NO_UNIT, UNITS, Unit
from meterdrop.tables import DAY, DECIMAL, FLAG, LINE, TEXT
from meterdrop.validate.meters import Meters
from meterdrop.validate.readings import ReadingRules
from tests.unit.validate.typed import agreement

RULES = replace(
    ReadingRules.of(agreement("readings").feed),
    max_rise_per_day={"CW": Decimal(10), "HT": Decimal(1000)},
    small_fall={"volume": Decimal("0.005")},
)
FIRST_DAY = date(2026, 3, 1)


@dataclass(frozen=True)
class Meter:
    """What the register says of one."""

    media: str = "CW"
    unit: str | None = "m3"
    installed_from: str = "2020-01-01"
    installed_to: str | None = None
    start: str | None = None
    end: str | None = None
    digits: int | None = None


@dataclass(frozen=True)
class Reading:
    """One reading; `line` 0 is a stored one."""

    line: int
    device: int
    day: date
    value: Decimal
    kind: str = "RADIO"
    estimated: bool = False
    unit: str | None = "m3"
    delivery: int = 1
    delta: bool = False

    @property
    def canonical(self) -> Decimal:
        return self.value * self._measure.factor

    @property
    def canonical_unit(self) -> str:
        return self._measure.canonical

    @property
    def _measure(self) -> Unit:
        return NO_UNIT if self.unit is None else UNITS[self.unit]


def at(number: int) -> date:
    """The day of that number in the tests' spring."""
    return FIRST_DAY + timedelta(days=number)


def told_days(*values: str | None, device: int = 1, line: int = 2, kind: str = "RADIO") -> list[Reading]:
    """Readings of days one after another, in lines one after another; None is a day without."""
    return [
        Reading(line + number, device, at(number), Decimal(value), kind)
        for number, value in enumerate(values)
        if value is not None
    ]


def stored(*told: tuple[int, str], device: int = 1, kind: str = "RADIO") -> list[Reading]:
    """Stored readings by number of day."""
    return [Reading(0, device, at(number), Decimal(value), kind) for number, value in told]


def register(meters: Sequence[Meter]) -> pd.DataFrame:
    """What `store.register.facts` gives; the devices are numbered from 1."""
    known = [None if one.unit is None else UNITS[one.unit].dimension for one in meters]
    columns = {
        "device": pd.Series(range(1, len(meters) + 1), dtype=LINE),
        "media": pd.Series([one.media for one in meters], dtype=TEXT),
        "dimension": pd.Series(known, dtype=TEXT),
        "unit": pd.Series([one.unit for one in meters], dtype=TEXT),
        "installed_from": pd.Series([date.fromisoformat(one.installed_from) for one in meters], dtype=DAY),
        "installed_to": pd.Series(
            [None if one.installed_to is None else date.fromisoformat(one.installed_to) for one in meters],
            dtype=DAY,
        ),
        "start_value": _decimals(one.start for one in meters),
        "end_value": _decimals(one.end for one in meters),
        "digits": pd.Series([one.digits for one in meters], dtype=LINE),
    }
    return pd.DataFrame(columns)


def meters(*known: Meter, rules: ReadingRules = RULES) -> Meters:
    """The devices, numbered from 1; one water meter if none is given."""
    return Meters.of(register(known or (Meter(),)), rules=rules)


def frame(readings: Sequence[Reading]) -> pd.DataFrame:
    """The readings as a typed frame."""
    return pd.DataFrame(
        {
            "line": pd.Series([one.line for one in readings], dtype=LINE),
            "device": pd.Series([one.device for one in readings], dtype=LINE),
            "day": pd.Series([one.day for one in readings], dtype=DAY),
            "canonical_value": _decimals(str(one.canonical) for one in readings),
            "canonical_unit": pd.Series([one.canonical_unit for one in readings], dtype=TEXT),
            "kind": pd.Series([one.kind for one in readings], dtype=TEXT),
            "estimated": pd.Series([one.estimated for one in readings], dtype=FLAG),
            "value": pd.Series([str(one.value) for one in readings], dtype=TEXT),
            "unit": pd.Series([one.unit for one in readings], dtype=TEXT),
            "delivery": pd.Series([one.delivery for one in readings], dtype=LINE),
            "delta": pd.Series([one.delta for one in readings], dtype=FLAG),
        }
    )


def _decimals(values: Iterable[str | None]) -> pd.Series:
    texts = pa.array(list(values), pa.string())
    return pd.Series(pd.arrays.ArrowExtensionArray(texts.cast(DECIMAL.pyarrow_dtype)))


def step(older: Reading, newer: Reading, meter: Meter, rules: ReadingRules = RULES) -> str:
    """How the register got from one to the other: the rules of FEEDS 6 and 7, one pair at a time."""
    factor = Decimal(1) if meter.unit is None else UNITS[meter.unit].factor
    dimension = "allocator" if meter.unit is None else UNITS[meter.unit].dimension
    apart = max((newer.day - older.day).days, 1)
    rise = newer.canonical - older.canonical
    a_day = rules.max_rise_per_day.get(meter.media)
    if rise >= 0:
        return "too fast" if a_day is not None and rise > a_day * apart else "rises"
    between = [older.day + timedelta(days=number) for number in range(1, (newer.day - older.day).days + 1)]
    if dimension == "allocator" and any(_near_reset(day, rules) for day in between):
        return "reset"
    if meter.digits is not None and a_day is not None:
        wraps_at = Decimal(10) ** meter.digits * factor
        if older.canonical < wraps_at and wraps_at + rise <= a_day * apart:
            return "rollover"
    return "small fall" if -rise <= rules.small_fall.get(dimension, Decimal(0)) else "falls"


def _near_reset(day: date, rules: ReadingRules) -> bool:
    month, in_month = rules.reset_day
    resets = [date(day.year + more, month, in_month) for more in (-1, 0, 1)]
    return any(abs((day - reset).days) <= rules.reset_window_days for reset in resets)
