"""Is the register right? One snapshot of devices: row by row, and rows against each other."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.model.errors import CannotRead
from meterdrop.model.layout import Layout
from meterdrop.tables import TEXT, Lines, findings_at, join_findings
from meterdrop.validate.arrays import (
    ALWAYS,
    NEVER,
    Mask,
    Numbers,
    arrow,
    days,
    is_word,
    numbered,
    present,
    truth,
)
from meterdrop.validate.periods import ended_by_the_next, overlapping
from meterdrop.validate.readings import HEATING

MANAGER: Final = "manager"
_PLACE: Final = ("owner", "place", "Media", "Room", "Seq")
_NAME: Final = ("owner", "SerialNumber_key")


@dataclass(frozen=True)
class Owned:
    """The devices with `owner`: the partner whose each is (null where nobody knows)."""

    frame: pd.DataFrame
    findings: pd.DataFrame


@dataclass(frozen=True)
class Snapshot:
    """What the rows of one file say of each other; `duplicates` are lines that repeat an earlier one."""

    findings: pd.DataFrame
    duplicates: Lines


def refuse_unless_registrar(*, group: int, kind: str) -> None:
    """A partner of group 1 sends readings only; the manager registers for it.

    Raises CannotRead `device.partner-may-not-register`: the whole file is refused.
    """
    if group == 1 and kind != MANAGER:
        raise CannotRead(Code.DEVICE_MAY_NOT_REGISTER)


def check_owners(
    frame: pd.DataFrame, *, sender: str, kind: str, partners: Collection[str], layout: Layout
) -> Owned:
    """Whose device is it? The manager names one of `partners` in the column Partner; others own what they send."""
    named = pc.utf8_lower(arrow(frame["Partner"]))
    if kind == MANAGER:
        known, owner = sorted(partners), named
        missing = ~present(frame["Partner"])
    else:
        known, owner = [sender], pc.fill_null(named, sender)
        missing = np.zeros(len(frame), dtype=np.bool_)
    there = pc.is_in(owner, pa.array(known, pa.string()))
    unknown = ~there.to_numpy(zero_copy_only=False) & ~missing
    owners = pc.if_else(there, owner, pa.scalar(None, pa.string()))
    findings = [
        _told(frame, missing, code=Code.CELL_MISSING, column="Partner", layout=layout),
        _told(frame, unknown, code=Code.DEVICE_UNKNOWN_PARTNER, column="Partner", layout=layout),
    ]
    owned = frame.assign(owner=pd.Series(pd.arrays.ArrowExtensionArray(owners), dtype=TEXT))
    return Owned(frame=owned, findings=join_findings(findings))


def check_devices(frame: pd.DataFrame, *, layout: Layout) -> pd.DataFrame:
    """Each row by itself: a unit unless it may be an allocator, and no end before the start."""
    unitless = ~truth(frame["TypeUnit_given"]) & present(frame["Media"]) & ~is_word(frame["Media"], HEATING)
    backwards = days(frame["DateTo"], empty=NEVER) < days(frame["DateFrom"], empty=ALWAYS)
    return join_findings(
        [
            _told(frame, unitless, code=Code.CELL_MISSING, column="TypeUnit", layout=layout),
            _told(frame, backwards, code=Code.CELL_NOT_ALLOWED, column="DateTo", layout=layout),
        ]
    )


def check_snapshot(frame: pd.DataFrame, *, layout: Layout) -> Snapshot:
    """The rows of a whole file against each other; only rows without an error, with their `owner`.

    An identical row is a duplicate. Two rows of one serial that are in service together are both
    `device.ambiguous-serial`; two devices at one place (Location, Media, Room, Seq) at the same time are both
    `device.overlap`, unless the later ends the former: by its DateFrom, or by ReplacesSerial.
    """
    again: Mask = frame.drop(columns="line").duplicated(keep="first").to_numpy(dtype=np.bool_)
    rows = frame.loc[~again].reset_index(drop=True)
    findings = [
        _told(
            rows, _ambiguous(rows), code=Code.DEVICE_AMBIGUOUS_SERIAL, column="SerialNumber", layout=layout
        ),
        _told(rows, _overlaps(rows), code=Code.DEVICE_OVERLAP, column="Location", layout=layout),
    ]
    return Snapshot(
        findings=join_findings(findings), duplicates=frame["line"].to_numpy(dtype=np.int64)[again]
    )


def _ambiguous(rows: pd.DataFrame) -> Mask:
    """Rows of one serial whose days of service meet; the same first day always does."""
    start, end = _service(rows)
    return overlapping(group=numbered(rows, columns=_NAME), start=start, end=np.maximum(end, start + 1))


def _overlaps(rows: pd.DataFrame) -> Mask:
    place = pc.utf8_upper(arrow(rows["Location"]))
    placed = rows.assign(place=pd.Series(pd.arrays.ArrowExtensionArray(place), dtype=TEXT))
    start, end = _service(rows)
    group = numbered(placed, columns=_PLACE)
    replaced = _replaced_on(rows, start=start, group=group)
    end = np.where(end == NEVER, replaced, end)
    return overlapping(group=group, start=start, end=ended_by_the_next(group=group, start=start, end=end))


def _replaced_on(rows: pd.DataFrame, *, start: Numbers, group: Numbers) -> Numbers:
    """The first day of the device at the same place that says it replaces this one; NEVER if none says so."""
    old = pd.DataFrame({"row": np.arange(len(rows)), "key": rows["SerialNumber_key"], "group": group})
    new = pd.DataFrame({"key": rows["ReplacesSerial_key"], "group": group, "day": start})
    another = (rows["ReplacesSerial_key"] != rows["SerialNumber_key"]).fillna(False).to_numpy(dtype=np.bool_)
    pairs = old.merge(new.loc[another], on=["key", "group"])
    first = pairs.groupby("row")["day"].min()
    replaced = np.full(len(rows), NEVER, dtype=np.int64)
    replaced[first.index.to_numpy(dtype=np.int64)] = first.to_numpy(dtype=np.int64)
    return np.maximum(replaced, start)


def _service(rows: pd.DataFrame) -> tuple[Numbers, Numbers]:
    return days(rows["DateFrom"], empty=ALWAYS + 1), days(rows["DateTo"], empty=NEVER)


def _told(frame: pd.DataFrame, mask: Mask, *, code: Code, column: str, layout: Layout) -> pd.DataFrame:
    where = np.flatnonzero(mask)
    return findings_at(
        line=frame["line"].to_numpy(dtype=np.int64)[where],
        code=code,
        column=layout.heading_of(column),
        value=frame[column].iloc[where].astype(TEXT),
    )
