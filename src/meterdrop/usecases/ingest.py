"""One delivery's road, from its kept bytes to rows, rejects and receipt. Read this first."""

import errno
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import uuid4

import structlog

from meterdrop.model.codes import SOFT, Code
from meterdrop.model.delivery import Delivery, LineCounts, Release, State
from meterdrop.model.errors import CannotRead, NoRoom, TryAgain
from meterdrop.model.feed import Agreement
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.receive.originals import Originals
from meterdrop.store import deliveries, successors, waits
from meterdrop.store.database import Database
from meterdrop.store.deliveries import Judgement
from meterdrop.store.room import needed_for, needed_to_judge
from meterdrop.usecases.checkpoint import Checkpoint
from meterdrop.usecases.closing import Corrections
from meterdrop.usecases.drift import Drift, find_drift
from meterdrop.usecases.judging.ahead import Ahead
from meterdrop.usecases.judging.judge import Judged, judge
from meterdrop.usecases.judging.judgement import duplicate_of, judgement_of, of_the_file
from meterdrop.usecases.judging.rules import Occasion, Rules
from meterdrop.usecases.publish import Publisher
from meterdrop.usecases.recognise import recognise
from meterdrop.usecases.refuse import refusal

log = structlog.get_logger()

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True)
class _Before:
    """What came before a delivery: one with the same bytes, another header, lines that want a correction."""

    same: Delivery | None
    drift: Drift | None
    occasion: Occasion


