"""What must a target know to be judged? The three acts that differ between readings, devices and records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pandas as pd

from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.store.database import Store
from meterdrop.store.spool import Spool
from meterdrop.tables import TypedRows


@dataclass(frozen=True)
class Verdict:
    """What became of some rows: `good` goes on (it has `line`); errors among `findings` set their lines aside."""

    good: pd.DataFrame
    findings: pd.DataFrame


@dataclass(frozen=True)
class Publication:
    """Whose rows are stored, by whom and why, and of which quarantined lines they come (line -> quarantine id)."""

    delivery: int
    partner: str
    who: str
    why: str
    now: datetime
    quarantined: Mapping[int, int]


class Rules(Protocol):
    """One target's rules for one delivery, with the facts they need."""

    register_version: int
    """Of which register these rules know; 0 where none is asked."""
    file_findings: tuple[Finding, ...]
    """What `settle` found out about the file as a whole."""

    def judge(self, rows: TypedRows, *, layout: Layout) -> Verdict:
        """Judges a block by itself and against the register. `good` columns are this target's own, plus line."""
        ...

    def settle(self, spool: Spool, *, came_with: int | None) -> int:
        """Judges all good rows together and against what is stored.

        `came_with` is the delivery of lines that are judged again later: what deliveries after it told stays.
        Reads `good` (with raw), writes the target's own names for `publish`, and `aside` (line, raw) with
        `aside-findings` for lines set aside now, and `told` for findings that set nothing aside. Returns how many
        lines are duplicates.
        """
        ...

    def publish(self, store: Store, *, spool: Spool, publication: Publication) -> None:
        """Stores what `settle` left, inside the caller's transaction."""
        ...
