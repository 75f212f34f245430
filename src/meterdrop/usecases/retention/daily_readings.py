"""Daily readings are thinned to the last of each month, once the month is old enough."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from meterdrop.model.retention import Ended, Kept, together
from meterdrop.store import partners, stretches, thinning
from meterdrop.store.database import Database, Store
from meterdrop.store.stretches import Stretch
from meterdrop.usecases.checkpoint import Checkpoint
from meterdrop.usecases.retention.months import stretches_of
from meterdrop.usecases.retention.part import Turn, day_of, months_before, tell

_A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class ThinReadings:
    """Of months that ended more than `months` ago the last reading of each meter stays, and all that are no daily ones.

    A partner's months are looked through once in a calendar month, when one more of them is old enough: the late
    readings that came meanwhile are thinned then. Months that are to go as a whole (`whole_months`) are left out.
    """

    database: Database
    months: int
    whole_months: int | None
    at: Checkpoint
    what: Kept = Kept.DAILY_READINGS

    def foreseen(self, now: datetime) -> Ended:
        """What `run` would take away."""
        with self.database.reading() as store:
            parts = [
                _ended(thinning.count(store, stretch), stretch)
                for partner in self._due(store, now)
                for stretch in self._stretches(store, partner=partner, now=now)
            ]
        return together(self.what, (one for one in parts if one.count))

    def run(self, turn: Turn) -> Ended:
        """A month of some thousand meters in each transaction; whose readings they are is locked meanwhile."""
        with self.database.reading() as store:
            due = self._due(store, turn.now)
        return together(self.what, [one for partner in due for one in self._thin_all(partner, turn=turn)])

    def _thin_all(self, partner: str, *, turn: Turn) -> Iterator[Ended]:
        with self.database.reading() as store:
            to_thin = self._stretches(store, partner=partner, now=turn.now)
        for stretch in to_thin:
            if not turn.go_on():
                return
            ended = self._thin(stretch, turn=turn)
            self.at("retention:thinned")
            if ended.count:
                turn.did(ended)
                yield ended
        with self.database.writing() as store:
            stretches.note_thinned(store, partner=partner, before=self._before(turn.now))

    def _thin(self, stretch: Stretch, *, turn: Turn) -> Ended:
        """Those who remember this partner's readings are told that they are others now."""
        with self.database.writing() as store:
            partners.lock(store, [stretch.partner])
            ended = _ended(thinning.thin(store, stretch), stretch)
            if ended.count:
                partners.raise_version(store, stretch.partner)
                tell(store, ended, turn=turn, partner=stretch.partner)
        return ended

    def _due(self, store: Store, now: datetime) -> list[str]:
        """Partners of whom a month is old enough that was not so before."""
        before = self._before(now)
        each = (
            (one.id, stretches.thinned_before(store, partner=one.id)) for one in partners.all_partners(store)
        )
        return [partner for partner, done in each if done is None or done < before]

    def _stretches(self, store: Store, *, partner: str, now: datetime) -> list[Stretch]:
        """Months that are to go as a whole are left out."""
        whole = self.whole_months
        start = None if whole is None else months_before(day_of(now), months=whole)
        return stretches_of(store, partner=partner, start=start, before=self._before(now))

    def _before(self, now: datetime) -> date:
        """The first day of the first month that is not thinned."""
        return months_before(day_of(now), months=self.months)


def _ended(count: int, stretch: Stretch) -> Ended:
    return Ended(
        what=Kept.DAILY_READINGS,
        count=count,
        first=stretch.start if count else None,
        last=stretch.end - _A_DAY if count else None,
    )
