"""One range of devices is settled: its rows against each other, and against what is stored around them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from meterdrop.model.codes import Code, Severity
from meterdrop.store.spool import PORTION, Spool, part
from meterdrop.tables import Lines, join_findings, only, taken
from meterdrop.usecases.judging.device_ranges import ROWS_TOGETHER
from meterdrop.usecases.judging.rules import Occasion
from meterdrop.usecases.judging.stored_readings import StoredReadings
from meterdrop.validate.arrays import Mask, device_days, is_word, truth
from meterdrop.validate.deltas import check_deltas
from meterdrop.validate.meters import Meters
from meterdrop.validate.neighbours import check_neighbours
from meterdrop.validate.readings import ReadingRules
from meterdrop.validate.repeated import KEY_COLUMNS, check_in_file, told_in
from meterdrop.validate.repeats import check_against_stored

ROW_COLUMNS: Final = [
    "line",
    "device",
    "day",
    "value",
    "unit",
    "canonical_value",
    "canonical_unit",
    "kind",
    "estimated",
    "status",
    "serial",
    "delta",
]
"""What a reading has that can be stored."""


@dataclass(frozen=True)
class Settling:
    """Settles one range of devices after another; what it needs to do so."""

    stored: StoredReadings
    register: pd.DataFrame
    """The devices, by id: as much of them is asked as a range needs."""
    rules: ReadingRules
    delta: bool
    """These are consumptions, not states of registers: other rules between them."""
    heading: str | None
    occasion: Occasion

    def __call__(self, spool: Spool, *, name: str, number: int) -> int:
        """The rows under `name` become the parts of that `number` of `new`, `superseding`, `told` and `aside-findings`.

        Each part has its own devices: new and superseding rows are in order of device and day, findings by line.
        Returns how many lines are duplicates.
        """
        rows, duplicates = self._once_each(spool, name=name, number=number)
        if len(rows) == 0:
            return duplicates
        stored = self.stored.around(rows)
        repeats = check_against_stored(rows, stored=stored, came_with=self.occasion.came_with)
        left = _without(rows, repeats.duplicates, _errors(repeats.findings))
        found = self.occasion.softened(self._beside(left, stored=stored, meters=self._meters(rows)))
        wrong = _errors(found)
        corrects = is_word(repeats.findings["code"], Code.READING_CORRECTION.value)
        told = only(repeats.findings, ~(corrects & _among(repeats.findings["line"], wrong)))
        _tell(spool, join_findings([told, found]), number=2 * number + 1)
        right = _without(left, wrong)
        superseding = _among(right["line"], repeats.corrections)
        for kind, mask in (("new", ~superseding), ("superseding", superseding)):
            spool.add(part(kind, number), only(right, mask), portion=PORTION)
        return duplicates + len(repeats.duplicates)

    def _once_each(self, spool: Spool, *, name: str, number: int) -> tuple[pd.DataFrame, int]:
        """Each device and day once, in that order, and how many lines told the same again."""
        blocks: Iterable[pd.DataFrame] = spool.blocks(name, columns=ROW_COLUMNS, together=ROWS_TOGETHER)
        if spool.count(name) <= ROWS_TOGETHER:
            blocks = list(blocks)
            told = told_in(blocks)
        else:
            told = told_in(spool.blocks(name, columns=KEY_COLUMNS, together=ROWS_TOGETHER))
        kept: list[pd.DataFrame] = []
        duplicates = 0
        for block in blocks:
            in_file = check_in_file(block, told=told)
            duplicates += len(in_file.duplicates)
            _tell(spool, in_file.findings, number=2 * number)
            kept.append(_without(block, in_file.duplicates, _errors(in_file.findings)))
        if not kept:
            return pd.DataFrame(columns=ROW_COLUMNS), duplicates
        rows = pd.concat(kept, ignore_index=True)
        order = np.argsort(device_days(rows), kind="stable")
        return taken(rows, order), duplicates

    def _meters(self, rows: pd.DataFrame) -> Meters:
        """What the register says of the devices from the first to the last of these rows, which are in order."""
        devices = rows["device"].to_numpy(dtype=np.int64)
        known = self.register["device"].to_numpy(dtype=np.int64)
        first, end = np.searchsorted(known, (devices[0], devices[-1] + 1))
        return Meters.of(self.register.iloc[first:end].reset_index(drop=True), rules=self.rules)

    def _beside(self, rows: pd.DataFrame, *, stored: pd.DataFrame, meters: Meters) -> pd.DataFrame:
        """Readings of the other kind are no neighbours (a state says nothing of a consumption), nor m³ of MJ."""
        alike = (truth(stored["delta"]) == self.delta) & meters.measured_in(
            stored["canonical_unit"], devices=stored["device"].to_numpy(dtype=np.int64)
        )
        same_kind = only(stored, alike)
        if self.delta:
            return check_deltas(rows, stored=same_kind, meters=meters, heading=self.heading)
        return check_neighbours(
            rows,
            stored=same_kind,
            meters=meters,
            hasty=Code.READING_IMPLAUSIBLE_RISE in self.occasion.waived,
            heading=self.heading,
        )


def _tell(spool: Spool, findings: pd.DataFrame, *, number: int) -> None:
    """Errors, which set their lines aside, and the rest."""
    wrong = is_word(findings["severity"], Severity.ERROR.value)
    for kind, mask in (("aside-findings", wrong), ("told", ~wrong)):
        spool.add(part(kind, number), only(findings, mask), portion=PORTION)


def _errors(findings: pd.DataFrame) -> Lines:
    lines = findings["line"].to_numpy(dtype=np.int64)
    return np.unique(lines[is_word(findings["severity"], Severity.ERROR.value)])


def _among(line: pd.Series, some: Lines) -> Mask:
    return np.isin(line.to_numpy(dtype=np.int64), some)


def _without(rows: pd.DataFrame, *gone: Lines) -> pd.DataFrame:
    """The rows that are on none of these lines."""
    lines = np.concatenate(gone)
    return only(rows, ~_among(rows["line"], lines)) if len(lines) else rows
