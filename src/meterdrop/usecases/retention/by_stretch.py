"""Readings that go stretch by stretch: those of some thousand meters and a month in each transaction."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from meterdrop.model.retention import Ended, Kept, together
from meterdrop.store import partners
from meterdrop.store.database import Database, Store
from meterdrop.store.stretches import Stretch
from meterdrop.usecases.checkpoint import Checkpoint
from meterdrop.usecases.retention.months import stretches_of
from meterdrop.usecases.retention.part import Turn, day_of, months_before, tell

_A_DAY: Final = timedelta(days=1)


class DoneBefore(Protocol):
    """How far was a partner looked through?"""

    def __call__(self, store: Store, /, *, partner: str) -> date | None:
        """All of their readings before this day; None: none were."""


class NotesDone(Protocol):
    """Writes that down."""

    def __call__(self, store: Store, /, *, partner: str, before: date) -> None:
        """All of their readings before this day are looked through now."""


@dataclass(frozen=True)
class Way:
    """How readings of a stretch go, and how it is noted that a partner's were looked through."""

    what: Kept
    point: str
    """The checkpoint after each stretch."""
    count: Callable[[Store, Stretch], int]
    """How many would go."""
    take: Callable[[Store, Stretch], int]
    """They go; how many."""
    done_before: DoneBefore
    note_done: NotesDone


@dataclass(frozen=True)
class ByStretch:
    """What goes of months that ended more than `months` ago, in its `way`; what is past `whole_months` is left alone.

    A partner's months are looked through once in a calendar month, when one more of them is old enough: the late
    readings that came meanwhile go then, too.
    """

    way: Way
    database: Database
    months: int
    at: Checkpoint
    whole_months: int | None = None

    @property
    def what(self) -> Kept:
        """Which kind of readings."""
        return self.way.what

    def foreseen(self, now: datetime) -> Ended:
        """What `run` would take away."""
        with self.database.reading() as store:
            parts = [
                self._ended(self.way.count(store, stretch), stretch)
                for partner in self._due(store, now)
                for stretch in self._stretches(store, partner=partner, now=now)
            ]
        return together(self.what, (one for one in parts if one.count))

    def run(self, turn: Turn) -> Ended:
        """The oldest month of each partner first."""
        with self.database.reading() as store:
            due = self._due(store, turn.now)
        return together(self.what, [one for partner in due for one in self._take_all(partner, turn=turn)])

    def _take_all(self, partner: str, *, turn: Turn) -> Iterator[Ended]:
        with self.database.reading() as store:
            to_go = self._stretches(store, partner=partner, now=turn.now)
        for stretch in to_go:
            if not turn.go_on():
                return
            ended = self._take(stretch, turn=turn)
            self.at(self.way.point)
            if ended.count:
                turn.did(ended)
                yield ended
        with self.database.writing() as store:
            self.way.note_done(store, partner=partner, before=self._before(turn.now))

    def _take(self, stretch: Stretch, *, turn: Turn) -> Ended:
        """Whose readings they are is locked; those who remember them are told that they are others now."""
        with self.database.writing() as store:
            partners.lock(store, [stretch.partner])
            ended = self._ended(self.way.take(store, stretch), stretch)
            if ended.count:
                partners.raise_version(store, stretch.partner)
                tell(store, ended, turn=turn, partner=stretch.partner)
        return ended

    def _due(self, store: Store, now: datetime) -> list[str]:
        """Partners of whom a month is old enough that was not so before."""
        before = self._before(now)
        each = ((one.id, self.way.done_before(store, partner=one.id)) for one in partners.all_partners(store))
        return [partner for partner, done in each if done is None or done < before]

    def _stretches(self, store: Store, *, partner: str, now: datetime) -> list[Stretch]:
        whole = self.whole_months
        start = None if whole is None else months_before(day_of(now), months=whole)
        return stretches_of(store, partner=partner, start=start, before=self._before(now))

    def _before(self, now: datetime) -> date:
        """The first day of the first month that stays."""
        return months_before(day_of(now), months=self.months)

    def _ended(self, count: int, stretch: Stretch) -> Ended:
        return Ended(
            what=self.what,
            count=count,
            first=stretch.start if count else None,
            last=stretch.end - _A_DAY if count else None,
        )
