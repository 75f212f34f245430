"""The thread that takes away what is past its time, once a day, where the settings say how long things are kept."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import structlog

from meterdrop.model.errors import TryAgain
from meterdrop.usecases.retention.run import Retention

log = structlog.get_logger()

_JOIN: Final = 60.0
_WHO: Final = "meterdrop"


@dataclass
class Caretaker:
    """Runs the retention when it is rung for the first time on a day; never where nothing is ever to go.

    And when somebody's run was cut off half-way: until that is finished, late readings of a month may have no place.
    """

    retention: Retention
    today: Callable[[], date]
    _rung: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _done_on: date | None = None
    _failed_on: date | None = None

    def start(self) -> None:
        """Begins to listen, in a thread of its own."""
        if self.retention.parts:
            self._thread = threading.Thread(target=self._run, name="caretaker", daemon=True)
            self._thread.start()

    def ring(self) -> None:
        """It may be another day."""
        self._rung.set()

    def stop(self) -> None:
        """The transaction it is at is the last; the rest goes another time."""
        self._stopping.set()
        self._rung.set()
        if self._thread is not None:
            self._thread.join(_JOIN)

    def _run(self) -> None:
        while self._rung.wait() and not self._stopping.is_set():
            self._rung.clear()
            if self._failed_on != self.today():
                self._once(self.today())

    def _once(self, today: date) -> None:
        try:
            if self._done_on == today and not self.retention.half_done():
                return
            self.retention(who=_WHO, go_on=lambda: not self._stopping.is_set())
            self._done_on = today
        except TryAgain as error:
            log.warning("retention.try-again", why=str(error))
        except Exception:
            # The loop of the service: what failed is there still, and its turn comes again tomorrow.
            log.exception("retention.failed")
            self._failed_on = today
