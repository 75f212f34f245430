"""An upload was handed over: its bytes are kept, the delivery is written down, the partner is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from meterdrop.model.codes import Severity
from meterdrop.model.errors import CannotRead, TryAgain
from meterdrop.model.finding import Finding
from meterdrop.model.ticket import Outcome, Ticket
from meterdrop.receive import tickets
from meterdrop.receive.hashing import sha256_of
from meterdrop.receive.originals import Originals
from meterdrop.report import receipt as receipts
from meterdrop.store import deliveries, events, outbox, partners, uploads, watched
from meterdrop.store.database import Database, Store
from meterdrop.usecases.checkpoint import Checkpoint
from meterdrop.usecases.retention.keeping import note_kept

log = structlog.get_logger()

_TOGETHER: Final = 32
"""So many uploads are taken at once: the first of them waits for the last."""


@dataclass(frozen=True)
class ReceiveUploads:
    """Takes what lies on the doorstep; each upload becomes one delivery, however often it is seen."""

    database: Database
    originals: Originals
    aside: Path
    clock: Callable[[], datetime]
    language_of: Callable[[str], str]
    at: Checkpoint

    def take_all(
        self, landing: Path, *, wake: Callable[[str], None] = lambda _partner: None
    ) -> tuple[str, ...]:
        """Takes every folder that waits; returns the partners that now have something to load, and wakes each at once.

        Uploads that wait together go to the disk together, and are written down in one transaction: the disk takes as
        long for many as for one.
        """
        woken: dict[str, None] = {}
        waiting = tickets.waiting(landing)
        for start in range(0, len(waiting), _TOGETHER):
            for partner in self._taken(waiting[start : start + _TOGETHER]):
                woken[partner] = None
                wake(partner)
        return tuple(woken)

    def _taken(self, folders: Sequence[Path]) -> tuple[str, ...]:
        try:
            return self._taken_together(folders)
        except TryAgain:
            raise
        except Exception:
            # The edge of ingest: what is wrong with one folder must not stop the others; it waits for the next sweep.
            if len(folders) == 1:
                log.exception("receive.failed", folder=folders[0].name)
                return ()
            return tuple(partner for folder in folders for partner in self._taken([folder]))

    def _taken_together(self, folders: Sequence[Path]) -> tuple[str, ...]:
        """Takes these folders, all or none of them but for those set aside; the partners to wake, each once."""
        found = {folder: ticket for folder in folders if (ticket := self._read(folder)) is not None}
        with self.database.reading() as store:
            known = uploads.known(store, [ticket.upload for ticket in found.values()])
            senders = partners.known(store, {ticket.partner for ticket in found.values()})
        new = {folder: ticket for folder, ticket in found.items() if ticket.upload not in known}
        kept = {folder: ticket for folder, ticket in new.items() if self._is_good(folder, ticket, senders)}
        whole = {
            ticket.sha256: tickets.content(folder) for folder, ticket in kept.items() if _is_whole(ticket)
        }
        self.originals.put_all(whole)
        self.originals.sync(list(whole))
        self.at("receive:kept")
        self._record_all(list(kept.values()), feed=None)
        self.at("receive:recorded")
        # What was known already: we were killed while we put it away.
        left = {folder: ticket for folder, ticket in found.items() if ticket.upload in known}
        for folder in (*kept, *left):
            tickets.put_away(folder)
        self.at("receive:put-away")
        awake = [ticket for ticket in kept.values() if _is_whole(ticket)]
        return tuple(dict.fromkeys(ticket.partner for ticket in (*awake, *left.values())))

    def _read(self, folder: Path) -> Ticket | None:
        try:
            ticket = tickets.read(folder)
        except CannotRead as problem:
            self._set_aside(folder, problem)
            return None
        self.at("receive:read")
        return ticket

    def _is_good(self, folder: Path, ticket: Ticket, senders: frozenset[str]) -> bool:
        """Whether the folder can be taken; it is set aside otherwise."""
        try:
            if ticket.partner not in senders:
                raise CannotRead("ticket.unknown-partner", value=ticket.partner)
            if _is_whole(ticket):
                _check(tickets.content(folder), ticket=ticket)
        except CannotRead as problem:
            self._set_aside(folder, problem)
            return False
        return True

    def _set_aside(self, folder: Path, problem: CannotRead) -> None:
        log.error("ticket.set-aside", folder=folder.name, code=problem.code)
        tickets.set_aside(folder, aside=self.aside)

    def record(self, ticket: Ticket, *, feed: str | None) -> int | None:
        """Writes the delivery down and asks for its first receipt; None if this upload is known already."""
        return self._record_all([ticket], feed=feed)[0]

    def _record_all(self, waiting: Sequence[Ticket], *, feed: str | None) -> list[int | None]:
        if not waiting:
            return []
        now = self.clock()
        with self.database.writing() as store:
            keys = [self._written_down(store, ticket, feed=feed, now=now) for ticket in waiting]
        for key, ticket in zip(keys, waiting, strict=True):
            if key is not None:
                log.info(
                    "delivery.received",
                    delivery=key,
                    upload=ticket.upload,
                    partner=ticket.partner,
                    bytes=ticket.bytes,
                )
        return keys

    def _written_down(self, store: Store, ticket: Ticket, *, feed: str | None, now: datetime) -> int | None:
        if _is_whole(ticket):
            note_kept(store, self.originals, sha256=ticket.sha256, bytes=ticket.bytes, now=now)
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
        return key

    def _tell_partner(self, store: Store, *, key: int, ticket: Ticket, now: datetime) -> None:
        delivery = deliveries.get(store, key)
        if _is_whole(ticket):
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


def _check(content: Path, *, ticket: Ticket) -> None:
    """CannotRead if these are not the bytes of the ticket."""
    if content.stat().st_size != ticket.bytes or sha256_of(content) != ticket.sha256:
        raise CannotRead("ticket.other-content", value=ticket.upload)


def _is_whole(ticket: Ticket) -> bool:
    return ticket.outcome is Outcome.FINISHED


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
