"""Snapshots and registers for the tests of the register's rules, said in few words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from meterdrop.tables import DAY, DECIMAL, LINE, TEXT
from meterdrop.validate.changes import Settled, settle
from meterdrop.validate.periods import NOBODY
from meterdrop.validate.services import named_services
from meterdrop.validate.snapshot import FACTS, Told
from meterdrop.validate.turnover import day_column
from tests.unit.validate.typed import layout

LAYOUT = layout("Date", "Location", "SerialNumber", "ReplacesSerial", "ParentSerial")
COLUMNS = frozenset(FACTS)

_TYPES = {
    "line": LINE,
    "device": LINE,
    "seen_in": LINE,
    "seq": LINE,
    "digits": LINE,
    "installed_from": DAY,
    "installed_to": DAY,
    "stated_to": DAY,
    "verified_until": DAY,
    "seen_on": DAY,
    "correction": DECIMAL,
    "start_value": DECIMAL,
    "end_value": DECIMAL,
}


@dataclass(frozen=True)
class Row:
    """One row of a register file, or one service that we know; days as ISO texts, empty for none."""

    serial: str
    since: str = "2020-01-01"
    until: str = ""
    at: str = "A"
    replaces: str = ""
    seen: str = "2026-01-01"
    maker: str = ""
    owner: str = "techem"
    parent: str = ""
    ends: str = ""
    """Of a service we know: the day it really ends."""

    @property
    def key(self) -> str:
        """The name by which it is matched."""
        return _key(self.serial) or "0"


def _key(serial: str) -> str:
    return serial.upper().replace(" ", "").lstrip("0")


def _facts(row: Row) -> dict[str, Any]:
    return {
        "partner": row.owner,
        "serial": row.serial,
        "serial_key": row.key,
        "radio": "-",
        "media": "CW",
        "unit": "m3",
        "dimension": "volume",
        "location": row.at,
        "room": "WC",
        "seq": 1,
        "installed_from": date.fromisoformat(row.since),
        "stated_to": _day(row.until),
        "correction": 1,
        "role": "UNIT",
        "replaces": row.replaces or None,
        "replaces_key": _key(row.replaces) or None,
        "manufacturer": row.maker or None,
        "parent_serial": row.parent or None,
        "parent_key": _key(row.parent) or None,
        "seen_on": date.fromisoformat(row.seen),
    }


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _frame(told: Sequence[dict[str, Any]], *, columns: Iterable[str]) -> pd.DataFrame:
    types = {name: _TYPES.get(name, TEXT) for name in columns}
    return pd.DataFrame(
        {
            name: pd.Series(
                pa.array([each.get(name) for each in told], pa.string() if dtype is TEXT else None).cast(
                    dtype.pyarrow_dtype
                ),
                dtype=dtype,
            )
            for name, dtype in types.items()
        }
    )


def rows_of(rows: Sequence[Row]) -> pd.DataFrame:
    """The good rows of a file, from line 2 on."""
    told = [{**_facts(row), "line": line} for line, row in enumerate(rows, start=2)]
    return _frame(told, columns=["line", "partner", "serial_key", "seen_on", *FACTS, "parent_key"])


def known_of(known: Sequence[Row], *, seen_in: int = 1) -> pd.DataFrame:
    """Services that we know, their ids from 1 on, told by that delivery."""
    told = [
        {**_facts(row), "device": device, "seen_in": seen_in, "installed_to": _day(row.ends or row.until)}
        for device, row in enumerate(known, start=1)
    ]
    columns = ["device", "partner", "serial_key", "seen_on", "seen_in", "installed_to", *FACTS]
    return _frame(told, columns=columns)


def snapshot(
    *rows: Row,
    known: Sequence[Row] = (),
    columns: frozenset[str] = COLUMNS,
    also_named: Sequence[Row] = (),
    came_with: int | None = None,
    seen_in: int = 1,
) -> Settled:
    """What these rows come to beside what we know; `also_named` stand on bad lines of the file."""
    frame, others = rows_of(rows), rows_of([*rows, *also_named])
    named = named_services(partner=others["partner"], serial_key=others["serial_key"])
    told = Told(rows=frame, columns=columns, named=named, came_with=came_with)
    return settle(told, known=known_of(known, seen_in=seen_in), layout=LAYOUT)


def register_of(settled: Settled) -> list[Row]:
    """The register after it, each with the day it really ends, in the order of serial and first day."""
    frame = settled.register.frame.assign(installed_to=day_column(settled.end))
    return sorted(
        (
            Row(
                serial=row["serial"],
                since=str(row["installed_from"]),
                until=_text(row["stated_to"]),
                at=row["location"],
                replaces=_text(row["replaces"]),
                seen=str(row["seen_on"]),
                maker=_text(row["manufacturer"]),
                owner=row["partner"],
                parent=_text(row["parent_serial"]),
                ends=_text(row["installed_to"]),
            )
            for row in frame.to_dict("records")
        ),
        key=lambda row: (row.owner, row.key, row.since, row.at),
    )


def _text(cell: object) -> str:
    return "" if cell is None or cell is pd.NA or cell is pd.NaT or cell != cell else str(cell)


def service(serial: str, since: str, ends: str = "", at: str = "A") -> tuple[str, str, str, str]:
    """A service in few words: see `services`."""
    return serial, since, ends, at


def services(settled: Settled) -> list[tuple[str, str, str, str]]:
    """Serial, first day, end and location of every service of the register after it."""
    return [(row.serial, row.since, row.ends, row.at) for row in register_of(settled)]


def added(settled: Settled) -> list[int]:
    """Lines that told of new services."""
    new = (settled.register.base == NOBODY) & (settled.register.row != NOBODY)
    return sorted(int(line) for line in settled.lines[new])


def later(row: Row, *, seen: str) -> Row:
    """The same in another snapshot."""
    return replace(row, seen=seen)


def said(findings: pd.DataFrame) -> list[tuple[int, str, str | None]]:
    """Line, code and what it was compared with."""
    against = [None if pd.isna(text) else str(text) for text in findings["against"]]
    told = zip(findings["line"], findings["code"], against, strict=True)
    return sorted((int(line), str(code), other) for line, code, other in told)


assert {field.name for field in fields(Row)} >= {"serial", "since", "until", "at"}
assert np.int64(NOBODY) == -1
