"""What would the register be with this snapshot? Its rows laid over the devices we know."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.validate.arrays import ALWAYS, NEVER, Mask, Numbers, arrow, codes, days
from meterdrop.validate.matching import match, same_facts
from meterdrop.validate.periods import NOBODY
from meterdrop.validate.services import Services, named_services

FACTS: Final = (
    "serial",
    "radio",
    "radio_key",
    "media",
    "unit",
    "dimension",
    "location",
    "room",
    "seq",
    "installed_from",
    "stated_to",
    "correction",
    "radio_type",
    "start_value",
    "end_value",
    "digits",
    "role",
    "replaces",
    "replaces_key",
    "manufacturer",
    "verified_until",
    "parent_serial",
    "location_scheme",
)
"""What a row tells of a device, beside its partner, its number and the day of the snapshot."""

ROW_COLUMNS: Final = ("line", "partner", "serial_key", "seen_on", *FACTS)
KNOWN_COLUMNS: Final = ("device", "partner", "serial_key", "seen_on", "seen_in", "installed_to", *FACTS)


@dataclass(frozen=True)
class Told:
    """What one file tells: rows (ROW_COLUMNS; no two of one device with the same first day), and how it tells them.

    `columns`: the facts the file has columns for, an empty cell included; of the others it says nothing.
    `named`: partner and number (see `named_services`) of every row, right or wrong. `came_with`: the delivery of
    lines that are judged again later.
    """

    rows: pd.DataFrame
    columns: Collection[str]
    named: pa.Array
    came_with: int | None
    dated: pd.DataFrame | None = None
    """Rows that say of which day the snapshot is, where these are more than `rows`."""


@dataclass(frozen=True)
class Matched:
    """Which row tells of which known service, row by row.

    `at`: the known one (NOBODY: a new one). `unclear`: one that may be meant or not. `older`: we know the device
    from a later snapshot, so nothing is taken from the row; `repeats`: and it says the same.
    """

    at: Numbers
    unclear: Numbers
    older: Mask
    repeats: Mask

    @property
    def taken(self) -> Mask:
        """The rows that say something of the register as it is or was."""
        taken: Mask = (self.unclear == NOBODY) & ~self.older
        return taken


def match_rows(told: Told, *, known: pd.DataFrame) -> Matched:
    """Finds the known service of each row; `known` has KNOWN_COLUMNS.

    A row is older if a later snapshot named its device. Of two snapshots of one day the one that came last counts.
    """
    rows = told.rows
    seen = days(rows["seen_on"], empty=ALWAYS)
    ends = Services.of(rows, seen=seen, named=seen).ends.day
    found = match(rows, ends=ends, known=known, known_ends=days(known["installed_to"], empty=NEVER))
    hit = np.flatnonzero(found.at != NOBODY)
    ours = rows.iloc[hit].reset_index(drop=True)
    theirs = known.iloc[found.at[hit]].reset_index(drop=True)
    older, repeats = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    older[hit] = _is_older(ours, theirs, came_with=told.came_with)
    repeats[hit] = older[hit] & same_facts(ours, theirs, columns=[*told.columns])
    return Matched(at=found.at, unclear=found.unclear, older=older, repeats=repeats)


def _is_older(ours: pd.DataFrame, theirs: pd.DataFrame, *, came_with: int | None) -> Mask:
    now, then = days(ours["seen_on"], empty=ALWAYS), days(theirs["seen_on"], empty=ALWAYS)
    older: Mask = now < then
    if came_with is not None:
        older |= (now == then) & (theirs["seen_in"].to_numpy(dtype=np.int64) > came_with)
    return older


@dataclass(frozen=True)
class Register:
    """The register with some rows of a file laid over it.

    By service, the known ones in their order and then the new ones: `row` tells of it (NOBODY: none), `base` is
    the known service it was (NOBODY: new); `frame` has its facts.
    """

    row: Numbers
    base: Numbers
    frame: pd.DataFrame
    services: Services
    latest: Numbers
    """The day of its partner's newest row in this file; ALWAYS where there is none."""
    named: Mask
    """This file names it, be it on a bad line."""

    @property
    def touched(self) -> Mask:
        """Which services the rows tell of."""
        touched: Mask = self.row != NOBODY
        return touched


def lay_over(told: Told, *, known: pd.DataFrame, matched: Matched, chosen: Mask) -> Register:
    """The chosen rows, laid over the known services they tell of or added as new ones."""
    over = np.flatnonzero(chosen & (matched.at != NOBODY))
    new = np.flatnonzero(chosen & (matched.at == NOBODY))
    row = np.concatenate((np.full(len(known), NOBODY, dtype=np.int64), new))
    row[matched.at[over]] = over
    base = np.concatenate((np.arange(len(known)), np.full(len(new), NOBODY, dtype=np.int64)))
    frame = _laid_over(told.rows, known, row=row, base=base, columns=told.columns)
    name = named_services(partner=frame["partner"], serial_key=frame["serial_key"])
    named = pc.is_in(name, told.named).to_numpy(zero_copy_only=False)
    latest = _latest(frame["partner"], rows=told.rows if told.dated is None else told.dated)
    seen = days(frame["seen_on"], empty=ALWAYS)
    # A file is one snapshot: what it tells and names, it tells and names on its newest day.
    today = np.maximum(seen, latest)
    services = Services.of(
        frame, seen=np.where(row == NOBODY, seen, today), named=np.where(named, today, seen)
    )
    return Register(row=row, base=base, frame=frame, services=services, latest=latest, named=named)


def _laid_over(
    rows: pd.DataFrame, known: pd.DataFrame, *, row: Numbers, base: Numbers, columns: Collection[str]
) -> pd.DataFrame:
    """Of each service: what its row tells, and what was known where the file has no such column."""
    told = np.where(row == NOBODY, base, len(known) + row)
    untold = np.where(base == NOBODY, len(known) + row, base)
    always = ("partner", "serial_key", "seen_on")
    return pd.DataFrame(
        {
            name: _taken(known[name], rows[name], told if name in columns or name in always else untold)
            for name in (*always, *FACTS)
        }
    )


def _taken(known: pd.Series, rows: pd.Series, at: Numbers) -> pd.Series:
    cells = pa.concat_arrays([arrow(known), arrow(rows)]).take(pa.array(at))
    return pd.Series(pd.arrays.ArrowExtensionArray(cells))


def _latest(partner: pd.Series, *, rows: pd.DataFrame) -> Numbers:
    distinct = pc.unique(arrow(rows["partner"]))
    day = np.full(len(distinct) + 1, ALWAYS, dtype=np.int64)
    np.maximum.at(day, codes(rows["partner"], among=distinct), days(rows["seen_on"], empty=ALWAYS))
    return day[codes(partner, among=distinct)]  # -1, nobody's, is the last place: ALWAYS
