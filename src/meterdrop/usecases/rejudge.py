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
from meterdrop.model.layout import LONGEST_LINE, Layout
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
    why: str
    ends_as: str
    corrected: Mapping[int, bytes]
    """New bytes of lines a reviewer corrected, by line."""
    waived: frozenset[Code] = frozenset()
    all_or_nothing: bool = False
    """Nothing is stored if one of the lines still fails."""
    yields: bool = False
    """What later deliveries told of the same meter and day stays; a person's act goes before it."""


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
        wanted = frozenset(lines)
        with self.database.reading() as store:
            delivery = deliveries.get(store, key)
            open_lines = [line for line in quarantine.listed(store, delivery=key) if line.line in wanted]
            cut = findings.lines_with(store, delivery=key, code=Code.LINE_TOO_LONG)
        if delivery.state is not State.PARTLY_ACCEPTED:
            raise OperatorMistake(
                f"delivery {delivery.number} is {delivery.state.value}: its lines can't be judged one by one"
            )
        if not open_lines:
            raise TryAgain("these lines are not open any more: look at the quarantine again")
        agreement = self.agreement_of(delivery.partner, str(delivery.feed))
        layout, excerpt = self._excerpt(
            delivery, lines=open_lines, agreement=agreement, corrected=act.corrected, cut=cut
        )
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
                came_with=key if act.yields else None,
            )
            if judged.lines.data() < len(open_lines):
                raise OperatorMistake(
                    "a line would be blank, a comment or a header now, and no record: nothing was changed. "
                    "Dismiss it if it is not wanted."
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
        self,
        delivery: Delivery,
        *,
        lines: Sequence[QuarantinedLine],
        agreement: Agreement,
        corrected: Mapping[int, bytes],
        cut: frozenset[int],
    ) -> tuple[Layout, bytes]:
        """The header and these lines as a small file in the encoding of the whole one.

        Of a line in `cut` only the beginning was kept: it is made too long again, so as not to pass for whole.
        """
        with self.database.reading() as store:
            encoding, bom, _, header_line, header_raw = deliveries.layout_of(store, key=delivery.id)
        if encoding is None or header_raw is None:
            raise OperatorMistake(f"delivery {delivery.number} has no header to judge its lines by")
        end = "\n".encode(encoding)
        missing = ("x" * LONGEST_LINE).encode(encoding)
        kept = (line.raw + missing if line.line in cut else line.raw for line in lines)
        texts = [header_raw, *(corrected.get(line.line, raw) for line, raw in zip(lines, kept, strict=True))]
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
        still = {
            int(line) for rows, _ in set_aside_in_order(spool, ends=judged.ends) for line in rows["line"]
        }
        done = [line for number, line in by_line.items() if number not in still]
        ids = {line.line: line.id for line in done}
        superseded = _lines_with(Code.READING_SUPERSEDED, judged=judged, spool=spool)
        with self.database.writing() as store:
            rules.publish(
                store,
                spool=spool,
                publication=Publication(
                    delivery=delivery.id,
                    partner=delivery.partner,
                    who=act.who,
                    why=act.why,
                    now=now,
                    quarantined=ids,
                ),
            )
            self.publisher.at("reprocess:rows")
            late = [line for line in done if line.line in superseded]
            kept = [line for line in done if line.line not in superseded]
            self._resolve(store, delivery, lines=kept, ends_as=act.ends_as, act=act, now=now)
            self._resolve(store, delivery, lines=late, ends_as="superseded", act=act, now=now)
            quarantine.drop_findings(store, delivery=delivery.id, lines=list(by_line))
            for block in findings_in_order(spool, ends=judged.ends):
                findings.add(store, findings=block, delivery=delivery.id)
            quarantine.judged_again(
                store,
                ids=[by_line[line].id for line in sorted(still)],
                rules=agreement.fingerprint,
                register_version=rules.register_version,
            )
            self._settle(store, delivery, judged=judged, layout=layout, language=agreement.language)
            self.publisher.at("reprocess:settled")

    def _resolve(
        self,
        store: Store,
        delivery: Delivery,
        *,
        lines: Sequence[QuarantinedLine],
        ends_as: str,
        act: Act,
        now: datetime,
    ) -> None:
        links = readings.of_quarantined(store, partner=delivery.partner, delivery=delivery.id)
        quarantine.resolve(
            store,
            lines=lines,
            state=ends_as,
            who=act.who,
            reason=act.why,
            now=now,
            corrected=act.corrected,
            readings=links,
        )
        events.tell_of_lines(
            store,
            at=now,
            who=act.who,
            what=f"quarantine.{ends_as}",
            partner=delivery.partner,
            delivery=delivery.id,
            lines=[line.line for line in lines],
            before={"state": "open"},
            after={"state": ends_as},
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


def _lines_with(code: Code, *, judged: Judged, spool: Spool) -> set[int]:
    return {
        int(line)
        for block in findings_in_order(spool, ends=judged.ends)
        for line in block.loc[block["code"] == code.value, "line"]
    }


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
