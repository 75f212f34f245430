"""Who drains which partner, inside one service? Threads with a worker each, one partner at a time each."""

import threading
import time
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

    Who has waited longest is first. If several workers are free, a partner goes to the one that had it last: that one
    remembers its meters. Where there are several, one of them is never at a large delivery: small ones of others need not
    wait for those.
    """

    not_warm: Final = "no worker could be started; why is logged above"

    def __init__(self, *, workers: Sequence[Worker]) -> None:
        self._changed = threading.Condition()
        self._stopped = False
        self._waiting: dict[str, bool] = {}
        """Partners in the order in which they were woken, and whether the next delivery of each is known to be a large one."""
        self._draining: set[str] = set()
        self._again: set[str] = set()
        self._is_alone = len(workers) == 1
        self._for_large = max(1, len(workers) - 1)
        """So many workers more may be at large deliveries."""
        self._free: set[int] = set()
        self._had_by: dict[str, int] = {}
        """The worker that drained a partner last."""
        self._warm = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(number, worker), name=f"worker-{number}", daemon=True)
            for number, worker in enumerate(workers)
        ]

    def wake(self, partner: str) -> None:
        """This partner has deliveries to load."""
        with self._changed:
            if partner in self._draining:
                self._again.add(partner)
            else:
                self._waiting.setdefault(partner, False)
                self._changed.notify_all()

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
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def status(self) -> DispatchStatus:
        """Who waits, and who is being drained."""
        with self._changed:
            return DispatchStatus(
                waiting=tuple(sorted(self._waiting)), draining=tuple(sorted(self._draining))
            )

    def _work(self, number: int, worker: Worker) -> None:
        worker.warm()
        self._warm.set()
        while (order := self._taken(number)) is not None:
            partner, large = order
            outcome: object = None
            try:
                outcome = worker.drain(partner, only_small=not large and not self._is_alone)
            finally:
                self._end(partner, was_large=large, leaves_large=outcome == LARGE_NEXT)
            worker.warm()

    def _taken(self, number: int) -> tuple[str, bool] | None:
        """The partner that this worker is to drain, once there is one, and whether of large deliveries; None if it is to stop."""
        with self._changed:
            self._free.add(number)
            while not self._stopped and (partner := self._next_for(number)) is None:
                self._changed.wait()
            self._free.discard(number)
            if self._stopped or partner is None:
                return None
            large = self._waiting.pop(partner)
            self._for_large -= large
            self._draining.add(partner)
            self._had_by[partner] = number
            self._changed.notify_all()  # this one is free no more: what it had last is anybody's now
            return partner, large

    def _next_for(self, number: int) -> str | None:
        """Who has waited longest, but for those whom another free worker had last, or for whom one would have to be kept free."""
        others = self._free - {number}
        wanted = (partner for partner, large in self._waiting.items() if not large or self._for_large > 0)
        return next((partner for partner in wanted if self._had_by.get(partner) not in others), None)

    def _end(self, partner: str, *, was_large: bool, leaves_large: bool) -> None:
        with self._changed:
            self._draining.discard(partner)
            self._for_large += was_large
            if leaves_large:
                self._waiting[partner] = True
            elif partner in self._again:
                self._waiting.setdefault(partner, False)
            self._again.discard(partner)
            self._changed.notify_all()
