"""Who drains which partner, on many machines? Whoever takes the job from the queue in the database."""

import threading
from collections.abc import Callable
from typing import Final

import structlog

from meterdrop.dispatch.jobs import Jobs
from meterdrop.dispatch.queue_runner import QueueRunner
from meterdrop.model.errors import TryAgain

log = structlog.get_logger()


class ScaledDispatch:
    """The service's side: it asks for drains, has no workers, and hears which partner's receipts are to be written.

    `listener` runs jobs of the queue of receipts.
    """

    not_warm: Final = "the database with the queue of jobs does not answer; why is logged above"

    def __init__(self, *, jobs: Jobs, listener: QueueRunner) -> None:
        self._jobs = jobs
        self._listener = listener
        self._thread = threading.Thread(target=listener.run, name="receipts-queue", daemon=True)

    def wake(self, partner: str) -> None:
        """This partner has deliveries to load; if that can't be said now, the next sweep says it."""
        try:
            self._jobs.wake(partner)
        except TryAgain as error:
            log.warning("drain.not-asked-for", partner=partner, why=str(error))

    def run_workers(self) -> None:
        """Begins to listen."""
        self._thread.start()

    def is_warm(self, *, wait: float) -> bool:
        """Whether it listens within `wait` seconds. Whether anybody works is for `status` to say."""
        return self._listener.is_ready(wait=wait)

    def stop(self, *, wait: float) -> bool:
        """Listens no more; whether that came to its end within `wait` seconds."""
        self._listener.stop()
        self._thread.join(wait)
        return not self._thread.is_alive()


class Ring:
    """`SendReceipts` for a process that is not next to the door: it asks the service there."""

    def __init__(self, *, jobs: Jobs, waiting: Callable[[], tuple[str, ...]]) -> None:
        self._jobs = jobs
        self._waiting = waiting

    def __call__(self) -> int:
        """Asks for all that waits; how many partners' receipts."""
        partners = self._waiting()
        for partner in partners:
            self.to(partner)
        return len(partners)

    def to(self, partner: str) -> int:
        """Asks for what waits of one partner. What can't be asked now, the service's next sweep finds."""
        try:
            self._jobs.ring(partner)
        except TryAgain as error:
            log.warning("receipts.not-asked-for", partner=partner, why=str(error))
        return 1
