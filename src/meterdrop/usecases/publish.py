"""Rows, rejects, state and receipt: one transaction, all of it or nothing."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd

from meterdrop.model.delivery import Delivery
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.receive.hashing import sha256_of
from meterdrop.receive.originals import Originals
from meterdrop.report import receipt as receipts
from meterdrop.report import rejects
from meterdrop.store import anew, deliveries, events, finding_history, findings, outbox, quarantine
from meterdrop.store.database import Database, Store
from meterdrop.store.deliveries import Judgement
from meterdrop.store.room import Room
from meterdrop.store.spool import Spool
from meterdrop.tables import Lines, findings_frame
from meterdrop.usecases.anew import Waited, waited
from meterdrop.usecases.checkpoint import Checkpoint
from meterdrop.usecases.drift import Drift, tell_of
from meterdrop.usecases.judging.ahead import Ahead
from meterdrop.usecases.judging.judge import Judged, both_in_order, set_aside_in_order
from meterdrop.usecases.judging.publication import Publication
from meterdrop.usecases.judging.rules import Rules
from meterdrop.usecases.retention.keeping import note_kept


@dataclass(frozen=True)
class KeptFile:
    """A file of ours that is kept like an original."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Publisher:
    """Writes outcomes down; what it needs to do so."""

    database: Database
    originals: Originals
    work: Path
    room: Room
    clock: Callable[[], datetime]
    at: Checkpoint

    def spool(self, name: str) -> Spool:
        """Where what is judged waits until it is published; the caller closes it."""
        return Spool(self.work / name, room=self.room)

    def ahead(self, delivery: Delivery) -> AbstractContextManager[Ahead | None]:
        """Where rows of a delivery are stored while it is judged; None where others would have to wait meanwhile.

        Not for one that was judged before: which of its lines wait is known in the end only.
        """
        if not self.database.may_stay_open or delivery.revision:
            return nullcontext()
        return Ahead(self.database, publication=self._publication(delivery, before=None), at=self.at)

    def _transaction(self, ahead: Ahead | None, *, keep: bool) -> AbstractContextManager[Store]:
        return self.database.writing() if ahead is None else ahead.transaction(keep=keep)

    def whole(
        self,
        delivery: Delivery,
        *,
        judgement: Judgement,
        told: Sequence[Finding],
        language: str,
        drift: Drift | None = None,
    ) -> Delivery:
        """An outcome without rows: refused, duplicate or poisoned."""
        with self.database.writing() as store:
            before = waited(store, delivery)
            settled = deliveries.settle(
                store, delivery_before=delivery, judgement=judgement, now=self.clock()
            )
            if before is not None:
                before.end_with_file(store, settled=settled, now=self.clock())
            findings.add(store, findings=findings_frame(told), delivery=delivery.id)
            self.tell(store, settled, before=delivery, language=language, rejects_blob=None)
            self._tell_of_drift(store, drift, delivery=settled)
            self.at("publish:settled")
        self.at("publish:committed")
        return settled

    def judged(
        self,
        delivery: Delivery,
        *,
        judgement: Judgement,
        judged: Judged,
        told: Sequence[Finding],
        rules: Rules,
        spool: Spool,
        layout: Layout,
        language: str,
        stores_rows: bool,
        ahead: Ahead | None = None,
        drift: Drift | None = None,
        close: Callable[[Store, Delivery], None] = lambda _store, _settled: None,
    ) -> Delivery:
        """An outcome with rows: what `rules` left in the spool (unless held), lines set aside, and findings.

        Rows that were stored `ahead` become part of it. `close` ends lines of earlier deliveries that this one corrects, in the same transaction.
        """
        rejected = set_aside_in_order(spool, ends=judged.ends)
        blob = self.keep_rejects(rejected, layout=layout, language=language)
        if stores_rows:
            rules.make_room()
        with self._transaction(ahead, keep=stores_rows) as store:
            before = waited(store, delivery)
            if stores_rows:
                rules.publish(store, spool=spool, publication=self._publication(delivery, before=before))
            self.at("publish:rows")
            still = self._set_aside(
                store, delivery, judged=judged, rules=rules, spool=spool, judgement=judgement
            )
            if before is not None and stores_rows:
                before.end_stored(
                    store,
                    still=still,
                    rules=rules,
                    spool=spool,
                    fingerprint=str(judgement.rules),
                    now=self.clock(),
                )
            if before is not None:
                finding_history.forget_open(store, delivery=delivery.id)
            findings.add(store, findings=findings_frame(told), delivery=delivery.id)
            self.at("publish:quarantine")
            settled = deliveries.settle(
                store, delivery_before=delivery, judgement=judgement, now=self.clock()
            )
            self.tell(store, settled, before=delivery, language=language, rejects_blob=blob)
            self._tell_of_drift(store, drift, delivery=settled)
            if stores_rows:
                close(store, settled)
            self.at("publish:settled")
        if stores_rows:
            rules.committed()
        self.at("publish:committed")
        return settled

    def _tell_of_drift(self, store: Store, drift: Drift | None, *, delivery: Delivery) -> None:
        if drift is not None:
            tell_of(store, drift, delivery=delivery, now=self.clock())

    def _publication(self, delivery: Delivery, *, before: Waited | None) -> Publication:
        who = f"delivery:{delivery.number}"
        return Publication(
            delivery=delivery.id,
            partner=delivery.partner,
            who=who,
            why=None,
            now=self.clock(),
            quarantined=np.zeros(0, dtype=np.int64) if before is None else before.lines,
        )

    def _set_aside(
        self,
        store: Store,
        delivery: Delivery,
        *,
        judged: Judged,
        rules: Rules,
        spool: Spool,
        judgement: Judgement,
    ) -> Lines:
        """The lines set aside, in order, if the delivery was judged before: nobody asks for those of a new one."""
        add = quarantine.add if delivery.revision == 0 else anew.set_aside
        numbers = [np.zeros(0, dtype=np.int64)]
        for rows, found in both_in_order(spool, ends=judged.ends):
            if rows is not None:
                add(
                    store,
                    rows=rows,
                    delivery=delivery.id,
                    rules=str(judgement.rules),
                    register_version=rules.register_version,
                )
                if delivery.revision:
                    numbers.append(rows["line"].to_numpy(dtype=np.int64))
            if found is not None:
                findings.add(store, findings=found, delivery=delivery.id)
        return np.concatenate(numbers)

    def keep_rejects(
        self,
        rejected: Iterable[tuple[pd.DataFrame, pd.DataFrame]],
        *,
        layout: Layout,
        language: str,
    ) -> KeptFile | None:
        """Writes rejected lines with their reasons and keeps them like an original; None for no lines.

        `rejected`: blocks of lines (line, raw), each with the findings of at least those lines.
        """
        blocks = iter(rejected)
        first = next(blocks, None)
        if first is None:
            return None
        self.work.mkdir(parents=True, exist_ok=True)
        path = self.work / f"rejects-{uuid4().hex}"
        try:
            with path.open("wb") as stream:
                stream.write(rejects.header(layout))
                for rows, found in chain([first], blocks):
                    self.room.check()
                    for block in rejects.lines(rows, findings=found, layout=layout, language=language):
                        stream.write(block)
            written = KeptFile(sha256=sha256_of(path), bytes=path.stat().st_size)
            self.originals.take(content=path, sha256=written.sha256)
        finally:
            path.unlink(missing_ok=True)
        return written

    def tell(
        self,
        store: Store,
        settled: Delivery,
        *,
        before: Delivery,
        language: str,
        rejects_blob: KeptFile | None,
    ) -> None:
        """The receipt as it is now, in the outbox; and the event."""
        now = self.clock()
        document = receipts.receipt(
            settled,
            findings=findings.first(store, delivery=settled.id, limit=receipts.MOST_FINDINGS),
            language=language,
            duplicate_of=_number(store, settled.duplicate_of),
            parent=_number(store, settled.parent),
            has_rejects=rejects_blob is not None,
        )
        if rejects_blob is not None:
            blob = rejects_blob.sha256
            note_kept(store, self.originals, sha256=blob, bytes=rejects_blob.bytes, now=now)
            name = receipts.rejects_name(settled)
            outbox.put(store, partner=settled.partner, delivery=settled.id, name=name, now=now, blob=blob)
        elif before.lines.quarantined:
            outbox.put(
                store,
                partner=settled.partner,
                delivery=settled.id,
                name=receipts.rejects_name(settled),
                now=now,
            )
        outbox.put(
            store,
            partner=settled.partner,
            delivery=settled.id,
            name=receipts.result_name(settled),
            now=now,
            content=receipts.as_json(document),
        )
        events.tell(
            store,
            at=now,
            who="meterdrop",
            what=f"delivery.{settled.state.value}",
            partner=settled.partner,
            delivery=settled.id,
            before={"state": before.state.value, **before.lines.as_dict()},
            after={"state": settled.state.value, **settled.lines.as_dict()},
        )


def _number(store: Store, key: int | None) -> str | None:
    return None if key is None else deliveries.get(store, key).number
