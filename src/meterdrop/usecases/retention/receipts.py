"""Receipts go when they are old and nothing is to be done about their delivery: first in the database, then the files."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from meterdrop.dispatch.locks import Locks
from meterdrop.model.retention import Ended, Kept, together
from meterdrop.receive.our_files import remove_ours
from meterdrop.receive.tree import open_folder
from meterdrop.store import old_receipts
from meterdrop.store.database import Database
from meterdrop.store.old_receipts import OldLetter
from meterdrop.store.originals import Counted
from meterdrop.usecases.checkpoint import Checkpoint
from meterdrop.usecases.retention.part import Turn, maybe_day_of, tell
from meterdrop.usecases.send_receipts import ReceiptsFolder

log = structlog.get_logger()

_WAIT: Final = 60.0
_DELIVERIES_TOGETHER: Final = 500
_LETTERS_TOGETHER: Final = 200


@dataclass(frozen=True)
class EndReceipts:
    """Receipts and rejects files in partners' folders, with their letters in the outbox, `days` after they were written."""

    database: Database
    folder_of: Callable[[str], ReceiptsFolder]
    locks: Locks
    days: int
    at: Checkpoint
    what: Kept = Kept.RECEIPTS

    def foreseen(self, now: datetime) -> Ended:
        """What `run` would end; what was ended before, and lies there still, doesn't count."""
        with self.database.reading() as store:
            return _ended(old_receipts.count_past(store, before=self._before(now)))

    def run(self, turn: Turn) -> Ended:
        """Ends them, then removes the files; what an earlier run ended is removed too."""
        parts = [Ended(what=self.what, count=0, bytes=0), *self._end(turn)]
        with self.database.reading() as store:
            partners = old_receipts.partners_ended(store)
        for partner in partners:
            self._remove_all(partner, turn=turn)
        return together(self.what, parts)

    def _end(self, turn: Turn) -> Iterator[Ended]:
        with self.database.reading() as store:
            partners = old_receipts.partners_past(store, before=self._before(turn.now))
        for partner in partners:
            while turn.go_on() and (ended := self._end_some(partner, turn=turn)).count:
                self.at("retention:ended")
                turn.did(ended)
                yield ended

    def _end_some(self, partner: str, *, turn: Turn) -> Ended:
        with self.database.writing() as store:
            ended = _ended(
                old_receipts.end_some(
                    store,
                    partner=partner,
                    before=self._before(turn.now),
                    now=turn.now,
                    most=_DELIVERIES_TOGETHER,
                )
            )
            if ended.count:
                tell(store, ended, turn=turn, partner=partner)
        return ended

    def _remove_all(self, partner: str, *, turn: Turn) -> None:
        """While nobody writes receipts of this partner. What can't be removed now is left for the next run."""
        try:
            with self.locks.hold(f"outbox-{partner}", wait=_WAIT):
                base, steps = self.folder_of(partner)
                with open_folder(base, *steps) as folder:
                    while turn.go_on() and self._remove_some(partner, folder=folder):
                        pass
        except OSError as error:
            why = error.strerror or str(error)
            log.warning("retention.not-erased", what=self.what.value, partner=partner, why=why)

    def _remove_some(self, partner: str, *, folder: int) -> int:
        with self.database.reading() as store:
            letters = old_receipts.ended(store, partner=partner, most=_LETTERS_TOGETHER)
        others = [one.id for one in letters if one.stands and not _removed(one, folder=folder)]
        if others:
            log.warning("retention.not-ours", partner=partner, files=len(others))
        self.at("retention:removed")
        with self.database.writing() as store:
            old_receipts.drop(store, [one.id for one in letters])
        return len(letters)

    def _before(self, now: datetime) -> datetime:
        return now - timedelta(days=self.days)


def _removed(letter: OldLetter, *, folder: int) -> bool:
    content = letter.content
    sha256 = letter.blob if content is None else hashlib.sha256(content).hexdigest()
    return remove_ours(folder, letter.name, sha256=str(sha256))


def _ended(counted: Counted) -> Ended:
    return Ended(
        what=Kept.RECEIPTS,
        count=counted.count,
        bytes=counted.bytes,
        first=maybe_day_of(counted.first),
        last=maybe_day_of(counted.last),
    )
