"""Originals go when nobody needs them any more: first the database says so, then their files are erased."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from meterdrop.model.retention import Ended, Kept, together
from meterdrop.receive.originals import Originals
from meterdrop.store import originals as kept
from meterdrop.store.database import Database
from meterdrop.store.originals import Counted
from meterdrop.usecases.checkpoint import Checkpoint
from meterdrop.usecases.retention.part import Turn, maybe_day_of, tell

log = structlog.get_logger()

_FORGOTTEN_TOGETHER: Final = 2_000
_ERASED_TOGETHER: Final = 20
"""While their files are erased nobody may bring them again, and on SQLite nobody may write: not for long."""


@dataclass(frozen=True)
class EndOriginals:
    """Originals and rejects files of deliveries about which nothing is to be done, `days` after the last that was."""

    database: Database
    originals: Originals
    days: int
    at: Checkpoint
    what: Kept = Kept.ORIGINALS

    def foreseen(self, now: datetime) -> Ended:
        """What `run` would forget; what was forgotten before and not erased yet doesn't count."""
        with self.database.reading() as store:
            return _ended(kept.count_past(store, before=self._before(now)))

    def run(self, turn: Turn) -> Ended:
        """Forgets, then erases; what an earlier run forgot is erased too."""
        parts = [Ended(what=self.what, count=0, bytes=0)]
        while turn.go_on():
            with self.database.writing() as store:
                gone = kept.forget_some(
                    store, before=self._before(turn.now), now=turn.now, most=_FORGOTTEN_TOGETHER
                )
                if gone.count:
                    tell(store, _ended(gone), turn=turn)
            if not gone.count:
                break
            self.at("retention:forgotten")
            parts.append(_ended(gone))
            turn.did(parts[-1])
        self._erase(turn)
        return together(self.what, parts)

    def _erase(self, turn: Turn) -> None:
        """Files that can't be erased just now are tried again at the next run: nobody reads them meanwhile."""
        try:
            while turn.go_on() and self._erase_some(turn.now):
                pass
        except OSError as error:
            log.warning("retention.not-erased", what=self.what.value, why=error.strerror or str(error))

    def _erase_some(self, now: datetime) -> int:
        """In one transaction with the row: who brings the same bytes meanwhile waits, and finds that they are gone."""
        with self.database.writing() as store:
            hashes = kept.to_erase(store, most=_ERASED_TOGETHER)
            for sha256 in hashes:
                self.originals.forget(sha256)
            self.at("retention:erased")
            kept.erased(store, hashes, now=now)
        return len(hashes)

    def _before(self, now: datetime) -> datetime:
        return now - timedelta(days=self.days)


def _ended(counted: Counted) -> Ended:
    return Ended(
        what=Kept.ORIGINALS,
        count=counted.count,
        bytes=counted.bytes,
        first=maybe_day_of(counted.first),
        last=maybe_day_of(counted.last),
    )
