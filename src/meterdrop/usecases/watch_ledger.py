"""What does the ledger say to one look at a partner's folder? Asked for what lies there, told of what is gone."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from meterdrop.receive.still import Seen
from meterdrop.store import partners, watched
from meterdrop.store.database import Database, Store

_MOST: Final = 10_000
"""So many rows are changed in one transaction: others wait for it."""
_ASKED_AGAIN: Final = 1.0


@dataclass
class StillActive:
    """Whether files may still be taken from this partner. Asked before every file and block; the database, once a second."""

    database: Database
    partner: str
    passed: Callable[[], float]
    _is: bool = True
    _again: float | None = None

    def __call__(self) -> bool:
        """False once the partner is disabled, and from then on."""
        now = self.passed()
        if self._is and (self._again is None or now >= self._again):
            with self.database.reading() as store:
                self._is = partners.is_active(store, self.partner)
            self._again = now + _ASKED_AGAIN
        return self._is


@dataclass
class LedgerOfLook:
    """One look's view of the table `watched`.

    A folder without a single file says nothing: so looks a file system that is not mounted.
    """

    database: Database
    partner: str
    now: datetime
    kept_for: timedelta
    """How long a file must be gone before it is forgotten."""
    _missed: dict[str, str] | None = None
    """Path and state of what lay there before and was not met yet; None until a file is met."""
    _forgets: bool = False

    def is_taken(self, one: Seen) -> bool:
        """Whether this file, which is met, lay there in this state before."""
        if self._missed is None:
            with self.database.reading() as store:
                self._missed = watched.there(store, partner=self.partner)
                self._forgets = watched.is_any_gone(store, partner=self.partner, before=self._long_ago())
        return self._missed.pop(one.path, None) == one.fingerprint()

    def taken_among(self, ones: Sequence[Seen]) -> set[Seen]:
        """Those that were taken in this state, whenever that was. Files that were gone count as there again."""
        if not ones:
            return set()
        with self.database.reading() as store:
            known = watched.known(store, partner=self.partner, paths={one.path for one in ones})
        back = [path for path, row in known.items() if row.is_gone]
        self._in_parts(
            back, lambda store, paths: watched.find_again(store, partner=self.partner, paths=paths)
        )
        return {one for one in ones if one.path in known and known[one.path].state == one.fingerprint()}

    def close(self) -> None:
        """After a look that saw the whole folder: what it did not meet is gone, and what is long gone is forgotten."""
        if self._missed is None:
            return
        self._in_parts(
            self._missed,
            lambda store, paths: watched.miss(store, partner=self.partner, paths=paths, now=self.now),
        )
        if self._forgets:
            with self.database.writing() as store:
                watched.forget(store, partner=self.partner, before=self._long_ago(), most=_MOST)

    def _long_ago(self) -> datetime:
        return self.now - self.kept_for

    def _in_parts(self, paths: Iterable[str], act: Callable[[Store, list[str]], None]) -> None:
        rest = iter(paths)
        while some := list(islice(rest, _MOST)):
            with self.database.writing() as store:
                act(store, some)
