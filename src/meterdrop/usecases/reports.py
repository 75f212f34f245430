"""What is to be told of one delivery, or of one day? The reports are read here; `report` gives them their form."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from meterdrop.model.delivery import Delivery, delivery_number
from meterdrop.model.errors import OperatorMistake
from meterdrop.model.feed import Agreement
from meterdrop.report import receipt as receipts
from meterdrop.report.quarantine_report import QuarantineReport, Writing
from meterdrop.store import deliveries, outbox, partners, reports
from meterdrop.store.database import Database, Store
from meterdrop.usecases.kept import kept_layout


@dataclass(frozen=True)
class Reports:
    """Reads deliveries for their reports; changes nothing."""

    database: Database
    language_of: Callable[[str], str]
    agreement_of: Callable[[str, str, date], Agreement]
    clock: Callable[[], datetime]

    @contextmanager
    def of_delivery(self, name: str, *, language: str | None) -> Iterator[QuarantineReport]:
        """The report of a delivery, by number or upload id, open until the block ends; None: the partner's language.

        All of it is of one moment, and never more than a block of it is in memory.
        """
        with self.database.reading() as store:
            delivery = deliveries.find(store, name)
            if delivery is None:
                raise OperatorMistake(f"there is no delivery {name!r}: see `meterdrop deliveries`")
            partner = partners.find(store, delivery.partner)
            in_language = language or self.language_of(delivery.partner)
            with (
                closing(reports.findings_of_file(store, delivery=delivery.id)) as of_file,
                closing(reports.lines(store, delivery=delivery.id)) as lines,
                closing(reports.findings_of_other_lines(store, delivery=delivery.id)) as of_others,
            ):
                yield QuarantineReport(
                    head=_head(store, delivery, language=in_language),
                    partner_name=delivery.partner if partner is None else partner.name,
                    language=in_language,
                    received_at=delivery.received_at,
                    made_at=self.clock(),
                    writing=self._writing(store, delivery),
                    states=reports.counts_by_state(store, delivery=delivery.id),
                    file_findings=of_file,
                    lines=lines,
                    other_findings=of_others,
                )

    def _writing(self, store: Store, delivery: Delivery) -> Writing:
        layout = kept_layout(store, delivery.id, agreement=self._agreement(delivery))
        if layout is None:
            return Writing(encoding=delivery.encoding, separator=None, headings=())
        return Writing(encoding=layout.encoding, separator=layout.separator, headings=layout.headings)

    def _agreement(self, delivery: Delivery) -> Agreement | None:
        """What was agreed when it came; None if its feed is not known, or not any more."""
        if delivery.feed is None:
            return None
        try:
            return self.agreement_of(delivery.partner, delivery.feed, delivery.arrived_on)
        except OperatorMistake:
            return None


def _head(store: Store, delivery: Delivery, *, language: str) -> dict[str, object]:
    """The receipt as it is now, without its findings."""
    receipt = receipts.receipt(
        delivery,
        findings=(),
        language=language,
        duplicate_of=None if delivery.duplicate_of is None else delivery_number(delivery.duplicate_of),
        parent=None if delivery.parent is None else delivery_number(delivery.parent),
        has_rejects=outbox.stands(store, delivery=delivery.id, name=receipts.rejects_name(delivery)),
    )
    return {name: value for name, value in receipt.items() if name not in ("receipt", "findings")}
