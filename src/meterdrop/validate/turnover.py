"""What became of the meters? Exchanged, put up elsewhere, missing from the snapshot, named but unknown."""

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code, severity_of
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.tables import DAY, LINE, TEXT, findings_at, join_findings
from meterdrop.validate.arrays import ALWAYS, NEVER, Mask, Numbers, arrow, days, present
from meterdrop.validate.changes import Settled, words_of
from meterdrop.validate.periods import NOBODY
from meterdrop.validate.services import named_services, places

_ARROW: Final = "→"


def tell_turnover(settled: Settled, *, layout: Layout) -> pd.DataFrame:
    """Information and warnings of rows that are right, by line."""
    return join_findings(
        [
            settled.older,
            _ended_by_another(settled, layout=layout),
            _placed_otherwise(settled, layout=layout),
            _unknown_replaced(settled, layout=layout),
            _unknown_parents(settled, layout=layout),
        ]
    )


def _ended_by_another(settled: Settled, *, layout: Layout) -> pd.DataFrame:
    """`device.exchanged`, `device.moved`: a service we knew, or one of this file beside it, ends otherwise now.

    Told on the line of the one that ends it, or, where only the ended one is in this file, on its own.
    """
    register, by = settled.register, settled.register.services.ends.by
    ended = np.flatnonzero((by != NOBODY) & (settled.end != settled.before))
    line = cause_of(settled)[ended]
    # Two devices of which this very file told first, side by side, are no news.
    news = (line != NOBODY) & ((register.base[ended] != NOBODY) | (register.base[by[ended]] != NOBODY))
    ended, line = ended[news], line[news]
    serial = register.services.serial
    again = serial[ended] == serial[by[ended]]
    frame = register.frame
    old, new = frame.iloc[ended].reset_index(drop=True), frame.iloc[by[ended]].reset_index(drop=True)
    arrows = pd.Series(pa.repeat(_ARROW, len(ended)), dtype=TEXT)
    exchanged = words_of(old["serial"], arrows, new["serial"], new["installed_from"])
    moved = words_of(
        old["location"], old["room"], arrows, new["location"], new["room"], new["installed_from"]
    )
    return join_findings(
        [
            _at(line[~again], Code.DEVICE_EXCHANGED, new["serial"][~again], exchanged[~again], layout),
            _at(line[again], Code.DEVICE_MOVED, new["serial"][again], moved[again], layout),
        ]
    )


def _placed_otherwise(settled: Settled, *, layout: Layout) -> pd.DataFrame:
    """`device.moved`: the same service is at another place than we knew."""
    register = settled.register
    where = np.flatnonzero(register.touched & (register.base != NOBODY))
    now = register.frame.iloc[where].reset_index(drop=True)
    then = settled.known.iloc[register.base[where]].reset_index(drop=True)
    columns = ["partner", "location", "media", "room", "seq"]
    place = places(pd.concat([now[columns], then[columns]], ignore_index=True))
    other = place[: len(where)] != place[len(where) :]
    arrows = pd.Series(pa.repeat(_ARROW, len(where)), dtype=TEXT)
    against = words_of(*(then[name] for name in columns[1:]), arrows, *(now[name] for name in columns[1:]))
    return _at(settled.lines[where][other], Code.DEVICE_MOVED, now["serial"][other], against[other], layout)


def _unknown_replaced(settled: Settled, *, layout: Layout) -> pd.DataFrame:
    """`device.unknown-reference`: ReplacesSerial names no meter that could have been replaced on that day."""
    register, services = settled.register, settled.register.services
    claims = _news(settled) & present(register.frame["replaces_key"])
    new, old = services.replaced_pairs
    held = services.stated[old] != NEVER
    outlived = held & (services.stated[old] > services.start[new])
    well = np.zeros(len(claims), dtype=np.bool_)
    well[new[~outlived]] = True
    where = np.flatnonzero(claims & ~well)
    return findings_at(
        line=settled.lines[where],
        code=Code.DEVICE_UNKNOWN_REFERENCE,
        column=layout.heading_of("ReplacesSerial"),
        value=register.frame["replaces"].iloc[where],
    )


def _unknown_parents(settled: Settled, *, layout: Layout) -> pd.DataFrame:
    """`device.unknown-reference`: ParentSerial names no meter of the register."""
    register = settled.register
    where = np.flatnonzero(_news(settled))
    rows = settled.rows.iloc[register.row[where]].reset_index(drop=True)
    parent = named_services(partner=rows["partner"], serial_key=rows["parent_key"])
    known = named_services(partner=register.frame["partner"], serial_key=register.frame["serial_key"])
    there = pc.is_in(parent, known).to_numpy(zero_copy_only=False)
    lost = present(rows["parent_key"]) & ~there
    return findings_at(
        line=settled.lines[where][lost],
        code=Code.DEVICE_UNKNOWN_REFERENCE,
        column=layout.heading_of("ParentSerial"),
        value=rows["parent_serial"][lost],
    )


def _news(settled: Settled) -> Mask:
    """Services that are new or told otherwise: of the others it was said before."""
    news: Mask = settled.register.touched & ((settled.register.base == NOBODY) | settled.facts_changed)
    return news


