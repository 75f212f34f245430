"""Months of readings go as a whole: on PostgreSQL their tables are put aside, SQLite deletes their rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from meterdrop.model.retention import Ended, Kept, together
from meterdrop.store import old_months, partners, stretches
from meterdrop.store.database import Database, Store
from meterdrop.store.old_months import MonthTable, PutAside
from meterdrop.store.stretches import Stretch
from meterdrop.usecases.checkpoint import Checkpoint
from meterdrop.usecases.retention.months import stretches_of
from meterdrop.usecases.retention.part import Turn, day_of, months_before, tell

log = structlog.get_logger()

_A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class DetachMonths:
    """PostgreSQL: months that ended more than `months` ago are taken out; their tables stay, under other names.

    First the month is taken out, which waits for whoever is at it; then, in one transaction, the table gets its other
    name, and the audit and those who remember readings are told. What a killed run took out the next one finishes.
    """

    database: Database
    months: int
    at: Checkpoint
    what: Kept = Kept.READINGS

    def foreseen(self, now: datetime) -> Ended:
        """What `run` would take out; it counts the readings."""
        with self.database.reading() as store:
            told = [
                _of_month(old_months.measured(store, month), month)
                for month in old_months.before(store, self._before(now))
            ]
        return together(self.what, told)

    def run(self, turn: Turn) -> Ended:
        """The oldest month first; `TryAgain` if somebody is long at it."""
        return together(self.what, self._run(turn))

    def _run(self, turn: Turn) -> Iterator[Ended]:
        with self.database.reading() as store:
            months = old_months.before(store, self._before(turn.now))
        for month in months:
            if not turn.go_on():
                return
            with self.database.statement_by_statement() as store:
                old_months.detach(store, month)
            self.at("retention:detached")
            ended = self._put_aside(month, turn=turn)
            turn.did(ended)
            yield ended

    def _put_aside(self, month: MonthTable, *, turn: Turn) -> Ended:
        with self.database.writing() as store:
            everyone = [one.id for one in partners.all_partners(store)]
            partners.lock(store, everyone)
            aside = old_months.put_aside(store, month)
            ended = _of_month(aside, month)
            for partner in everyone:
                partners.raise_version(store, partner)
            tell(store, ended, turn=turn)
        log.info("retention.put-aside", table=aside.name, readings=aside.readings)
        return ended

    def _before(self, now: datetime) -> date:
        return months_before(day_of(now), months=self.months)


@dataclass(frozen=True)
class DropMonths:
    """SQLite: the same, but the readings are deleted, of some thousand meters and a month in each transaction.

    A partner's months are looked for once in a calendar month, when one more of them is old enough.
    """

    database: Database
    months: int
    at: Checkpoint
    what: Kept = Kept.READINGS

    def foreseen(self, now: datetime) -> Ended:
        """What `run` would delete."""
        with self.database.reading() as store:
            told = [
                _of_stretch(stretches.count(store, stretch), stretch)
                for partner in self._due(store, now)
                for stretch in self._stretches(store, partner=partner, now=now)
            ]
        return together(self.what, (one for one in told if one.count))

    def run(self, turn: Turn) -> Ended:
        """The oldest month of each partner first."""
        with self.database.reading() as store:
            due = self._due(store, turn.now)
        return together(self.what, [one for partner in due for one in self._drop_all(partner, turn=turn)])

    def _drop_all(self, partner: str, *, turn: Turn) -> Iterator[Ended]:
        with self.database.reading() as store:
            to_drop = self._stretches(store, partner=partner, now=turn.now)
        for stretch in to_drop:
            if not turn.go_on():
                return
            ended = self._drop(stretch, turn=turn)
            self.at("retention:detached")
            if ended.count:
                turn.did(ended)
                yield ended
        with self.database.writing() as store:
            stretches.note_gone(store, partner=partner, before=self._before(turn.now))

    def _drop(self, stretch: Stretch, *, turn: Turn) -> Ended:
        with self.database.writing() as store:
            ended = _of_stretch(stretches.drop(store, stretch), stretch)
            if ended.count:
                partners.raise_version(store, stretch.partner)
                tell(store, ended, turn=turn, partner=stretch.partner)
        return ended

    def _due(self, store: Store, now: datetime) -> list[str]:
        before = self._before(now)
        each = (
            (one.id, stretches.gone_before(store, partner=one.id)) for one in partners.all_partners(store)
        )
        return [partner for partner, done in each if done is None or done < before]

    def _stretches(self, store: Store, *, partner: str, now: datetime) -> list[Stretch]:
        return stretches_of(store, partner=partner, start=None, before=self._before(now))

    def _before(self, now: datetime) -> date:
        return months_before(day_of(now), months=self.months)


def _of_month(aside: PutAside, month: MonthTable) -> Ended:
    return Ended(
        what=Kept.READINGS,
        count=aside.readings,
        bytes=aside.bytes,
        first=month.first,
        last=months_before(month.first, months=-1) - _A_DAY,
    )


def _of_stretch(count: int, stretch: Stretch) -> Ended:
    return Ended(
        what=Kept.READINGS,
        count=count,
        first=stretch.start if count else None,
        last=stretch.end - _A_DAY if count else None,
    )
