"""Whose reading is it? Readings against the register of the partner's devices."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.model.layout import Layout
from meterdrop.model.measures import CANONICAL, NO_UNIT
from meterdrop.tables import LINE, TEXT, framed, join_findings
from meterdrop.validate.arrays import (
    ALWAYS,
    NEVER,
    Mask,
    Numbers,
    arrow,
    codes,
    days,
    is_word,
    present,
    truth,
)
from meterdrop.validate.readings import canonical_values, day_told, without_unit
from meterdrop.validate.told import cells_told

EXCHANGE_OUT: Final = "EXCHANGE_OUT"
"""The kind of a meter's last reading."""
_DIMENSIONS: Final = tuple(CANONICAL)
_ASKED: Final = ("device", "key", "radio_key", "unit", "dimension", "installed_from", "installed_to")


@dataclass(frozen=True)
class Matched:
    """The readings with `device` (null where none was found), `canonical_value` and `canonical_unit`."""

    frame: pd.DataFrame
    findings: pd.DataFrame


@dataclass(frozen=True)
class _Candidates:
    """Pairs of a row and a device that bears its name, ordered by row."""

    row: Numbers
    device: Numbers

    def count(self, *, rows: int, only: Mask | None = None) -> Numbers:
        """How many candidates each row has."""
        chosen = self.row if only is None else self.row[only]
        return np.bincount(chosen, minlength=rows).astype(np.int64)


@dataclass(frozen=True)
class _Found:
    """By row: the one device's position in the register (-1: none), and why there is none."""

    at: Numbers
    ambiguous: Mask
    before: Mask
    after: Mask


def check_against_register(
    frame: pd.DataFrame, *, register: pd.DataFrame, layout: Layout, radio_is_name: bool = False
) -> Matched:
    """Finds the device that was in service on each reading's day, and judges what the register says of it.

    `register` has device (int64), key, radio_key, unit, dimension (null: no unit, an allocator), installed_from and
    installed_to (null: still in service). A day that equals installed_to is fine. A row without a serial is not
    asked; one without a day is asked only for what needs none, so that one bad cell hides no other error.
    """
    rows = len(frame)
    register = _bearing(frame["SerialNum_key"], register, radio_is_name=radio_is_name)
    candidates = _candidates(frame, register, radio_is_name=radio_is_name)
    named = present(frame["SerialNum_key"])
    found = _in_service(frame, register, candidates)
    unknown = named & (candidates.count(rows=rows) == 0)
    dimension = _dimension(register, candidates, found=found, rows=rows)
    matched = frame.assign(
        device=_devices(register, found.at),
        canonical_value=canonical_values(frame),
        canonical_unit=_canonical_unit(frame),
    )
    missing, mismatch = _unit_defects(frame, dimension=dimension)
    findings = [
        cells_told(frame, unknown, code=Code.READING_NOT_IN_REGISTER, column="SerialNum", layout=layout),
        cells_told(
            frame, found.ambiguous, code=Code.DEVICE_AMBIGUOUS_SERIAL, column="SerialNum", layout=layout
        ),
        day_told(frame, found.before, code=Code.READING_BEFORE_INSTALLATION, layout=layout),
        day_told(frame, found.after, code=Code.READING_AFTER_REMOVAL, layout=layout),
        cells_told(frame, missing, code=Code.CELL_MISSING, column="Unit", layout=layout),
        cells_told(
            frame,
            mismatch,
            code=Code.READING_UNIT_MISMATCH,
            column="Unit",
            layout=layout,
            against=_units(register, found.at, dimension=dimension),
        ),
    ]
    return Matched(frame=matched, findings=join_findings(findings))


def _bearing(names: pd.Series, register: pd.DataFrame, *, radio_is_name: bool) -> pd.DataFrame:
    """The devices of these names: all that follows takes as long as the rows are many, not the devices."""
    distinct = pc.unique(arrow(names).drop_null())
    borne = pc.is_in(arrow(register["key"]), distinct)
    if radio_is_name:
        borne = pc.or_(borne, pc.is_in(arrow(register["radio_key"]), distinct))
    there = pa.array(np.flatnonzero(borne.to_numpy(zero_copy_only=False)))
    asked = [name for name in _ASKED if name in register.columns]
    return framed({name: arrow(register[name]).take(there) for name in asked})


def _candidates(frame: pd.DataFrame, register: pd.DataFrame, *, radio_is_name: bool) -> _Candidates:
    by_serial = _same_name(frame["SerialNum_key"], register["key"])
    if not radio_is_name:
        return by_serial
    by_radio = _same_name(frame["SerialNum_key"], register["radio_key"])
    second_try = by_serial.count(rows=len(frame))[by_radio.row] == 0
    row = np.concatenate((by_serial.row, by_radio.row[second_try]))
    device = np.concatenate((by_serial.device, by_radio.device[second_try]))
    order = np.argsort(row, kind="stable")
    return _Candidates(row=row[order], device=device[order])


