"""What became of one upload? The delivery, its states, and the law its lines keep."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

PRAGUE: Final = ZoneInfo("Europe/Prague")
"""Whose days are meant by every day without a time."""


class State(StrEnum):
    """Where a delivery is. The receipt's verdict is one of the final ones."""

    RECEIVED = "received"
    LOADING = "loading"
    ACCEPTED = "accepted"
    PARTLY_ACCEPTED = "partly_accepted"
    HELD = "held"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    INCOMPLETE = "incomplete"
    POISONED = "poisoned"


MOVES: Mapping[State, frozenset[State]] = {
    State.RECEIVED: frozenset({State.LOADING, State.POISONED}),
    State.LOADING: frozenset(
        {
            State.LOADING,
            State.ACCEPTED,
            State.PARTLY_ACCEPTED,
            State.HELD,
            State.REFUSED,
            State.DUPLICATE,
            State.POISONED,
        }
    ),
    State.ACCEPTED: frozenset(),
    State.PARTLY_ACCEPTED: frozenset({State.PARTLY_ACCEPTED, State.ACCEPTED}),
    State.HELD: frozenset({State.HELD, State.LOADING, State.REFUSED}),
    State.REFUSED: frozenset({State.LOADING}),
    State.DUPLICATE: frozenset(),
    State.INCOMPLETE: frozenset(),
    State.POISONED: frozenset({State.LOADING}),
}
"""The only table of allowed moves.

`loading` may be entered again: a worker died and another took over. So may `partly_accepted` and `held`: some of
their lines were ended, and the partner is told.
"""

UNFINISHED = frozenset({State.RECEIVED, State.LOADING})
NEEDS_A_PERSON = frozenset(
    {State.PARTLY_ACCEPTED, State.HELD, State.REFUSED, State.POISONED, State.INCOMPLETE}
)


def may_move(*, old: State, new: State) -> bool:
    """Whether a delivery may go from one state to another."""
    return new in MOVES[old]


class Release(StrEnum):
    """How a reviewer let a delivery go on that had too many bad lines."""

    WHOLE = "whole"
    """Also lines that fail soft rules only are stored; the others are set aside."""
    GOOD = "good"
    """Good lines are stored, all others set aside."""


@dataclass(frozen=True)
class LineCounts:
    """How many physical lines (as an editor shows them) went where. Every line is in exactly one place."""

    physical: int = 0
    header: int = 0
    accepted: int = 0
    quarantined: int = 0
    duplicate: int = 0
    blank: int = 0
    comment: int = 0
    continuation: int = 0

    def lawful(self) -> bool:
        """The line law: nothing is lost, nothing counted twice, and nothing less than none."""
        placed = (
            self.header
            + self.accepted
            + self.quarantined
            + self.duplicate
            + self.blank
            + self.comment
            + self.continuation
        )
        return self.physical == placed and min(self.as_dict().values()) >= 0

    def data(self) -> int:
        """Lines that hold a record, good or bad."""
        return self.accepted + self.quarantined + self.duplicate

    def as_dict(self) -> dict[str, int]:
        """The counts by name, in the order of the receipt."""
        return {
            "physical": self.physical,
            "header": self.header,
            "accepted": self.accepted,
            "quarantined": self.quarantined,
            "duplicate": self.duplicate,
            "blank": self.blank,
            "comment": self.comment,
            "continuation": self.continuation,
        }


@dataclass(frozen=True)
class Delivery:
    """One upload (or one answer of a partner's REST API) and what became of it."""

    id: int
    upload: str
    partner: str
    path: str
    file: str
    bytes: int
    sha256: str
    received_at: datetime
    state: State
    asked_feed: str | None = None
    """The feed that the sender's command named, if it did."""
    feed: str | None = None
    attempts: int = 0
    finished_at: datetime | None = None
    lines: LineCounts = LineCounts()
    findings_by_code: Mapping[str, int] = field(default_factory=dict)
    rules: str | None = None
    encoding: str | None = None
    separator: str | None = None
    duplicate_of: int | None = None
    parent: int | None = None
    revision: int = 0
    released: Release | None = None

    @property
    def number(self) -> str:
        """The delivery's name in receipts: twelve digits."""
        return delivery_number(self.id)

    @property
    def arrived_on(self) -> date:
        """The day in Prague it came on: what was agreed for that day judges it, also when it is judged again."""
        return self.received_at.astimezone(PRAGUE).date()


def delivery_number(key: int) -> str:
    """A delivery's name in receipts: twelve digits, so that names sort as numbers do."""
    return f"{key:012d}"