@dataclass(frozen=True)
class Ingest:
    """Loads one delivery; everything it needs is named here."""

    database: Database
    originals: Originals
    publisher: Publisher
    agreements_of: Callable[[str, date], Sequence[Agreement]]
    agreement_of: Callable[[str, str, date], Agreement]
    rules_for: Callable[[Agreement, date], Rules]
    clock: Callable[[], datetime]
    day_of: Callable[[Delivery], date]
    max_attempts: int
    at: Checkpoint
    _owed: list[Delivery] = field(default_factory=list)
    """Whose attempts are to be given back once the database answers again."""

    def __call__(self, key: int) -> Delivery:
        """From `received` to a final state. An attempt is counted first, so that poison is noticed."""
        self.make_good()
        with self.database.writing(lasting=False) as store:
            delivery = deliveries.begin(store, key=key)
        self.at("ingest:begun")
        if delivery.attempts > self.max_attempts:
            return self._poisoned(delivery)
        try:
            settled = self._loaded(delivery)
        except TryAgain as error:
            self._waits(delivery, why=error)
            raise
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            full = NoRoom(f"no room on the disk to load delivery {delivery.number}: make some")
            self._waits(delivery, why=full)
            raise full from error
        log.info(
            "delivery.settled", delivery=settled.id, state=settled.state.value, **settled.lines.as_dict()
        )
        return settled

    def _loaded(self, delivery: Delivery) -> Delivery:
        agreement: Agreement | None = None
        layout: Layout | None = None
        try:
            agreement, layout = self._recognised(delivery)
            self.at("ingest:recognised")
            before = self._before(delivery, agreement=agreement, layout=layout)
            if before.same is not None:
                return self._duplicate(delivery, earlier=before.same, agreement=agreement)
            return self._judged_and_published(delivery, agreement=agreement, layout=layout, before=before)
        except CannotRead as problem:
            return self._refused(delivery, problem=problem, agreement=agreement, layout=layout)

    def _waits(self, delivery: Delivery, *, why: TryAgain) -> None:
        """The world failed, not the file: that must not make it poison. What waits for room is told by `status`."""
        self._owed.append(delivery)
        if self.make_good():
            return
        with suppress(TryAgain), self.database.writing() as store:
            if isinstance(why, NoRoom):
                waits.note(store, delivery=delivery.id, needed=why.needed, now=self.clock())
            else:
                waits.end(store, delivery=delivery.id)

    def make_good(self) -> bool:
        """Gives back the attempts that a database which was away made fail; whether it is away still.

        Whoever takes a delivery up in another process is not hindered: then its attempt stays counted.
        """
        try:
            while self._owed:
                with self.database.writing() as store:
                    deliveries.give_attempt_back(store, of=self._owed[-1])
                self._owed.pop()
        except TryAgain:
            return True
        return False

    def _recognised(self, delivery: Delivery) -> tuple[Agreement, Layout]:
        asked = delivery.asked_feed
        return recognise(
            self.originals,
            sha256=delivery.sha256,
            size=delivery.bytes,
            path=delivery.path,
            agreements=self.agreements_of(delivery.partner, delivery.arrived_on)
            if asked is None
            else [self.agreement_of(delivery.partner, asked, delivery.arrived_on)],
            feed=asked,
        )

    def _before(self, delivery: Delivery, *, agreement: Agreement, layout: Layout) -> "_Before":
        """Looked up before anything is judged: the partner's lock keeps it true until all is published.

        A delivery that was judged before came before others that may be stored by now.
        """
        feed = agreement.feed.name
        with self.database.reading() as store:
            return _Before(
                same=deliveries.same_bytes(store, of=delivery, feed=feed, rules=agreement.fingerprint),
                drift=find_drift(store, delivery, agreement=agreement, layout=layout),
                occasion=Occasion(
                    came_with=delivery.id if delivery.revision else None,
                    waived=SOFT if delivery.released is Release.WHOLE else frozenset(),
                    traces=successors.wanted_from_partner(
                        store, partner=delivery.partner, feed=feed, before=delivery.id
                    ),
                ),
            )

    def _judged_and_published(
        self, delivery: Delivery, *, agreement: Agreement, layout: Layout, before: "_Before"
    ) -> Delivery:
        self.publisher.room.check(needed=needed_to_judge(delivery.bytes))
        rules = self.rules_for(agreement, self.day_of(delivery))
        with (
            closing(self.publisher.spool(f"delivery-{delivery.id}")) as spool,
            self.publisher.ahead(delivery) as ahead,
        ):
            with self.originals.open(delivery.sha256) as stream:
                judged = judge(
                    stream,
                    agreement=agreement,
                    layout=layout,
                    rules=rules,
                    spool=spool,
                    occasion=before.occasion,
                    ahead=ahead,
                )
            self.at("ingest:judged")
            return self._published(
                delivery,
                judged=judged,
                agreement=agreement,
                layout=layout,
                corrections=Corrections(
                    agreement=agreement, rules=rules, spool=spool, traced=before.occasion.traces
                ),
                ahead=ahead,
                drift=before.drift,
            )

    def would_come_to(self, delivery: Delivery) -> Judgement:
        """What loading this delivery would come to; nothing is changed."""
        spool = self.publisher.spool(f"delivery-{delivery.id}-{uuid4().hex}")
        agreement: Agreement | None = None
        layout: Layout | None = None
        try:
            agreement, layout = self._recognised(delivery)
            before = self._before(delivery, agreement=agreement, layout=layout)
            if before.same is not None:
                return duplicate_of(before.same, agreement=agreement)[0]
            rules = self.rules_for(agreement, self.day_of(delivery))
            with self.originals.open(delivery.sha256) as stream:
                judged = judge(
                    stream,
                    agreement=agreement,
                    layout=layout,
                    rules=rules,
                    spool=spool,
                    occasion=before.occasion,
                )
            return self._judgement(delivery, judged=judged, agreement=agreement, layout=layout, rules=rules)[
                0
            ]
        except CannotRead as problem:
            return refusal(
                delivery.sha256,
                problem=problem,
                originals=self.originals,
                agreement=agreement,
                layout=layout,
            )[0]
        finally:
            spool.close()

    def _judgement(
        self, delivery: Delivery, *, judged: Judged, agreement: Agreement, layout: Layout, rules: Rules
    ) -> tuple[Judgement, list[Finding]]:
        return judgement_of(
            judged,
            agreement=agreement,
            layout=layout,
            file_findings=rules.file_findings,
            parent=self._parent(delivery, layout=layout),
            released=delivery.released is not None,
        )

    def _published(
        self,
        delivery: Delivery,
        *,
        judged: Judged,
        agreement: Agreement,
        layout: Layout,
        corrections: Corrections,
        ahead: Ahead | None,
        drift: Drift | None,
    ) -> Delivery:
        judgement, told = self._judgement(
            delivery, judged=judged, agreement=agreement, layout=layout, rules=corrections.rules
        )
        self.publisher.room.check(
            needed=needed_for(
                judged.lines, findings=sum(judged.findings_by_code.values()), size=delivery.bytes
            )
        )
        return self.publisher.judged(
            delivery,
            judgement=judgement,
            judged=judged,
            told=told,
            rules=corrections.rules,
            spool=corrections.spool,
            layout=layout,
            language=agreement.language,
            stores_rows=judgement.state is not State.HELD,
            ahead=ahead,
            drift=drift,
            close=lambda store, settled: corrections.close(
                store, self.publisher, settled=settled, now=self.clock()
            ),
        )

    def _parent(self, delivery: Delivery, *, layout: Layout) -> int | None:
        """An edited rejects file names the upload it came of: `<file>.<upload-id>.rejects.csv`."""
        pieces = delivery.file.split(".")
        if not layout.rejects_cells:
            return None
        with self.database.reading() as store:
            for piece in reversed(pieces):
                parent = deliveries.find(store, piece) if len(piece) == 26 else None
                if parent is not None and parent.partner == delivery.partner:
                    return parent.id
        return None

    def _duplicate(self, delivery: Delivery, *, earlier: Delivery, agreement: Agreement) -> Delivery:
        judgement, finding = duplicate_of(earlier, agreement=agreement)
        return self.publisher.whole(
            delivery, judgement=judgement, told=[finding], language=agreement.language
        )

    def _refused(
        self,
        delivery: Delivery,
        *,
        problem: CannotRead,
        agreement: Agreement | None,
        layout: Layout | None,
    ) -> Delivery:
        """A header that changed is the commonest reason, so what changed is told of refused files, too."""
        judgement, told = refusal(
            delivery.sha256, problem=problem, originals=self.originals, agreement=agreement, layout=layout
        )
        if agreement is None and judgement.feed is not None:
            agreement = self.agreement_of(delivery.partner, judgement.feed, delivery.arrived_on)
        drift = None
        if judgement.layout is not None:
            with self.database.reading() as store:
                drift = find_drift(store, delivery, agreement=agreement, layout=judgement.layout)
        return self.publisher.whole(
            delivery,
            judgement=judgement if agreement is None else replace(judgement, rules=agreement.fingerprint),
            told=told,
            language=self._language(delivery),
            drift=drift,
        )

    def _poisoned(self, delivery: Delivery) -> Delivery:
        self.publisher.spool(f"delivery-{delivery.id}").close()  # what killed attempts left there
        finding = of_the_file(Code.FILE_POISONED, value=str(self.max_attempts))
        judgement = Judgement(
            state=State.POISONED,
            lines=LineCounts(),
            findings_by_code={finding.code.value: 1},
            feed=delivery.feed,  # if it was judged before, its open lines can still be corrected
        )
        return self.publisher.whole(
            delivery, judgement=judgement, told=[finding], language=self._language(delivery)
        )

    def _language(self, delivery: Delivery) -> str:
        agreed = self.agreements_of(delivery.partner, delivery.arrived_on)
        return next((agreement.language for agreement in agreed), "cs")
