"""What must a target know to be judged? The three acts that differ between readings, devices and records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import pandas as pd

from meterdrop.model.codes import Code, Severity
from meterdrop.model.errors import TryAgain
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.store.database import Store
from meterdrop.store.spool import Spool
from meterdrop.tables import Lines, TypedRows
from meterdrop.usecases.judging.ahead import Ahead
from meterdrop.usecases.judging.publication import Publication


@dataclass(frozen=True)
class Verdict:
    """What became of some rows: `good` goes on (it has `line`); errors among `findings` set their lines aside."""

    good: pd.DataFrame
    findings: pd.DataFrame


@dataclass(frozen=True)
class Occasion:
    """Why lines are judged: because they came (nothing said), or once more."""

    came_with: int | None = None
    """The delivery the lines came with: what deliveries after it told stays."""
    stored_by: int | None = None
    """Rows that this delivery stored are as if they were not there (its lines are checked once more)."""
    waived: frozenset[Code] = frozenset()
    """A person accepts lines in spite of these: such findings are told as warnings and set nothing aside."""
    left_out: Lines = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Lines that were not stored as they stand here, in order: they are nobody's neighbours and nobody's contradiction."""
    traces: bool = False
    """Which meter and day good lines are about is kept, to find the quarantined lines that they correct."""

    def softened(self, findings: pd.DataFrame) -> pd.DataFrame:
        """The findings, those of waived codes as warnings."""
        if not self.waived:
            return findings
        soft = findings["code"].isin([code.value for code in self.waived])
        return findings.assign(severity=findings["severity"].mask(soft, Severity.WARNING.value))


AS_IT_CAME: Final = Occasion()


def register_changed(partner: str) -> TryAgain:
    """What was judged by this partner's register is not published: the register is another one by now."""
    return TryAgain(f"the register of {partner} was changed meanwhile: the file is judged again")


def readings_changed(partner: str) -> TryAgain:
    """The same where this partner's readings are others by now than those beside which the file was judged."""
    return TryAgain(f"the readings of {partner} were changed meanwhile: the file is judged again")


class Rules(Protocol):
    """One target's rules for one delivery, with the facts they need."""

    register_version: int
    """Of which register these rules know; 0 where none is asked."""
    file_findings: tuple[Finding, ...]
    """What `settle` found out about the file as a whole."""

    def check(self, rows: TypedRows, *, layout: Layout) -> Sequence[pd.DataFrame]:
        """What is wrong with the rows by themselves: findings. A thread asks it of one block while another is judged."""
        ...

    def judge(self, rows: TypedRows, *, told: Sequence[pd.DataFrame], layout: Layout) -> Verdict:
        """Judges a block by itself and against the register. `good` columns are this target's own, plus line."""
        ...

    def settle(self, spool: Spool, *, occasion: Occasion, ahead: Ahead | None = None) -> int:
        """Judges all good rows together and against what is stored; rows of a large file are stored `ahead`.

        Reads `good` (with raw), writes the target's own names for `publish`, and `aside` (line, raw) with
        `aside-findings` for lines set aside now, and `told` for findings that set nothing aside; findings may be in
        parts. Returns how many lines are duplicates.
        """
        ...

    def make_room(self) -> None:
        """What `publish` needs to find in the database; in transactions of its own."""
        ...

    def publish(self, store: Store, *, spool: Spool, publication: Publication) -> None:
        """Stores what `settle` left, inside the caller's transaction; that of `ahead`, if anything was stored so."""
        ...

    def committed(self) -> None:
        """The transaction of `publish` was committed: now it may be remembered."""
        ...

    def links(self, spool: Spool) -> Iterator[pd.DataFrame]:
        """Which reading each good line tells (line, device, day), stored now or known already; in blocks by line.

        Lines set aside by `settle` may be among them. Nothing where the target has no readings.
        """
        ...
