"""What came, and what became of it? For people and scripts to look at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from meterdrop.model.delivery import Delivery, State, delivery_number
from meterdrop.model.errors import OperatorMistake
from meterdrop.report import receipt as receipts
from meterdrop.store import deliveries, events, findings, originals, outbox, reports
from meterdrop.store.database import Database

_MOST_EVENTS: Final = 1000
"""Of what was done to single lines so many events are shown."""


@dataclass(frozen=True)
class ShownDelivery:
    """A delivery, its receipt as it is now, and its audit."""

    delivery: Delivery
    receipt: Mapping[str, object]
    quarantine: Mapping[str, int]
    """How many of its quarantined lines are in each state."""
    events: Sequence[Mapping[str, object]]
    """All of the delivery as a whole, and the first ones of its lines."""
    events_total: int
    original_removed_at: datetime | None
    """When the retention of its original ended; None while it is kept."""


@dataclass(frozen=True)
class ShowDelivery:
    """Reads deliveries; changes nothing."""

    database: Database
    language_of: Callable[[str], str]

    def __call__(self, name: str) -> ShownDelivery:
        """By number or upload id."""
        delivery = self.found(name)
        with self.database.reading() as store:
            return ShownDelivery(
                delivery=delivery,
                receipt=self.receipt(delivery),
                quarantine=reports.counts_by_state(store, delivery=delivery.id),
                events=events.of_delivery(store, delivery=delivery.id, most=_MOST_EVENTS),
                events_total=events.count_of_delivery(store, delivery=delivery.id),
                original_removed_at=originals.forgotten_at(store, sha256=delivery.sha256),
            )

    def found(self, name: str) -> Delivery:
        """The delivery of that number or upload id; OperatorMistake if there is none."""
        with self.database.reading() as store:
            delivery = deliveries.find(store, name)
        if delivery is None:
            raise OperatorMistake(f"there is no delivery {name!r}: see `meterdrop deliveries`")
        return delivery

    def listed(self, *, partner: str | None, state: State | None, limit: int) -> tuple[Delivery, ...]:
        """The newest first."""
        with self.database.reading() as store:
            return deliveries.listed(store, partner=partner, state=state, limit=limit)

    def receipt(self, delivery: Delivery) -> dict[str, object]:
        """The receipt as it is now."""
        with self.database.reading() as store:
            return receipts.receipt(
                delivery,
                findings=findings.first(store, delivery=delivery.id, limit=receipts.MOST_FINDINGS),
                language=self.language_of(delivery.partner),
                duplicate_of=_number(delivery.duplicate_of),
                parent=_number(delivery.parent),
                has_rejects=outbox.stands(store, delivery=delivery.id, name=receipts.rejects_name(delivery)),
            )

    def findings(self, delivery: Delivery, *, limit: int) -> list[dict[str, object]]:
        """The first findings with their words."""
        with self.database.reading() as store:
            found = findings.first(store, delivery=delivery.id, limit=limit)
        return [receipts.told(one, language=self.language_of(delivery.partner)) for one in found]


def _number(key: int | None) -> str | None:
    return None if key is None else delivery_number(key)
