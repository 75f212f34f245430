"""Who drains which partner, inside one service? Threads with a worker each, one partner at a time each."""

import queue
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from meterdrop.dispatch.children import LARGE_NEXT


class Worker(Protocol):
    """One who drains partners, one after another."""

    def warm(self) -> None:
        """Makes itself ready; it is given a partner only when this returned."""

    def drain(self, partner: str, *, only_small: bool) -> object:
        """Loads what waits of this partner. Never raises because of what it meets there.

        With `only_small`, up to the next large delivery; LARGE_NEXT if there is one.
        """


@dataclass(frozen=True)
class DispatchStatus:
    """Partners that wait and partners being drained."""

    waiting: tuple[str, ...]
    draining: tuple[str, ...]


class EmbeddedDispatch:
    """`wake(partner)` asks for a drain; a partner is never drained by two workers, and no wake is lost.

    Where there are several workers, one of them is never at a large delivery: small ones of others need not wait for those.
    """

    not_warm: Final = "no worker could be started; why is logged above"

    def __init__(self, *, workers: Sequence[Worker]) -> None:
        self._queue: queue.SimpleQueue[tuple[str, bool] | None] = queue.SimpleQueue()
        """Partners, and whether it is for a large delivery."""
        self._large: deque[str] = deque()
        """Partners whose next delivery is a large one, for which no worker may be had yet."""
        self._for_large = len(workers) - 1
        """So many workers more may be at large deliveries."""
        self._is_alone = len(workers) == 1
        self._lock = threading.Lock()
        self._waiting: set[str] = set()
        self._draining: set[str] = set()
        self._again: set[str] = set()
        self._warm = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(worker,), name=f"worker-{number}", daemon=True)
            for number, worker in enumerate(workers)
        ]

    def wake(self, partner: str) -> None:
        """This partner has deliveries to load."""
        with self._lock:
            if partner in self._draining:
                self._again.add(partner)
            elif partner not in self._waiting:
                self._waiting.add(partner)
                self._queue.put((partner, self._is_alone))

    def run_workers(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def is_warm(self, *, wait: float) -> bool:
        """Whether a worker is ready within `wait` seconds."""
        return self._warm.wait(wait)

    def stop(self, *, wait: float) -> bool:
        """Lets every thread finish the partner it is at; whether all of them did within `wait` seconds."""
        until = time.monotonic() + wait
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def status(self) -> DispatchStatus:
        """Who waits, and who is being drained."""
        with self._lock:
            return DispatchStatus(
                waiting=tuple(sorted(self._waiting)), draining=tuple(sorted(self._draining))
            )

    def _work(self, worker: Worker) -> None:
        worker.warm()
        self._warm.set()
        while (order := self._queue.get()) is not None:
            partner, large = order
            self._begin(partner)
            outcome: object = None
            try:
                outcome = worker.drain(partner, only_small=not large)
            finally:
                self._end(partner, large=large, leaves_large=outcome == LARGE_NEXT)
            worker.warm()

    def _begin(self, partner: str) -> None:
        with self._lock:
            self._waiting.discard(partner)
            self._draining.add(partner)

    def _end(self, partner: str, *, large: bool, leaves_large: bool) -> None:
        with self._lock:
            self._draining.discard(partner)
            woken = partner in self._again
            self._again.discard(partner)
            self._for_large += large
            if leaves_large:
                self._waiting.add(partner)
                self._large.append(partner)
            while self._large and self._for_large > 0:
                self._for_large -= 1
                self._queue.put((self._large.popleft(), True))
        if woken:
            self.wake(partner)
