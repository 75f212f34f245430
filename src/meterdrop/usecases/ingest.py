"""One delivery's road, from its kept bytes to rows, rejects and receipt. Read this first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import structlog

from meterdrop.model.codes import Code, severity_of
from meterdrop.model.delivery import Delivery, LineCounts, State
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.receive.originals import Originals
from meterdrop.store import deliveries
from meterdrop.store.database import Database
from meterdrop.store.deliveries import Judgement
from meterdrop.store.spool import Spool
from meterdrop.usecases.checkpoint import Checkpoint
from meterdrop.usecases.judging.judge import Judged, judge
from meterdrop.usecases.judging.rules import Rules
from meterdrop.usecases.publish import Publisher
from meterdrop.usecases.recognise import recognise
from meterdrop.usecases.refuse import refusal

log = structlog.get_logger()


@dataclass(frozen=True)
class Ingest:
    """Loads one delivery; everything it needs is named here."""

    database: Database
    originals: Originals
    publisher: Publisher
    agreements_of: Callable[[str], Sequence[Agreement]]
    agreement_of: Callable[[str, str], Agreement]
    rules_for: Callable[[Agreement, date], Rules]
    clock: Callable[[], datetime]
    today: Callable[[], date]
    max_attempts: int
    at: Checkpoint

    def __call__(self, key: int) -> Delivery:
        """From `received` to a final state. An attempt is counted first, so that poison is noticed."""
        with self.database.writing() as store:
            delivery = deliveries.begin(store, key=key)
        self.at("ingest:begun")
        if delivery.attempts > self.max_attempts:
            return self._poisoned(delivery)
        try:
            agreement, layout = self._recognised(delivery)
            self.at("ingest:recognised")
            earlier = self._same_bytes(delivery, feed=agreement.feed.name)
            if earlier is not None:
                settled = self._duplicate(delivery, earlier=earlier, agreement=agreement)
            else:
                settled = self._judged_and_published(delivery, agreement=agreement, layout=layout)
        except CannotRead as problem:
            settled = self._refused(delivery, problem=problem)
        log.info(
            "delivery.settled", delivery=settled.id, state=settled.state.value, **settled.lines.as_dict()
        )
        return settled

    def _recognised(self, delivery: Delivery) -> tuple[Agreement, Layout]:
        with self.database.reading() as store:
            asked = deliveries.asked_feed(store, key=delivery.id)
        return recognise(
            self.originals,
            sha256=delivery.sha256,
            size=delivery.bytes,
            path=delivery.path,
            agreements=self.agreements_of(delivery.partner)
            if asked is None
            else [self.agreement_of(delivery.partner, asked)],
            feed=asked,
        )

    def _same_bytes(self, delivery: Delivery, *, feed: str) -> Delivery | None:
        with self.database.reading() as store:
            return deliveries.same_bytes(store, of=delivery, feed=feed)

    def _judged_and_published(self, delivery: Delivery, *, agreement: Agreement, layout: Layout) -> Delivery:
        rules = self.rules_for(agreement, self.today())
        spool = Spool(self.publisher.work / f"delivery-{delivery.id}")
        try:
            with self.originals.open(delivery.sha256) as stream:
                judged = judge(stream, agreement=agreement, layout=layout, rules=rules, spool=spool)
            self.at("ingest:judged")
            return self._published(
                delivery, judged=judged, agreement=agreement, layout=layout, rules=rules, spool=spool
            )
        finally:
            spool.close()

    def _published(
        self,
        delivery: Delivery,
        *,
        judged: Judged,
        agreement: Agreement,
        layout: Layout,
        rules: Rules,
        spool: Spool,
    ) -> Delivery:
        if judged.lines.data() == 0:
            raise CannotRead(Code.FILE_EMPTY, feed=agreement.feed.name, header_found=True)
        state = judged.state(agreement=agreement)
        told = [*_told_of_the_file(layout, held=state is State.HELD), *rules.file_findings]
        by_code = dict(judged.findings_by_code)
        for finding in told:
            by_code[finding.code.value] = by_code.get(finding.code.value, 0) + 1
        judgement = Judgement(
            state=state,
            lines=_held_back(judged.lines) if state is State.HELD else judged.lines,
            findings_by_code=by_code,
            feed=agreement.feed.name,
            rules=agreement.fingerprint,
            layout=layout,
            parent=self._parent(delivery, layout=layout),
        )
        return self.publisher.judged(
            delivery,
            judgement=judgement,
            judged=judged,
            told=told,
            rules=rules,
            spool=spool,
            layout=layout,
            language=agreement.language,
            stores_rows=state is not State.HELD,
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
        lines = earlier.lines
        finding = _of_the_file(Code.FILE_DUPLICATE, value=earlier.number)
        judgement = Judgement(
            state=State.DUPLICATE,
            lines=replace(lines, accepted=0, quarantined=0, duplicate=lines.data()),
            findings_by_code={finding.code.value: 1},
            feed=agreement.feed.name,
            rules=agreement.fingerprint,
            duplicate_of=earlier.id,
        )
        return self.publisher.whole(
            delivery, judgement=judgement, told=[finding], language=agreement.language
        )

    def _refused(self, delivery: Delivery, *, problem: CannotRead) -> Delivery:
        judgement, finding = refusal(delivery, problem=problem, originals=self.originals)
        return self.publisher.whole(
            delivery, judgement=judgement, told=[finding], language=self._language(delivery)
        )

    def _poisoned(self, delivery: Delivery) -> Delivery:
        finding = _of_the_file(Code.FILE_POISONED, value=str(self.max_attempts))
        judgement = Judgement(
            state=State.POISONED, lines=LineCounts(), findings_by_code={finding.code.value: 1}
        )
        return self.publisher.whole(
            delivery, judgement=judgement, told=[finding], language=self._language(delivery)
        )

    def _language(self, delivery: Delivery) -> str:
        return next((agreement.language for agreement in self.agreements_of(delivery.partner)), "cs")


def _told_of_the_file(layout: Layout, *, held: bool) -> list[Finding]:
    extra = [
        Finding(
            code=Code.FILE_EXTRA_COLUMN,
            severity=severity_of(Code.FILE_EXTRA_COLUMN),
            line=layout.header_line,
            column=heading,
        )
        for heading in layout.extra
    ]
    return [*extra, _of_the_file(Code.FILE_TOO_MANY_BAD_LINES)] if held else extra


def _of_the_file(code: Code, *, value: str | None = None) -> Finding:
    return Finding(code=code, severity=severity_of(code), value=value)


def _held_back(lines: LineCounts) -> LineCounts:
    """Of a held file nothing is stored: all of its records are set aside with it."""
    return replace(lines, accepted=0, duplicate=0, quarantined=lines.data())
