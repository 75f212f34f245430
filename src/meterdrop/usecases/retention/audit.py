"""Lines of the audit go when they are old, but for those of deliveries about which something is to be done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from meterdrop.model.retention import Ended, Kept, together
from meterdrop.store import old_events
from meterdrop.store.database import Database
from meterdrop.store.originals import Counted
from meterdrop.usecases.checkpoint import Checkpoint
from meterdrop.usecases.retention.part import Turn, maybe_day_of, tell

_TOGETHER: Final = 5_000


@dataclass(frozen=True)
class EndAudit:
    """Events, `days` after they were told. That they went is an event as well."""

    database: Database
    days: int
    at: Checkpoint
    what: Kept = Kept.AUDIT

    def foreseen(self, now: datetime) -> Ended:
        """What `run` would take away."""
        with self.database.reading() as store:
            return _ended(old_events.count_past(store, before=self._before(now)))

    def run(self, turn: Turn) -> Ended:
        """The oldest first."""
        parts: list[Ended] = []
        while turn.go_on():
            with self.database.writing() as store:
                gone = _ended(old_events.drop_some(store, before=self._before(turn.now), most=_TOGETHER))
                if gone.count:
                    tell(store, gone, turn=turn)
            if not gone.count:
                break
            self.at("retention:dropped")
            parts.append(gone)
            turn.did(gone)
        return together(self.what, parts)

    def _before(self, now: datetime) -> datetime:
        return now - timedelta(days=self.days)


def _ended(counted: Counted) -> Ended:
    return Ended(
        what=Kept.AUDIT,
        count=counted.count,
        first=maybe_day_of(counted.first),
        last=maybe_day_of(counted.last),
    )
