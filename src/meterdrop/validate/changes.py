"""What does a snapshot change in the register, and which of its rows cannot be true?"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.model.layout import Layout
from meterdrop.tables import TEXT, Lines, findings_at, join_findings
from meterdrop.validate.arrays import NEVER, Mask, Numbers, arrow, days, numbered
from meterdrop.validate.matching import same_facts
from meterdrop.validate.periods import NOBODY
from meterdrop.validate.snapshot import FACTS, Matched, Register, Told, lay_over, match_rows

_SHOWN: Final = {"SerialNumber": "serial", "Location": "location"}
"""The facts that findings quote, by their columns."""

_ROUNDS: Final = 5
"""A row that is set aside may leave another one without its place; so often we look again."""


@dataclass(frozen=True)
class Settled:
    """What the rows come to: the register with them, and what is told of them."""

    register: Register
    known: pd.DataFrame
    rows: pd.DataFrame
    end: Numbers
    """By service: its last day; NEVER while it serves."""
    wrong: pd.DataFrame
    """Findings of rows that cannot be true beside the others or the register."""
    older: pd.DataFrame
    """Findings of rows that a later snapshot has overtaken."""
    duplicates: Lines
    """Lines of which nothing was taken: they repeat another line, or a later snapshot overtook them."""

    @property
    def lines(self) -> Numbers:
        """By service: the line that tells of it; NOBODY where there is none."""
        line = np.append(self.rows["line"].to_numpy(dtype=np.int64), NOBODY)
        return line[self.register.row]

    @property
    def before(self) -> Numbers:
        """By service: its last day as it was known; NEVER for those in service and for new ones."""
        return np.append(days(self.known["installed_to"], empty=NEVER), NEVER)[self.register.base]

    @property
    def facts_changed(self) -> Mask:
        """Known services of which the file tells otherwise than we knew."""
        where = np.flatnonzero(self.register.touched & (self.register.base != NOBODY))
        ours = self.register.frame.iloc[where].reset_index(drop=True)
        theirs = self.known.iloc[self.register.base[where]].reset_index(drop=True)
        changed = np.zeros(len(self.register.row), dtype=np.bool_)
        changed[where] = ~same_facts(ours, theirs, columns=list(FACTS))
        return changed


def settle(told: Told, *, known: pd.DataFrame, layout: Layout) -> Settled:
    """Lays the rows over the known services (KNOWN_COLUMNS) and sets aside those that cannot be.

    A repeated row is a duplicate. `device.ambiguous-serial`: two services of one number meet, and are not one
    meter put up elsewhere. `device.overlap`: two meters stand at one place at once, and none ends the other.
    """
    again = told.rows.drop(columns="line").duplicated(keep="first").to_numpy(dtype=np.bool_)
    first = told.rows.loc[~again].reset_index(drop=True)
    twin = _twins(first)
    rows = first.loc[twin == NOBODY].reset_index(drop=True)
    said = replace(told, rows=rows, dated=told.rows)
    matched = match_rows(said, known=known)
    register, conflicts = _without_conflicts(said, known=known, matched=matched, layout=layout)
    ambiguous = [
        _ambiguous(first, meets=twin, others=first, layout=layout),
        _ambiguous(rows, meets=matched.unclear, others=known, layout=layout),
    ]
    return Settled(
        register=register,
        known=known,
        rows=rows,
        end=register.services.ends.day,
        wrong=join_findings([*ambiguous, *conflicts]),
        older=_older(rows, matched=matched, known=known, layout=layout),
        duplicates=np.concatenate((_lines(told.rows, again), _lines(rows, matched.older))),
    )


def _twins(rows: pd.DataFrame) -> Numbers:
    """By row: another one of the same number and first day; NOBODY where there is none."""
    group = numbered(rows, columns=("partner", "serial_key", "installed_from"))
    order = np.argsort(group, kind="stable")
    same = group[order][1:] == group[order][:-1]
    twin = np.full(len(rows), NOBODY, dtype=np.int64)
    twin[order[:-1][same]] = order[1:][same]
    twin[order[1:][same]] = order[:-1][same]
    return twin


def _without_conflicts(
    told: Told, *, known: pd.DataFrame, matched: Matched, layout: Layout
) -> tuple[Register, list[pd.DataFrame]]:
    """The register with those rows that stand beside all others, and the findings of those that don't."""
    chosen = matched.taken
    found: list[pd.DataFrame] = []
    for _ in range(_ROUNDS):
        register = lay_over(told, known=known, matched=matched, chosen=chosen)
        conflicts, touched = register.services.conflicts, register.touched
        wrong = touched & ((conflicts.serial != NOBODY) | (conflicts.place != NOBODY))
        if not wrong.any():
            return register, found
        ours = told.rows.iloc[register.row[touched]].reset_index(drop=True)
        found.append(_ambiguous(ours, meets=conflicts.serial[touched], others=register.frame, layout=layout))
        found.append(
            _told(
                ours,
                meets=conflicts.place[touched],
                others=register.frame,
                code=Code.DEVICE_OVERLAP,
                column="Location",
                layout=layout,
            )
        )
        chosen[register.row[wrong]] = False
    return lay_over(told, known=known, matched=matched, chosen=chosen), found


def _ambiguous(rows: pd.DataFrame, *, meets: Numbers, others: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    return _told(
        rows,
        meets=meets,
        others=others,
        code=Code.DEVICE_AMBIGUOUS_SERIAL,
        column="SerialNumber",
        layout=layout,
    )


def _told(
    rows: pd.DataFrame, *, meets: Numbers, others: pd.DataFrame, code: Code, column: str, layout: Layout
) -> pd.DataFrame:
    """A finding for each row that meets one of the others, and which."""
    where = np.flatnonzero(meets != NOBODY)
    other = others.iloc[meets[where]].reset_index(drop=True)
    return findings_at(
        line=_lines(rows, where),
        code=code,
        column=layout.heading_of(column),
        value=rows[_SHOWN[column]].iloc[where],
        against=words_of(other["serial"], other["location"], other["installed_from"]),
    )


def _older(rows: pd.DataFrame, *, matched: Matched, known: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """Rows that say otherwise than a later snapshot, and the day of that one."""
    where = np.flatnonzero(matched.older & ~matched.repeats)
    return findings_at(
        line=_lines(rows, where),
        code=Code.DEVICE_OLDER_SNAPSHOT,
        column=layout.heading_of("Date"),
        value=_text(rows["seen_on"].iloc[where]),
        against=_text(known["seen_on"].iloc[matched.at[where]]),
    )


def _lines(rows: pd.DataFrame, chosen: Mask | Numbers) -> Lines:
    return rows["line"].to_numpy(dtype=np.int64)[chosen]


def words_of(*columns: pd.Series) -> pd.Series:
    """Cells of several columns side by side: `10206 DUM1/1/01 2024-01-01`."""
    texts = [pc.fill_null(pc.cast(arrow(column), pa.string()), "–") for column in columns]
    return pd.Series(pd.arrays.ArrowExtensionArray(pc.binary_join_element_wise(*texts, " ")), dtype=TEXT)


def _text(column: pd.Series) -> pd.Series:
    return pd.Series(pd.arrays.ArrowExtensionArray(pc.cast(arrow(column), pa.string())), dtype=TEXT)
