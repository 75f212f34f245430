"""The thread that looks after watched folders: rung for, swept, and never in the way of what the door hands over."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from watchdog.observers.api import BaseObserver

from meterdrop.model.errors import TryAgain
from meterdrop.model.watched import PartnerFolder, WatchedFolders
from meterdrop.receive import bell
from meterdrop.usecases import watch_told
from meterdrop.usecases.watch import WatchFolders

log = structlog.get_logger()

_REST: Final = 4.0
"""After a look that took a second the same folder is left alone for so many, whoever rings."""
_WITHOUT_BELL: Final = 2.0
"""Seconds from look to look where no bell rings."""
_SOON: Final = 0.05
_REFRESH: Final = 1.0
_JOIN: Final = 30.0


@dataclass
class Watcher:
    """Looks at a partner's folder when its bell rings, when a file is due, and at every sweep."""

    watch: WatchFolders
    told: Path
    sweep_seconds: float
    has_bell: bool
    _stopping: threading.Event = field(default_factory=threading.Event)
    _rung: threading.Event = field(default_factory=threading.Event)
    _ringing: set[str] = field(default_factory=set)
    _next: dict[str, float] = field(default_factory=dict)
    _rests_until: dict[str, float] = field(default_factory=dict)
    _seen: dict[str, PartnerFolder] = field(default_factory=dict)
    _unknown: tuple[str, ...] = ()
    _swept: datetime | None = None
    _written: WatchedFolders | None = None
    _refreshed: float = 0.0
    _stranger_rang: bool = False
    _observer: BaseObserver | None = None
    _hang_again: float = 0.0
    _rang: set[str] = field(default_factory=set)
    """Who rang since the last look."""
    _is_deaf: bool = False
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to look, in a thread of its own."""
        self.watch.begin()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """The file being copied is finished, then nothing more is taken."""
        self._stopping.set()
        self._rung.set()
        if self._thread is not None:
            self._thread.join(_JOIN)

    def _run(self) -> None:
        sweep = 0.0
        while not self._stopping.is_set():
            now = self.watch.passed()
            if now >= sweep:
                self._hang_bell()
                self._guarded(self._sweep)
                sweep = now + self._sweep_every()
            for partner in self._due():
                if not self._stopping.is_set():
                    self._guarded(partial(self._look, partner))
            self._guarded(self._tell)
            self._sleep(sweep)
        if self._observer is not None:
            self._observer.stop()

    def _sweep_every(self) -> float:
        return self.sweep_seconds if self._observer is not None else min(_WITHOUT_BELL, self.sweep_seconds)

    def _hang_bell(self) -> None:
        """A bell, if there should be one and there is none, or if it did not ring when it should have."""
        now = self.watch.passed()
        if not self.has_bell or (self._observer is not None and not self._is_deaf) or now < self._hang_again:
            return
        self._is_deaf, self._hang_again = False, now + self.sweep_seconds
        if self._observer is not None:
            self._observer.stop()
            self._observer = None
        try:
            self._observer = bell.watch_tree(self.watch.folder, ring=self._ring)
        except Exception as error:
            # No more watches to be had, a tree that can't be walked: the bell is a hint, and we can do without.
            log.warning("watch.no-bell", why=str(error))

    def _ring(self, partner: str) -> None:
        self._ringing.add(partner)
        self._rung.set()

    def _sweep(self) -> None:
        """Everybody's turn, and who is everybody."""
        known, unknown = self.watch.folders()
        now = self.watch.passed()
        self._next = dict.fromkeys(known, now)
        self._seen = {name: self._seen[name] for name in known if name in self._seen}
        self._unknown, self._swept = unknown, self.watch.clock()

    def _refresh(self) -> None:
        """A folder rang that nobody knew at the last sweep: its partner may have been added since."""
        self._refreshed, self._stranger_rang = self.watch.passed(), False
        known, self._unknown = self.watch.folders()
        self._next |= {name: self._refreshed for name in known if name not in self._next}

    def _due(self) -> list[str]:
        """Whose folder is to be looked at now."""
        now = self.watch.passed()
        while self._ringing:
            rung = self._ringing.pop()
            self._rang.add(rung)
            if rung in self._next:
                self._next[rung] = now
            else:
                self._stranger_rang = True
        if self._stranger_rang and now - self._refreshed > _REFRESH:
            self._guarded(self._refresh)
        for partner, rests in self._rests_until.items():
            if partner in self._next:
                self._next[partner] = max(self._next[partner], rests)
        return [partner for partner, when in self._next.items() if when <= now]

    def _look(self, partner: str) -> None:
        del self._next[partner]
        try:
            looked = self.watch.look(partner)
        except TryAgain as error:
            seen = self._seen.get(partner, PartnerFolder())
            self._seen[partner] = replace(seen, hindered=str(error))
            raise
        if looked is None:
            self._seen.pop(partner, None)
            self._refresh()  # disabled since the last sweep: `status` is to say whose folder is not read
            return
        now = self.watch.passed()
        self._is_deaf |= bool(looked.newcomers) and partner in self._seen and partner not in self._rang
        self._rang.discard(partner)
        self._seen[partner] = looked.folder
        self._rests_until[partner] = now + _REST * looked.cost
        self._next[partner] = now + self.sweep_seconds if looked.due is None else max(now, looked.due)

    def _tell(self) -> None:
        """Says when the last sweep was that could be made: so `status` notices when there are none any more."""
        if self._swept is None:
            return
        told = WatchedFolders(
            at=self._swept,
            folder=str(self.watch.folder),
            partners=dict(self._seen),
            unknown=self._unknown,
        )
        if told != self._written:
            watch_told.write(self.told, told)
            self._written = told

    def _sleep(self, sweep: float) -> None:
        until = min([sweep, *self._next.values()])
        if self._stranger_rang:
            until = min(until, self._refreshed + _REFRESH)
        if self._rung.wait(max(_SOON, until - self.watch.passed())):
            self._stopping.wait(_SOON)  # whoever rings once rings often
        self._rung.clear()

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except TryAgain as error:
            log.warning("watch.try-again", why=str(error))
        except Exception:
            # The loop of the service: what failed is looked at again at the next sweep.
            log.exception("watch.failed")
