"""Where does each reading stand in time? A file's readings, the stored ones and the register's in one order."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.tables import TEXT, decimal_text, framed
from meterdrop.validate.arrays import ALWAYS, NEVER, Mask, Numbers, arrow, days, distinct, is_word
from meterdrop.validate.meters import AMOUNT, Meters
from meterdrop.validate.register import EXCHANGE_OUT
from meterdrop.validate.rises import NOBODY, Points
from meterdrop.validate.standing import Places

EXCHANGE_IN: Final = "EXCHANGE_IN"

_FIRST, _STORED, _FILE, _LAST = range(4)
"""What a point is: the register's start value, a stored reading, one of the file, the register's end value."""

_READING: Final = ["device", "day", "canonical_value", "kind", "value", "unit"]


@dataclass(frozen=True)
class Timeline:
    """All points by meter and day. `row` is the place of a file's reading among its rows (NOBODY: not the file's)."""

    points: Points
    places: Places
    row: Numbers
    order: Numbers
    said: pd.DataFrame
    """Value, unit and day of each point as sent, to be looked up by `order`."""

    def written(self, at: Numbers) -> pd.Series:
        """These points for a person, in words of no language: `1310.0 m3 (2026-03-03)`; nothing for NOBODY."""
        said = self.said.iloc[self.order[at]]
        text = written(value=said["value"], unit=said["unit"], day=said["day"])
        return text.mask(at == NOBODY)


def written(*, value: pd.Series, unit: pd.Series, day: pd.Series) -> pd.Series:
    """Values with unit and day, as sent: `1310.0 m3 (2026-03-03)`; `1310 (2026-03-03)` where none came with it."""
    spaced = pc.fill_null(pc.binary_join_element_wise(" ", arrow(unit), ""), "")
    on = arrow(day).cast(pa.string())
    text = pc.binary_join_element_wise(arrow(value), spaced, " (", on, ")", "")
    return pd.Series(pd.arrays.ArrowExtensionArray(text), dtype=TEXT)


def timeline(rows: pd.DataFrame, *, stored: pd.DataFrame, meters: Meters) -> Timeline:
    """The rows of a file with what is stored of their devices, and what the register says of these.

    A start value is what the register showed when its first day of service began, an end value when its last was over.
    """
    first, last = _told_by_register(rows, meters)
    parts = (rows, stored, _anchors(first, last, meters))
    readings = framed({name: pa.concat_arrays([arrow(part[name]) for part in parts]) for name in _READING})
    of = np.repeat([_FILE, _STORED, _FIRST, _LAST], [len(rows), len(stored), len(first), len(last)])
    device, day = readings["device"].to_numpy(dtype=np.int64), days(readings["day"], empty=ALWAYS)
    # A start value is of the end of the day before, an end value of the whole of the last day.
    day = day - (of == _FIRST) + (of == _LAST)
    order = np.lexsort((of, day, device))
    of = of[order]
    points = Points(
        meter=meters.places(device[order]),
        day=day[order],
        value=arrow(readings["canonical_value"]).cast(AMOUNT).take(pa.array(order)),
        fixed=of != _FILE,
    )
    kind = readings["kind"].take(order)
    opens, closes = is_word(kind, EXCHANGE_IN), is_word(kind, EXCHANGE_OUT)
    return Timeline(
        points=points,
        places=Places(
            segment=_segments(points, of=of, opens=opens, closes=closes), corrects=_corrected(points, of=of)
        ),
        row=np.where(order < len(rows), order, NOBODY),
        order=order,
        said=readings,
    )


def _told_by_register(rows: pd.DataFrame, meters: Meters) -> tuple[Numbers, Numbers]:
    """The places of those of the rows' meters of which the register knows a start value, and an end value."""
    meter = distinct(meters.places(rows["device"].to_numpy(dtype=np.int64)))
    first = pc.is_valid(meters.first_value).to_numpy(zero_copy_only=False) & (meters.first_day != ALWAYS)
    last = pc.is_valid(meters.last_value).to_numpy(zero_copy_only=False) & (meters.last_day != NEVER)
    return meter[first[meter]], meter[last[meter]]


def _anchors(first: Numbers, last: Numbers, meters: Meters) -> pd.DataFrame:
    both = np.concatenate((first, last))
    day = np.concatenate((meters.first_day[first], meters.last_day[last]))
    value = pa.concat_arrays(
        [meters.first_value.take(pa.array(first)), meters.last_value.take(pa.array(last))]
    )
    columns = {
        "device": pa.array(meters.device[both]),
        "day": pa.array(day, pa.int32()).cast(pa.date32()),
        "canonical_value": value.cast(pa.decimal128(38, 10)),
        "kind": pa.nulls(len(both), pa.string()),
        "value": decimal_text(value),
        "unit": meters.unit.take(pa.array(both)),
    }
    return framed(columns)


def _segments(points: Points, *, of: Numbers, opens: Mask, closes: Mask) -> Numbers:
    """A number for each stretch of a meter's life: a reading at an exchange begins or ends one.

    It does so by its kind, whatever becomes of its value. On the very first and last day of service it begins and ends
    nothing: the register's start and end values are those of the same stretch.
    """
    new_slot = np.ones(len(of), dtype=np.bool_)
    new_slot[1:] = (points.meter[1:] != points.meter[:-1]) | (points.day[1:] != points.day[:-1])
    new_slot |= of == _LAST
    new_slot[1:] |= of[:-1] == _FIRST
    slot = np.cumsum(new_slot) - 1
    start = np.flatnonzero(new_slot)
    opening, closing = np.logical_or.reduceat(opens, start), np.logical_or.reduceat(closes, start)
    day, kind, meter = points.day[start], of[start], points.meter[start]
    opening[1:] &= (kind[:-1] != _FIRST) | (day[1:] != day[:-1] + 1)
    cut = opening
    cut[1:] |= closing[:-1] & ((kind[1:] != _LAST) | (day[1:] != day[:-1] + 1))
    cut[1:] |= meter[1:] != meter[:-1]
    segment: Numbers = np.cumsum(cut, dtype=np.int64)[slot]
    return segment


def _corrected(points: Points, *, of: Numbers) -> Numbers:
    """For each reading of the file the stored one of the same device and day, which stands right before it."""
    corrects = np.full(len(of), NOBODY, dtype=np.int64)
    same = (points.meter[1:] == points.meter[:-1]) & (points.day[1:] == points.day[:-1])
    corrected = np.flatnonzero(same & (of[1:] == _FILE) & (of[:-1] == _STORED)) + 1
    corrects[corrected] = corrected - 1
    return corrects
