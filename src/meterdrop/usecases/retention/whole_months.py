"""Months of readings go as a whole: on PostgreSQL their tables are put aside, SQLite deletes their rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from meterdrop.model.retention import Ended, Kept, together
from meterdrop.store import old_months, partners, stretches
from meterdrop.store.database import Database
from meterdrop.store.old_months import MonthTable, PutAside
from meterdrop.usecases.checkpoint import Checkpoint
from meterdrop.usecases.retention.by_stretch import Way
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


DROPPED: Final = Way(
    what=Kept.READINGS,
    point="retention:detached",
    count=stretches.count,
    take=stretches.drop,
    done_before=stretches.gone_before,
    note_done=stretches.note_gone,
)
"""SQLite: the same, but the readings are deleted."""


def _of_month(aside: PutAside, month: MonthTable) -> Ended:
    return Ended(
        what=Kept.READINGS,
        count=aside.readings,
        bytes=aside.bytes,
        first=month.first,
        last=months_before(month.first, months=-1) - _A_DAY,
    )
