"""Quarantined lines are judged again: by the same function, with the rules and the register of today."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from io import BytesIO
from typing import Final
from uuid import uuid4

from meterdrop.model.codes import Code
from meterdrop.model.delivery import Delivery, State
from meterdrop.model.errors import OperatorMistake, TryAgain
from meterdrop.model.feed import Agreement
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.report.receipt import MOST_FINDINGS
from meterdrop.store import deliveries, events, findings, quarantine, readings
from meterdrop.store.database import Database, Store
from meterdrop.store.quarantine import QuarantinedLine
from meterdrop.store.spool import Spool
from meterdrop.usecases.judging.judge import Judged, findings_in_order, judge, set_aside_in_order
from meterdrop.usecases.judging.rules import Publication, Rules
from meterdrop.usecases.publish import Publisher
from meterdrop.usecases.recognise import recognise_excerpt
from meterdrop.usecases.resettle import resettle

_MARKS: Final = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


@dataclass(frozen=True)
class Act:
    """Why lines are judged again, by whom, and what becomes of those that are right now."""

    who: str
    why: str | None
    ends_as: str
    corrected: Mapping[int, bytes]
    """New bytes of lines a reviewer corrected, by line."""
    waived: frozenset[Code] = frozenset()
    all_or_nothing: bool = False
    """Nothing is stored if one of the lines still fails."""


@dataclass(frozen=True)
class Rejudged:
    """What came of it, or would: lines accepted, lines that were known already, lines that still fail and why."""

    delivery: int
    accepted: int
    duplicate: int
    still: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Rejudge:
    """Judges open lines of one delivery again and stores what is right now, in one transaction."""

    database: Database
    publisher: Publisher
    agreement_of: Callable[[str, str], Agreement]
    rules_for: Callable[[Agreement, date], Rules]
    clock: Callable[[], datetime]
    today: Callable[[], date]

    def __call__(self, key: int, *, lines: Sequence[int], act: Act, dry_run: bool) -> Rejudged:
        """`lines` are physical numbers. The caller holds the partner's lock."""
        with self.database.reading() as store:
            delivery = deliveries.get(store, key)
            open_lines = [
                line for line in quarantine.listed(store, delivery=key) if line.line in frozenset(lines)
            ]
        if delivery.state is not State.PARTLY_ACCEPTED:
            raise OperatorMistake(
                f"delivery {delivery.number} is {delivery.state.value}: its lines can't be judged one by one"
            )
        if not open_lines:
            raise TryAgain("these lines are not open any more: look at the quarantine again")
        agreement = self.agreement_of(delivery.partner, str(delivery.feed))
        layout, excerpt = self._excerpt(delivery, lines=open_lines, agreement=agreement, act=act)
        rules = self.rules_for(agreement, self.today())
        spool = Spool(self.publisher.work / f"again-{key}-{uuid4().hex}")
        try:
            judged = judge(
                BytesIO(excerpt),
                agreement=agreement,
                layout=layout,
                rules=rules,
                spool=spool,
                numbers=[layout.header_line, *(line.line for line in open_lines)],
                waived=act.waived,
            )
            outcome = _outcome(key, judged=judged, spool=spool)
            if not (dry_run or (act.all_or_nothing and outcome.still)):
                self._publish(
                    delivery,
                    open_lines=open_lines,
                    judged=judged,
                    rules=rules,
                    spool=spool,
                    layout=layout,
                    agreement=agreement,
                    act=act,
                )
            return outcome
        finally:
            spool.close()

    def _excerpt(
        self, delivery: Delivery, *, lines: Sequence[QuarantinedLine], agreement: Agreement, act: Act
    ) -> tuple[Layout, bytes]:
        """The header and these lines as a small file in the encoding of the whole one."""
        with self.database.reading() as store:
            encoding, bom, _, header_line, header_raw = deliveries.layout_of(store, key=delivery.id)
        if encoding is None or header_raw is None:
            raise OperatorMistake(f"delivery {delivery.number} has no header to judge its lines by")
        end = "\n".encode(encoding)
        texts = [header_raw, *(act.corrected.get(line.line, line.raw) for line in lines)]
        mark = _MARKS.get(encoding, b"") if bom else b""
        excerpt = mark + end.join(texts) + end
        layout = recognise_excerpt(
            excerpt,
            encoding=encoding,
            bom=bom,
            header_line=header_line,
            path=delivery.path,
            agreement=agreement,
        )
        return layout, excerpt

    def _publish(
        self,
        delivery: Delivery,
        *,
        open_lines: Sequence[QuarantinedLine],
        judged: Judged,
        rules: Rules,
        spool: Spool,
        layout: Layout,
        agreement: Agreement,
        act: Act,
    ) -> None:
        now = self.clock()
        by_line = {line.line: line for line in open_lines}
        still = [
            int(line) for rows, _ in set_aside_in_order(spool, ends=judged.ends) for line in rows["line"]
        ]
        done = [line for number, line in by_line.items() if number not in frozenset(still)]
        ids = {line.line: line.id for line in done}
        with self.database.writing() as store:
            rules.publish(
                store,
                spool=spool,
                publication=Publication(
                    delivery=delivery.id, partner=delivery.partner, who=act.who, now=now, quarantined=ids
                ),
            )
            self.publisher.at("reprocess:rows")
            links = readings.of_quarantined(store, partner=delivery.partner, delivery=delivery.id)
            for line in done:
                self._resolve(store, line=line, act=act, reading=links.get(line.id), now=now)
            quarantine.drop_findings(store, delivery=delivery.id, lines=list(by_line))
            for block in findings_in_order(spool, ends=judged.ends):
                findings.add(store, findings=block, delivery=delivery.id)
            quarantine.judged_again(
                store,
                ids=[by_line[line].id for line in still],
                rules=agreement.fingerprint,
                register_version=rules.register_version,
            )
            self._settle(store, delivery, judged=judged, layout=layout, language=agreement.language)
            self.publisher.at("reprocess:settled")

    def _resolve(
        self,
        store: Store,
        *,
        line: QuarantinedLine,
        act: Act,
        reading: tuple[int, date] | None,
        now: datetime,
    ) -> None:
        quarantine.resolve(
            store,
            line=line,
            state=act.ends_as,
            who=act.who,
            reason=act.why,
            now=now,
            corrected_raw=act.corrected.get(line.line),
            reading=reading,
        )
        events.tell(
            store,
            at=now,
            who=act.who,
            what=f"quarantine.{act.ends_as}",
            partner=line.partner,
            delivery=line.delivery,
            line=line.line,
            before={"state": line.state},
            after={"state": act.ends_as},
            why=act.why,
        )

    def _settle(
        self, store: Store, delivery: Delivery, *, judged: Judged, layout: Layout, language: str
    ) -> None:
        accepted, duplicate = judged.lines.accepted, judged.lines.duplicate
        lines = replace(
            delivery.lines,
            accepted=delivery.lines.accepted + accepted,
            duplicate=delivery.lines.duplicate + duplicate,
            quarantined=delivery.lines.quarantined - accepted - duplicate,
        )
        resettle(store, self.publisher, delivery=delivery, lines=lines, layout=layout, language=language)


def _outcome(key: int, *, judged: Judged, spool: Spool) -> Rejudged:
    told: list[Finding] = []
    for block in findings_in_order(spool, ends=judged.ends):
        told.extend(findings.as_values(block, limit=MOST_FINDINGS - len(told)))
    return Rejudged(
        delivery=key,
        accepted=judged.lines.accepted,
        duplicate=judged.lines.duplicate,
        still=judged.lines.quarantined,
        findings=tuple(told),
    )
