"""The thread that sends receipts: rung for, and never in the way of what the door hands over."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from meterdrop.model.errors import TryAgain

log = structlog.get_logger()

_JOIN: Final = 30.0


@dataclass
class Postman:
    """Empties the outbox each time it is rung for; what is asked for while it is away is taken on the next round."""

    send: Callable[[], object]
    _rung: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to listen, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """There may be something to send."""
        self._rung.set()

    def stop(self) -> None:
        """The round it is on is the last."""
        self._stopping.set()
        self._rung.set()
        if self._thread is not None:
            self._thread.join(_JOIN)

    def _run(self) -> None:
        while self._rung.wait() and not self._stopping.is_set():
            self._rung.clear()
            try:
                self.send()
            except TryAgain as error:
                log.warning("send.try-again", why=str(error))
            except Exception:
                # The loop of the service: what failed stays in the outbox for the next sweep.
                log.exception("send.failed")
