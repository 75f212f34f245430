"""The service's side of a worker: a child process kept warm, watched, and replaced when it ends."""

import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from meterdrop.dispatch.limits import BROKEN, OUT_OF_MEMORY
from meterdrop.dispatch.process import ChildProcess

log = structlog.get_logger()

LARGE_NEXT: Final = "a large delivery is next"
"""What a drain of small deliveries only comes to where it met another one."""

_START_WAIT: Final = 120.0
_END_WAIT: Final = 5.0
_PAUSE: Final = 5.0
_IN_A_ROW: Final = 5
"""Ends of processes one after another, without a delivery settled between them; then it is left to the next sweep."""


@dataclass
class _Heard:
    """What a child said while it drained one partner."""

    at: int | None = None
    """The delivery it is at."""
    settled: int = 0
    again: bool = False
    """Whether this partner is to be drained again at once."""
    waits: str | None = None
    """Why something of this partner may wait, if it is not to be drained again at once."""


class WarmChild:
    """One worker: a process that drains the partners it is told to, one at a time; see `ChildSide` for the words.

    A delivery may kill its process, or be killed with it after `seconds`. Another process takes over at once, so
    that the delivery uses up its attempts, is poisoned, and the next one goes on. `hello` is what a process is told
    first, given how many were started before it in its place.
    """

    def __init__(
        self,
        *,
        command: Sequence[str],
        environment: Mapping[str, str],
        hello: Callable[[int], str],
        seconds: float,
    ) -> None:
        self._command = command
        self._environment = environment
        self._hello = hello
        self._seconds = seconds
        self._stopped = threading.Event()
        self._changing = threading.Lock()
        self._process: ChildProcess | None = None
        self._ready = False
        self._started = 0

    def warm(self) -> None:
        """Returns when the process has imported all and is ready; tries for ever, until `stop`."""
        while not self._ready and not self._stopped.is_set():
            try:
                self._ready = self._start() == {"ready": True}
                why = "it ended"
            except OSError as error:
                why = str(error) or "it took too long"
            if not self._ready:
                code = self.end(wait=0)
                if not self._stopped.is_set():
                    log.error("worker.not-started", why=why, code=code)
                    self._stopped.wait(_PAUSE)

    def drain(self, partner: str, *, only_small: bool = False) -> str | None:
        """Until nothing of this partner waits. What can't go on now is left for later: then the answer says why.

        `only_small`: a large delivery is left, too, and those behind it; LARGE_NEXT.
        """
        tries = _IN_A_ROW
        while tries and not self._stopped.is_set():
            self.warm()
            heard = self._drained(partner, only_small=only_small)
            if not heard.again:
                return heard.waits
            tries = _IN_A_ROW if heard.settled else tries - 1
        return "the worker stops" if tries else "one process after another ended"

    def stop(self) -> None:
        """The delivery that is being loaded is the last."""
        with self._changing:
            self._stopped.set()
            if self._process is not None:
                self._process.say(stop=True)

    def kill(self) -> None:
        """Cuts it off, whatever it is at."""
        with self._changing:
            if self._process is not None:
                self._process.kill()

    def end(self, *, wait: float = _END_WAIT) -> int | None:
        """The exit code of the process, which is killed if it hasn't ended in `wait` seconds; None without one."""
        with self._changing:
            process, self._process, self._ready = self._process, None, False
        return None if process is None else process.end(wait=wait)

    def _start(self) -> dict[str, Any] | None:
        """Starts a process; what it says first."""
        with self._changing:
            if self._stopped.is_set():
                return None
            process = ChildProcess(command=self._command, environment=self._environment)
            self._process = process
            process.say(house=self._hello(self._started))
            self._started += 1
        return process.hear(until=time.monotonic() + _START_WAIT)

    def _drained(self, partner: str, *, only_small: bool) -> _Heard:
        heard, process = _Heard(), self._process
        if process is None:  # stopped before it was ready
            heard.waits = "the worker stops"
            return heard
        process.say(drain=partner, only_small=only_small)
        try:
            word = self._last_word(process, heard=heard)
        except (TimeoutError, ValueError) as error:
            process.kill()
            self._tell_end(partner, heard=heard, why="time" if isinstance(error, TimeoutError) else "no JSON")
            return heard
        if word is None:
            self._tell_end(partner, heard=heard, why=None)
            return heard
        if "try_again" in word:
            log.warning("drain.try-again", partner=partner, why=word["try_again"])
            heard.waits = str(word["try_again"])
        if "large" in word:
            heard.waits = LARGE_NEXT
        if "retires" in word:
            log.info("worker.retired", held_mb=word["retires"])
            self.end()
            heard.again = "done" in word and "large" not in word
        return heard

    def _last_word(self, process: ChildProcess, *, heard: _Heard) -> dict[str, Any] | None:
        """The answer to a drain; None if the process ended, TimeoutError if a delivery took too long."""
        until = None
        while (word := process.hear(until=until)) is not None:
            if "begun" in word:
                heard.at, until = word["begun"], time.monotonic() + self._seconds
            elif "settled" in word:
                heard.at, until = None, None
                heard.settled += 1
            else:
                return word
        return None

    def _tell_end(self, partner: str, *, heard: _Heard, why: str | None) -> None:
        code = self.end()
        heard.waits = "its worker ended"
        if code == 0 and self._stopped.is_set():  # it heard of the stop before it heard of the partner
            return
        log.error("worker.ended", partner=partner, delivery=heard.at, why=why or _why(code), code=code)
        heard.again = heard.at is not None or heard.settled > 0


def _why(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return {OUT_OF_MEMORY: "memory", BROKEN: "bug"}.get(code or 0, "exit")
