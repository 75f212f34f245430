"""What is asked of processes on other machines? Jobs of Procrastinate, each put down in a transaction of its own."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import psycopg

DRAIN: Final = "drain"
"""A partner's deliveries are to be loaded, by any worker."""
LARGE: Final = "large"
"""The same, where a large delivery is next: for workers that are not kept for small ones."""
RECEIPTS: Final = "receipts"
"""A partner's receipts are to be written, by the service next to the door."""
UPKEEP: Final = "upkeep"
"""What has to be done now and then, by any worker."""


class Jobs:
    """Asks for work. What waits already is not asked for twice: it will find ours, too.

    `lend` lends a connection in a transaction that is committed at its end.
    """

    def __init__(self, *, lend: "Callable[[], AbstractContextManager[psycopg.Connection]]") -> None:
        self._lend = lend

    def wake(self, partner: str) -> None:
        """This partner has deliveries to load. `TryAgain` if the database is away."""
        self._ask(DRAIN, partner)

    def ring(self, partner: str) -> None:
        """This partner has receipts to be written. `TryAgain` as above."""
        self._ask(RECEIPTS, partner)

    def _ask(self, name: str, partner: str) -> None:
        from procrastinate import App, SyncPsycopgConnector
        from procrastinate.exceptions import AlreadyEnqueued

        app = App(connector=SyncPsycopgConnector())  # never opened: it works on what is lent to it
        lock = lock_of(name, partner)
        with suppress(AlreadyEnqueued), self._lend() as connection:
            app.configure_task(name, queue=name, lock=lock, queueing_lock=lock, connection=connection).defer(
                partner=partner
            )


def lock_of(name: str, partner: str) -> str:
    """Jobs with the same lock are done one after another; of those that wait there is one."""
    return f"{name}-{partner}"