def _at(line: Numbers, code: Code, serial: pd.Series, against: pd.Series, layout: Layout) -> pd.DataFrame:
    return findings_at(
        line=line, code=code, column=layout.heading_of("SerialNumber"), value=serial, against=against
    )


def missing(settled: Settled) -> tuple[Finding, ...]:
    """`device.missing-from-snapshot`: known devices in service that the newest snapshot of their partner leaves out.

    Flagged, never deleted; and not if a bad line names them. An older snapshot says nothing of who is missing.
    """
    register, known = settled.register, len(settled.known)
    latest, seen = register.latest[:known], days(settled.known["seen_on"], empty=ALWAYS)
    newest = np.full(len(register.latest), ALWAYS, dtype=np.int64)
    partner = pc.dictionary_encode(arrow(settled.known["partner"])).indices.to_numpy()
    np.maximum.at(newest, partner, seen)
    is_newest = latest >= newest[partner]
    start = register.services.start[:known]
    serves = (start <= latest) & (settled.end[:known] > latest)
    where = np.flatnonzero(is_newest & (seen < latest) & serves & ~register.named[:known])
    code = Code.DEVICE_MISSING_FROM_SNAPSHOT
    left = settled.known.iloc[where].sort_values(["partner", "serial_key"])
    return tuple(
        Finding(code=code, severity=severity_of(code), value=str(serial), against=str(day))
        for serial, day in zip(left["serial"], left["seen_on"], strict=True)
    )


def cause_of(settled: Settled) -> Numbers:
    """By service: the line of the one that ends it, else its own; NOBODY where this file tells of neither."""
    line, by = settled.lines, settled.register.services.ends.by
    ending = np.where(by == NOBODY, NOBODY, line[by])
    return np.where(ending == NOBODY, line, ending)


def narrowed(settled: Settled) -> pd.DataFrame:
    """Known devices that serve fewer days now: device, partner, start, end (null: in service) and line (or null).

    Readings stored for them may lie outside of their service by now.
    """
    register, where = settled.register, _narrowed(settled)
    end = settled.end
    line = cause_of(settled)[where]
    device = settled.known.iloc[where]
    return pd.DataFrame(
        {
            "device": device["device"].reset_index(drop=True),
            "partner": device["partner"].reset_index(drop=True),
            "serial": device["serial"].reset_index(drop=True),
            "start": register.frame["installed_from"].iloc[where].reset_index(drop=True),
            "end": day_column(end[where]),
            "line": pd.Series(pa.array(line, pa.int64(), mask=line == NOBODY), dtype=LINE),
        }
    )


def _narrowed(settled: Settled) -> Numbers:
    known = len(settled.known)
    later = settled.register.services.start[:known] > days(settled.known["installed_from"], empty=ALWAYS)
    fewer: Numbers = np.flatnonzero(later | (settled.end[:known] < settled.before[:known]))
    return fewer


def elsewhere(settled: Settled) -> pd.DataFrame:
    """The other services of the numbers of those narrowed: device, start and end (null: in service) of each.

    `device` is the narrowed one: readings of days on which the meter served elsewhere go there. `other` is the
    other one, null if it is new.
    """
    where = _narrowed(settled)
    serial = settled.register.services.serial
    of_number = pd.DataFrame({"serial": serial, "other": np.arange(len(serial))})
    asked = pd.DataFrame({"serial": serial[where], "own": where})
    pairs = asked.merge(of_number[np.isin(serial, serial[where])], on="serial").query("own != other")
    own, other = pairs["own"].to_numpy(dtype=np.int64), pairs["other"].to_numpy(dtype=np.int64)
    base = settled.register.base[other]
    ids = arrow(settled.known["device"]).take(pa.array(base, pa.int64(), mask=base == NOBODY))
    return pd.DataFrame(
        {
            "device": settled.known["device"].iloc[own].reset_index(drop=True),
            "start": settled.register.frame["installed_from"].iloc[other].reset_index(drop=True),
            "end": day_column(settled.end[other]),
            "other": pd.Series(pd.arrays.ArrowExtensionArray(ids), dtype=LINE),
        }
    )


def renewed_numbers(settled: Settled) -> pd.DataFrame:
    """Numbers (partner, serial_key) of several services of which one is new or has other days than before.

    Their readings may belong to another one of them now.
    """
    register = settled.register
    serial, start = register.services.serial, register.services.start
    first = np.append(days(settled.known["installed_from"], empty=ALWAYS), ALWAYS)[register.base]
    other = (register.base == NOBODY) | (settled.end != settled.before) | (start != first)
    several = np.bincount(serial)[serial] > 1
    _, where = np.unique(
        np.where(np.isin(serial, serial[other & several]), serial, NOBODY), return_index=True
    )
    where = where[np.isin(serial[where], serial[other & several])]
    return register.frame[["partner", "serial_key"]].iloc[where].reset_index(drop=True)


def day_column(day: Numbers) -> pd.Series:
    """Days since 1970 as dates; null for NEVER."""
    return pd.Series(
        pd.arrays.ArrowExtensionArray(
            pa.array(np.where(day == NEVER, 0, day).astype(np.int32), pa.int32(), mask=day == NEVER).cast(
                pa.date32()
            )
        ),
        dtype=DAY,
    )
