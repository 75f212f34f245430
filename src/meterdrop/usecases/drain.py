"""One partner's deliveries are loaded in order of arrival, until none is left."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, Protocol

from meterdrop.dispatch.locks import Locks
from meterdrop.model.delivery import Delivery
from meterdrop.store import deliveries
from meterdrop.store.database import Database
from meterdrop.usecases.ingest import Ingest

_WAIT: Final = 60.0
_LARGE: Final = 8 * 1024 * 1024
"""A delivery of more bytes takes some seconds to load, or many: some 300,000 lines."""


class SendsReceipts(Protocol):
    """Writes receipts, or asks those to do it who can."""

    def to(self, partner: str) -> int:
        """What waits for one partner."""


@dataclass(frozen=True)
class Drain:
    """Loads what waits; one process at a time works on a partner."""

    database: Database
    locks: Locks
    ingest: Ingest
    send_receipts: SendsReceipts
    wait: float = _WAIT
    """So many seconds is waited for whoever else is at the partner."""

    def __call__(
        self,
        partner: str,
        *,
        stopping: Callable[[], bool] = lambda: False,
        begins: Callable[[int], None] = lambda _key: None,
        settled: Callable[[int], None] = lambda _key: None,
        leaves: Callable[[], None] | None = None,
    ) -> list[Delivery]:
        """The deliveries settled. Stops between two of them when asked to. `TryAgain` if someone else is at it.

        Says the key of each delivery before it is touched, and again when its outcome is committed. Where it may leave a large
        one to others, it does: it says so then, and ends.
        """
        done: list[Delivery] = []
        with self.locks.hold(f"partner-{partner}", wait=self.wait):
            for key in takewhile(lambda _key: not stopping(), self._waiting(partner, leaves=leaves)):
                begins(key)
                done.append(self.ingest(key))
                settled(key)
                self.send_receipts.to(partner)
        return done

    def make_good(self) -> bool:
        """To be asked between two drains: whether there are attempts still to be given back, see `Ingest`."""
        return self.ingest.make_good()

    def _waiting(self, partner: str, *, leaves: Callable[[], None] | None) -> Iterator[int]:
        """Asked anew after each: another one may turn up that came before those that were seen."""
        while True:
            with self.database.reading() as store:
                first = deliveries.first_unfinished(store, partner=partner)
            if first is None:
                return
            if leaves is not None and first.bytes > _LARGE:
                leaves()
                return
            yield first.key
