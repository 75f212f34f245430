"""An upload was handed over: its bytes are kept, the delivery is written down, the partner is told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from meterdrop.model.codes import Severity
from meterdrop.model.errors import CannotRead, TryAgain
from meterdrop.model.finding import Finding
from meterdrop.model.ticket import Outcome, Ticket
from meterdrop.receive import tickets
from meterdrop.receive.hashing import sha256_of
from meterdrop.receive.originals import Originals
from meterdrop.report import receipt as receipts
from meterdrop.store import deliveries, events, outbox, partners, watched
from meterdrop.store.database import Database, Store
from meterdrop.usecases.checkpoint import Checkpoint

log = structlog.get_logger()


@dataclass(frozen=True)
class ReceiveUploads:
    """Takes what lies on the doorstep; each upload becomes one delivery, however often it is seen."""

    database: Database
    originals: Originals
    aside: Path
    clock: Callable[[], datetime]
    language_of: Callable[[str], str]
    at: Checkpoint

    def take_all(self, landing: Path) -> tuple[str, ...]:
        """Takes every folder that waits; returns the partners that now have something to load."""
        woken = dict.fromkeys(
            partner for folder in tickets.waiting(landing) if (partner := self._taken(folder)) is not None
        )
        return tuple(woken)

    def _taken(self, folder: Path) -> str | None:
        try:
            return self.take(folder)
        except TryAgain:
            raise
        except Exception:
            # The edge of ingest: what is wrong with one folder must not stop the others; it waits for the next sweep.
            log.exception("receive.failed", folder=folder.name)
            return None

    def take(self, folder: Path) -> str | None:
        """Takes one folder; the partner to wake, or None if there is nothing to load."""
        try:
            ticket = tickets.read(folder)
            self.at("receive:read")
            if self._is_known(ticket):
                tickets.put_away(folder)  # we were killed while we put it away
                return ticket.partner
            self._check_partner(ticket)
            if ticket.outcome is Outcome.FINISHED:
                self._keep(tickets.content(folder), ticket=ticket)
        except CannotRead as problem:
            log.error("ticket.set-aside", folder=folder.name, code=problem.code)
            tickets.set_aside(folder, aside=self.aside)
            return None
        self.at("receive:kept")
        self.record(ticket, feed=None)
        self.at("receive:recorded")
        tickets.put_away(folder)
        self.at("receive:put-away")
        return ticket.partner if ticket.outcome is Outcome.FINISHED else None

    def record(self, ticket: Ticket, *, feed: str | None) -> int | None:
        """Writes the delivery down and asks for its first receipt; None if this upload is known already."""
        now = self.clock()
        with self.database.writing() as store:
            key = deliveries.add_received(store, ticket=ticket, now=now, feed=feed)
            if key is None:
                return None
            events.tell(
                store,
                at=now,
                who=f"partner:{ticket.partner}",
                what=f"delivery.{ticket.outcome.value}",
                partner=ticket.partner,
                delivery=key,
                after={
                    "upload": ticket.upload,
                    "bytes": ticket.bytes,
                    "sha256": ticket.sha256,
                    "key": ticket.key,
                    **({} if ticket.continues is None else {"continues": ticket.continues}),
                },
            )
            _note_watched(store, ticket)
            self._tell_partner(store, key=key, ticket=ticket, now=now)
        log.info(
            "delivery.received",
            delivery=key,
            upload=ticket.upload,
            partner=ticket.partner,
            bytes=ticket.bytes,
        )
        return key

    def _is_known(self, ticket: Ticket) -> bool:
        with self.database.reading() as store:
            return deliveries.find(store, ticket.upload) is not None

    def _keep(self, content: Path, *, ticket: Ticket) -> None:
        """The bytes, if they are those of the ticket."""
        if content.stat().st_size != ticket.bytes or sha256_of(content) != ticket.sha256:
            raise CannotRead("ticket.other-content", value=ticket.upload)
        self.originals.keep(content=content, sha256=ticket.sha256)

    def _check_partner(self, ticket: Ticket) -> None:
        with self.database.reading() as store:
            if partners.find(store, ticket.partner) is None:
                raise CannotRead("ticket.unknown-partner", value=ticket.partner)

    def _tell_partner(self, store: Store, *, key: int, ticket: Ticket, now: datetime) -> None:
        delivery = deliveries.get(store, key)
        if ticket.outcome is Outcome.FINISHED:
            name = receipts.received_name(delivery)
            document = receipts.received_receipt(delivery, continues=ticket.continues)
        else:
            from meterdrop.store import findings  # rare, and it brings the tables
            from meterdrop.tables import findings_frame

            incomplete = Finding(code=ticket.outcome.why_not_loaded, severity=Severity.ERROR)
            findings.add(store, findings=findings_frame([incomplete]), delivery=key)
            name = receipts.result_name(delivery)
            document = receipts.receipt(
                delivery,
                findings=[incomplete],
                language=self.language_of(delivery.partner),
                duplicate_of=None,
                parent=None,
                has_rejects=False,
            )
        outbox.put(
            store,
            partner=delivery.partner,
            delivery=key,
            name=name,
            now=now,
            content=receipts.as_json(document),
        )


def _note_watched(store: Store, ticket: Ticket) -> None:
    """In the delivery's own transaction: a file is known as taken if and only if its delivery is there."""
    if ticket.watched is not None:
        watched.note(
            store,
            partner=ticket.partner,
            path=ticket.name,
            file=ticket.watched,
            bytes=ticket.bytes,
            sha256=ticket.sha256,
            upload=ticket.upload,
        )
