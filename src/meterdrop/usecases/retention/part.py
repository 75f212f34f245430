"""What has everything in common that is kept for a set time only?"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Protocol

from meterdrop.model.delivery import PRAGUE
from meterdrop.model.retention import Ended, Kept
from meterdrop.store import events
from meterdrop.store.database import Store


@dataclass(frozen=True)
class Turn:
    """One run: as of when, for whom in the audit, and whether to go on after what was just done."""

    now: datetime
    who: str
    go_on: Callable[[], bool] = lambda: True
    did: Callable[[Ended], None] = lambda _ended: None
    """Told of each part that is done and lasting."""

    @property
    def today(self) -> date:
        """The day it is in Prague."""
        return day_of(self.now)


class Part(Protocol):
    """What can go of one kind."""

    @property
    def what(self) -> Kept:
        """Which kind."""

    def foreseen(self, now: datetime) -> Ended:
        """What a run at this moment would take away; nothing is changed."""

    def run(self, turn: Turn) -> Ended:
        """Takes it away, in transactions of bounded size, each with its event; safe to be killed at any point."""


def tell(store: Store, ended: Ended, *, turn: Turn, partner: str | None = None) -> None:
    """The event of what this very transaction takes away: counts, never cells."""
    events.tell(
        store,
        at=turn.now,
        who=turn.who,
        what=f"retention.{ended.what.value}",
        partner=partner,
        after={
            "count": ended.count,
            "bytes": ended.bytes,
            "from": None if ended.first is None else ended.first.isoformat(),
            "to": None if ended.last is None else ended.last.isoformat(),
        },
    )


def day_of(moment: datetime) -> date:
    """The day in Prague."""
    return moment.astimezone(PRAGUE).date()


def maybe_day_of(moment: datetime | None) -> date | None:
    """The same, or None."""
    return None if moment is None else day_of(moment)


def months_before(day: date, *, months: int) -> date:
    """The first day of the month so many months before that of `day`."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def start_of(day: date) -> datetime:
    """The moment at which a day begins in Prague."""
    return datetime.combine(day, time(), PRAGUE)
