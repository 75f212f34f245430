"""Which receipts are better left alone for now? What failed is tried again, ever more seldom, and holds up nothing else."""

import errno
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from meterdrop.model.waiting import ReceiptTrouble
from meterdrop.store import receipt_troubles
from meterdrop.store.database import Store
from meterdrop.store.outbox import Letter

log = structlog.get_logger()

FIRST_REST: Final = timedelta(seconds=2)
LONGEST_REST: Final = timedelta(minutes=5)
_DOUBLED: Final = 8
"""So often at most: two seconds become over five minutes."""
_OF_ONE_NAME: Final = frozenset(
    {
        errno.EISDIR,
        errno.ENOTEMPTY,
        errno.EEXIST,
        errno.ENOENT,
        errno.ENAMETOOLONG,
        errno.EREMOTEIO,
        errno.EBADMSG,
    }
)
"""What lies under the receipt's name is in the way, or what it is made of is missing, spoilt or away: others can be written."""

Key = str | None
"""The name of a receipt, or None for the whole folder."""


@dataclass
class Troubles:
    """What one emptying of a partner's outbox knows and learns of its folder, and of names that can't be written."""

    partner: str
    now: datetime
    before: dict[Key, ReceiptTrouble]
    _failed: set[Key] = field(default_factory=set)
    _news: dict[Key, OSError] = field(default_factory=dict)
    """What failed and is not written down yet."""
    _mended: set[Key] = field(default_factory=set)

    @classmethod
    def known(cls, store: Store, *, partner: str, now: datetime) -> "Troubles":
        """As they were written down."""
        found = receipt_troubles.all_troubles(store, partner=partner)
        return cls(partner, now, {one.name: one for one in found})

    def folder_rests(self) -> bool:
        """Whether the folder is left alone for now."""
        return self._rests(None)

    def name_rests(self, letter: Letter) -> bool:
        """Whether this name is: an older letter under it could not be written."""
        return self._rests(letter.name)

    def hold(self, letter: Letter) -> bool:
        """Whether it is to wait for one of the two."""
        return self.folder_rests() or self.name_rests(letter)

    def of_letter(self, letter: Letter, error: OSError) -> bool:
        """It could not be written into the opened folder; whether nothing can."""
        key = letter.name if error.errno in _OF_ONE_NAME else None
        self._fails(key, error)
        return key is None

    def of_folder(self, error: OSError) -> None:
        """The folder can't be opened or synced."""
        self._fails(None, error)

    def is_written(self, letter: Letter) -> None:
        """It is there for good, so neither its folder nor its name is in trouble."""
        self._mended.update({None, letter.name} & self.before.keys())

    def write_down(self, store: Store) -> None:
        """What failed since the last time, and what is mended. Half a success is none: a full disk takes small files."""
        mended = self._mended - self._failed
        receipt_troubles.end(store, [(self.partner, name) for name in mended])
        for name in mended:
            log.info("receipt.written-again", partner=self.partner, name=name)
            del self.before[name]
        for key, error in self._news.items():
            self._note(store, key, error=error)
        self._mended.clear()
        self._news.clear()

    def _note(self, store: Store, key: Key, *, error: OSError) -> None:
        last = self.before.get(key)
        tries = 1 if last is None else last.tries + 1
        trouble = ReceiptTrouble(
            partner=self.partner,
            name=key,
            error=errno.errorcode.get(error.errno or 0, "unknown"),
            why=os.strerror(error.errno) if error.errno else str(error),
            since=self.now if last is None else last.since,
            tries=tries,
            again_at=self.now + rest_after(tries),
        )
        receipt_troubles.note(store, trouble)
        told = {"why": trouble.why, "tries": tries, "again_at": trouble.again_at.isoformat()}
        log.error("receipt.not-written", partner=self.partner, name=key, **told)

    def _fails(self, key: Key, error: OSError) -> None:
        if key not in self._failed:
            self._failed.add(key)
            self._news[key] = error

    def _rests(self, key: Key) -> bool:
        """Not longer than any rest can be, whatever a clock that was ahead wrote down."""
        trouble = self.before.get(key)
        return key in self._failed or (
            trouble is not None and timedelta(0) < trouble.again_at - self.now <= LONGEST_REST
        )


def rest_after(tries: int) -> timedelta:
    """How long what failed so often is left alone."""
    doubled: int = 2 ** min(tries - 1, _DOUBLED)
    return min(LONGEST_REST, FIRST_REST * doubled)