def _same_name(names: pd.Series, known: pd.Series) -> _Candidates:
    """Every row with every device of the same name."""
    distinct = pc.unique(arrow(known).drop_null())
    of_device = codes(known, among=distinct)
    of_row = codes(names, among=distinct)
    by_name = np.argsort(of_device, kind="stable")
    bounds = np.searchsorted(of_device[by_name], np.arange(len(distinct) + 1))
    rows = np.flatnonzero(of_row >= 0)
    first, end = bounds[of_row[rows]], bounds[of_row[rows] + 1]
    count = end - first
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return _Candidates(row=np.repeat(rows, count), device=by_name[np.repeat(first, count) + within])


def _in_service(frame: pd.DataFrame, register: pd.DataFrame, candidates: _Candidates) -> _Found:
    """The device in service on the day. On the day of an exchange it is the new one, unless there is only the old, or
    the reading says that it is the old one's last (EXCHANGE_OUT)."""
    rows = len(frame)
    day = days(frame["Date"], empty=0)[candidates.row]
    start = days(register["installed_from"], empty=ALWAYS)[candidates.device]
    end = days(register["installed_to"], empty=NEVER)[candidates.device]
    dated = present(frame["Date"])
    active = dated[candidates.row] & (start <= day) & (day < end)
    last_day = dated[candidates.row] & (start <= day) & (day == end)
    in_service = candidates.count(rows=rows, only=active)
    leaving = candidates.count(rows=rows, only=last_day)
    read_out = is_word(frame["Kind"], EXCHANGE_OUT) & (leaving == 1)
    old = read_out | ((in_service == 0) & (leaving == 1))
    chosen = np.where(old[candidates.row], last_day, active & (in_service == 1)[candidates.row])
    at = np.full(rows, -1, dtype=np.int64)
    at[candidates.row[chosen]] = candidates.device[chosen]
    nobody = dated & (candidates.count(rows=rows) > 0) & (in_service == 0) & (leaving == 0)
    was_there = candidates.count(rows=rows, only=start <= day) > 0
    return _Found(
        at=at,
        ambiguous=~old & ((in_service > 1) | ((in_service == 0) & (leaving > 1))),
        before=nobody & ~was_there,
        after=nobody & was_there,
    )


def _dimension(register: pd.DataFrame, candidates: _Candidates, *, found: _Found, rows: int) -> Numbers:
    """The dimension of each row's device, or the one all its candidates share; -1 where that can't be told."""
    dimensions = codes(register["dimension"].fillna(NO_UNIT.dimension), among=pa.array(_DIMENSIONS))
    lowest, highest = np.full(rows, NEVER), np.full(rows, -1, dtype=np.int64)
    if len(candidates.row):
        owners, first = np.unique(candidates.row, return_index=True)
        lowest[owners] = np.minimum.reduceat(dimensions[candidates.device], first)
        highest[owners] = np.maximum.reduceat(dimensions[candidates.device], first)
    shared = np.where(lowest == highest, highest, -1)
    known = found.at >= 0
    shared[known] = dimensions[found.at[known]]
    return shared


def _unit_defects(frame: pd.DataFrame, *, dimension: Numbers) -> tuple[Mask, Mask]:
    """Rows without a unit whose device needs one, and rows with a unit of another dimension."""
    allocator = _DIMENSIONS.index(NO_UNIT.dimension)
    given = truth(frame["Unit_given"])
    sent = codes(frame["Unit_dimension"], among=pa.array(_DIMENSIONS))
    told = dimension >= 0
    missing = told & ~given & (dimension != allocator) & ~without_unit(frame)
    return missing, told & (sent >= 0) & (sent != dimension)


def _units(register: pd.DataFrame, at: Numbers, *, dimension: Numbers) -> pd.Series:
    """The unit each row's device is registered with; that of its dimension where the device can't be told."""
    own = arrow(register["unit"]).take(pa.array(at, pa.int64(), mask=at < 0))
    canonical = pa.array(list(CANONICAL.values())).take(pa.array(dimension, pa.int64(), mask=dimension < 0))
    return pd.Series(pd.arrays.ArrowExtensionArray(pc.coalesce(own, canonical)), dtype=TEXT)


def _devices(register: pd.DataFrame, at: Numbers) -> pd.Series:
    where = pa.array(at, pa.int64(), mask=at < 0)
    return pd.Series(pd.arrays.ArrowExtensionArray(arrow(register["device"]).take(where)), dtype=LINE)


def _canonical_unit(frame: pd.DataFrame) -> pd.Series:
    none = pa.scalar(NO_UNIT.canonical, pa.string())
    unit = pc.if_else(arrow(frame["Unit_given"]), arrow(frame["Unit_canonical"]), none)
    return pd.Series(pd.arrays.ArrowExtensionArray(unit), dtype=TEXT)
