"""May one reading follow another? How a register gets from an older reading to a newer one."""

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.validate.arrays import Mask, Numbers, halves, ranks
from meterdrop.validate.meters import AMOUNT, Meters

NOBODY: Final = -1
"""In place of a point: there is none."""

_DAYS: Final = pa.decimal128(10, 0)
_ZERO: Final = pa.scalar(Decimal(0), AMOUNT)


class Step(IntEnum):
    """How the register got from one reading to the next, by FEEDS 6 and 7 in their order."""

    RISES = 0
    RESET = 1
    ROLLOVER = 2
    SMALL_FALL = 3
    TOO_FAST = 4
    FALLS = 5


@dataclass(frozen=True)
class Points:
    """What registers showed, ordered by device and day: readings of a file, stored ones, and the register's own.

    `meter` is the device's place in the register, `value` canonical; `fixed` are those that a file cannot change.
    """

    meter: Numbers
    day: Numbers
    value: pa.Array
    fixed: Mask


@dataclass(frozen=True)
class Rises:
    """The steps between points. With `hasty` a rise may be as fast as it likes (a person said so)."""

    points: Points
    meters: Meters
    hasty: bool = False

    def allows(self, older: Numbers, newer: Numbers) -> Mask:
        """Whether each pair can stand side by side; NOBODY stands beside everything."""
        steps = self.between(older, newer)
        allowed: Mask = steps <= (Step.TOO_FAST if self.hasty else Step.SMALL_FALL)
        return allowed

    def between(self, older: Numbers, newer: Numbers) -> Numbers:
        """The step of each pair of points; RISES where one of them is NOBODY."""
        steps = np.full(len(older), Step.RISES, dtype=np.int64)
        both = np.flatnonzero((older != NOBODY) & (newer != NOBODY))
        if len(both) == 0:
            return steps
        older, newer = older[both], newer[both]
        rise = self._rise(older, newer)
        steps[both[_true(pc.greater(rise, self._most(older, newer)))]] = Step.TOO_FAST
        falling = np.flatnonzero(_true(pc.less(rise, _ZERO)))
        if len(falling):
            steps[both[falling]] = self._fall(
                older[falling], newer[falling], rise=rise.take(pa.array(falling))
            )
        return steps

    def _fall(self, older: Numbers, newer: Numbers, *, rise: pa.Array) -> Numbers:
        points, meters = self.points, self.meters
        meter = points.meter[newer]
        at = pa.array(meter)
        reset = meters.allocator[meter] & meters.reset_between(
            older=points.day[older], newer=points.day[newer]
        )
        wraps_at = meters.wraps_at.take(at)
        wrapped = pc.add(wraps_at, rise)
        rollover = _true(pc.less_equal(wrapped, self._most(older, newer)))
        rollover &= _true(pc.less(points.value.take(pa.array(older)), wraps_at))
        small = _true(pc.greater_equal(rise, pc.negate(meters.play.take(at))))
        steps = np.where(small, Step.SMALL_FALL, Step.FALLS)
        steps = np.where(rollover, Step.ROLLOVER, steps)
        return np.where(reset, Step.RESET, steps)

    def _rise(self, older: Numbers, newer: Numbers) -> pa.Array:
        value = self.points.value
        return pc.subtract(value.take(pa.array(newer)), value.take(pa.array(older)))

    def _most(self, older: Numbers, newer: Numbers) -> pa.Array:
        """How much the register may have risen; two readings are at least a day apart."""
        apart = np.maximum(self.points.day[newer] - self.points.day[older], 1)
        a_day = self.meters.most_a_day.take(pa.array(self.points.meter[newer]))
        return pc.multiply(a_day, _decimal(apart))

    def rising_keys(self, at: Numbers) -> tuple[Numbers, Numbers]:
        """Two numbers for each point: one point may follow another where neither of them falls.

        The value itself; and how much the register could still have risen by then, or the day where it may rise at
        will. So the order of values and of days becomes one that has no middle: what fits both neighbours fits all.
        """
        points = self.points
        value, day = points.value.take(pa.array(at)), points.day[at]
        most = self.meters.most_a_day.take(pa.array(points.meter[at]))
        if self.hasty:
            most = pa.nulls(len(at), most.type)
        left = pc.subtract(pc.multiply(most, _decimal(day)), value)
        left = pc.if_else(pc.is_null(left), _decimal(day).cast(left.type), left)
        return ranks(halves(value)), ranks(halves(left))


def _decimal(days: Numbers) -> pa.Array:
    return pa.array(days, pa.int32()).cast(_DAYS)


def _true(mask: pa.Array) -> Mask:
    """Null is no: what the register or the rules don't tell is no reason."""
    known: Mask = pc.fill_null(mask, False).to_numpy(zero_copy_only=False)
    return known
