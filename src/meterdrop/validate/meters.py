"""What can each meter show, and how fast may it rise? The register and the feed's parameters, device by device."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.measures import CANONICAL, NO_UNIT, UNITS
from meterdrop.validate.arrays import ALWAYS, NEVER, Mask, Numbers, arrow, days, places
from meterdrop.validate.readings import ReadingRules

AMOUNT: Final = pa.decimal128(31, 10)
"""A canonical value: any that can be sent (15 digits, 6 decimals, any unit) fits exactly."""
_A_DAY: Final = pa.decimal128(15, 6)
_SENT: Final = pa.decimal128(21, 6)
_FACTOR: Final = pa.decimal128(8, 4)
_MOST_DIGITS: Final = 15
_LAST_YEAR: Final = 2200


@dataclass(frozen=True)
class Meters:
    """The devices in order of their ids. All amounts are canonical; null where the register does not tell."""

    device: Numbers
    most_a_day: pa.Array
    """How much the register may rise in a day, by medium."""
    wraps_at: pa.Array
    """Where the register begins anew from zero, by its digits."""
    play: pa.Array
    """By how little a register may fall without a reason."""
    allocator: Mask
    unit: pa.Array
    """The canonical unit of the device's dimension."""
    first_value: pa.Array
    first_day: Numbers
    """What the register showed at the end of the day before the first day of service (ALWAYS: not known)."""
    last_value: pa.Array
    last_day: Numbers
    """What it showed on the last day of service (NEVER: none yet)."""
    resets: Numbers
    """The yearly reset days of heat-cost allocators."""
    around_reset: int
    """So many days before and after a reset day an allocator may begin anew."""

    @classmethod
    def of(cls, register: pd.DataFrame, *, rules: ReadingRules) -> "Meters":
        """`register` has device (ascending), media, unit, dimension, installed_from, installed_to, start_value,
        end_value and digits; a device without a unit is a heat-cost allocator."""
        dimension = pc.fill_null(arrow(register["dimension"]), NO_UNIT.dimension)
        factor = _factors(arrow(register["unit"]))
        return cls(
            device=register["device"].to_numpy(dtype=np.int64),
            most_a_day=_looked_up(arrow(register["media"]), rules.max_rise_per_day).cast(_A_DAY),
            wraps_at=_wraps(arrow(register["digits"]), factor),
            play=pc.fill_null(_looked_up(dimension, rules.small_fall), Decimal(0)).cast(AMOUNT),
            allocator=pc.equal(dimension, NO_UNIT.dimension).to_numpy(zero_copy_only=False),
            unit=_units(dimension),
            first_value=_canonical(arrow(register["start_value"]), factor),
            first_day=days(register["installed_from"], empty=ALWAYS),
            last_value=_canonical(arrow(register["end_value"]), factor),
            last_day=days(register["installed_to"], empty=NEVER),
            resets=_reset_days(rules.reset_day),
            around_reset=rules.reset_window_days,
        )

    def places(self, devices: Numbers) -> Numbers:
        """Where in the register these devices are; all of them are known."""
        return places(devices, among=self.device)

    def measured_in(self, unit: pd.Series, *, devices: Numbers) -> Mask:
        """Whether each of these devices measures in this canonical unit, as the register has it by now."""
        own = self.unit.take(pa.array(self.places(devices)))
        same: Mask = pc.equal(arrow(unit), own).to_numpy(zero_copy_only=False)
        return same

    def reset_between(self, *, older: Numbers, newer: Numbers) -> Mask:
        """Whether the time after the older day, up to the newer one, meets the days around a reset day."""
        last = np.searchsorted(self.resets - self.around_reset, newer, side="right") - 1
        meets: Mask = self.resets[np.maximum(last, 0)] + self.around_reset > older
        return meets & (last >= 0)


def _looked_up(names: pa.Array, amounts: Mapping[str, Decimal]) -> pa.Array:
    at = pc.index_in(names, pa.array(list(amounts), pa.string()))
    return pa.array(list(amounts.values()), AMOUNT).take(at)


def _units(dimension: pa.Array) -> pa.Array:
    at = pc.index_in(dimension, pa.array(list(CANONICAL), pa.string()))
    return pa.array(list(CANONICAL.values()), pa.string()).take(at)


def _factors(units: pa.Array) -> pa.Array:
    """To the canonical unit; 1 without a unit, null for a partner's own word."""
    at = pc.index_in(units, pa.array(list(UNITS), pa.string()))
    known = pa.array([unit.factor for unit in UNITS.values()], _FACTOR).take(at)
    return pc.if_else(pc.is_null(units), pa.scalar(NO_UNIT.factor, _FACTOR), known)


def _wraps(digits: pa.Array, factor: pa.Array) -> pa.Array:
    powers = pa.array([Decimal(10) ** power for power in range(_MOST_DIGITS + 1)], pa.decimal128(16, 0))
    counted = pc.if_else(pc.less_equal(digits, _MOST_DIGITS), digits, pa.scalar(None, pa.int64()))
    counted = pc.if_else(pc.greater(counted, 0), counted, pa.scalar(None, pa.int64()))
    return pc.multiply(powers.take(counted), factor).cast(AMOUNT)


def _canonical(values: pa.Array, factor: pa.Array) -> pa.Array:
    return pc.multiply(values.cast(_SENT), factor).cast(AMOUNT)


def _reset_days(day: tuple[int, int]) -> Numbers:
    month, in_month = day
    epoch = date(1970, 1, 1)
    return np.array([(date(year, month, in_month) - epoch).days for year in range(1969, _LAST_YEAR)])
