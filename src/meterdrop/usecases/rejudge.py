"""Quarantined lines are judged again: by the same function, with the register of today."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

import numpy as np
import pandas as pd

from meterdrop.model.codes import Code
from meterdrop.model.delivery import Delivery, State
from meterdrop.model.errors import OperatorMistake, TryAgain
from meterdrop.model.feed import Agreement
from meterdrop.model.finding import Finding
from meterdrop.model.line_state import LineState
from meterdrop.report.receipt import MOST_FINDINGS
from meterdrop.store import deliveries, endings, finding_history, findings, quarantine, successors
from meterdrop.store.database import Database, Store
from meterdrop.store.quarantine import line_id
from meterdrop.store.spool import Spool
from meterdrop.tables import LINE, Lines
from meterdrop.usecases.closing import TOLD_LATER, Corrections
from meterdrop.usecases.excerpt import Excerpt, write_excerpt
from meterdrop.usecases.judging.judge import Judged, findings_in_order, judge, set_aside_in_order
from meterdrop.usecases.judging.publication import Publication
from meterdrop.usecases.judging.rules import Occasion, Rules
from meterdrop.usecases.judging.traces import linked
from meterdrop.usecases.publish import Publisher
from meterdrop.usecases.resettle import resettle

_ENDED: Final = "these lines are not open any more: look at the quarantine again"


class LinesEnded(TryAgain):
    """None of the lines to judge again is open by now: someone else ended them."""


@dataclass(frozen=True)
class Act:
    """Why lines are judged again, by whom, and what becomes of those that are right now."""

    who: str
    why: str
    ends_as: LineState
    corrected: Mapping[int, bytes] = field(default_factory=dict)
    """New bytes of lines a reviewer corrected, by line."""
    cells: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)
    """What the reviewer changed by heading, before and after."""
    versions: Mapping[int, int] = field(default_factory=dict)
    """What was looked at (line -> version): if it is another one by now, nothing is done."""
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
class _Again:
    """Lines of one delivery that were judged again, and all that came of it."""

    delivery: Delivery
    excerpt: Excerpt
    agreement: Agreement
    rules: Rules
    spool: Spool
    judged: Judged
    occasion: Occasion

    def still(self) -> Lines:
        """The lines that still fail, in order."""
        aside = (rows["line"] for rows, _ in set_aside_in_order(self.spool, ends=self.judged.ends))
        return _numbers(aside)

    def with_code(self, code: Code) -> Lines:
        """The lines of which this was found."""
        blocks = findings_in_order(self.spool, ends=self.judged.ends)
        return np.unique(_numbers(block.loc[block["code"] == code.value, "line"] for block in blocks))

    def found_the_same(self, store: Store) -> bool:
        """Whether exactly that is known of these lines already."""
        return all(
            findings.told_already(store, found=block, delivery=self.delivery.id)
            for block in findings_in_order(self.spool, ends=self.judged.ends)
        )

    def readings(self, lines: Lines) -> pd.DataFrame:
        """The readings these lines tell: quarantined line's `id`, `device` and `day`."""
        told = linked(self.rules, self.spool, lines=lines)
        ids = told["line"].to_numpy(dtype=np.int64) + line_id(delivery=self.delivery.id, line=0)
        return told[["device", "day"]].assign(id=pd.Series(ids, dtype=LINE))

    def outcome(self) -> Rejudged:
        """What came of it, or would."""
        told: list[Finding] = []
        for block in findings_in_order(self.spool, ends=self.judged.ends):
            told.extend(findings.as_values(block, limit=MOST_FINDINGS - len(told)))
        return Rejudged(
            delivery=self.delivery.id,
            accepted=self.judged.lines.accepted,
            duplicate=self.judged.lines.duplicate,
            still=self.judged.lines.quarantined,
            findings=tuple(told),
        )


@dataclass(frozen=True)
class Rejudge:
    """Judges open lines of one delivery again and stores what is right now, in one transaction."""

    database: Database
    publisher: Publisher
    agreement_of: Callable[[str, str, date], Agreement]
    rules_for: Callable[[Agreement, date], Rules]
    clock: Callable[[], datetime]
    day_of: Callable[[Delivery], date]

    def __call__(self, key: int, *, lines: Sequence[int], act: Act, dry_run: bool) -> Rejudged:
        """`lines` are physical numbers. The caller holds the partner's lock."""
        with self.database.reading() as store:
            delivery = deliveries.get(store, key)
        if delivery.state is State.ACCEPTED:
            raise LinesEnded(_ENDED)
        if delivery.state is not State.PARTLY_ACCEPTED:
            raise OperatorMistake(
                f"delivery {delivery.number} is {delivery.state.value}: its lines can't be judged one by one"
            )
        name = f"again-{key}-{uuid4().hex}"
        spool = self.publisher.spool(name)
        path = self.publisher.work / f"{name}.csv"
        try:
            again = self._judged(delivery, lines=np.array(lines, np.int64), act=act, spool=spool, path=path)
            outcome = again.outcome()
            if not (dry_run or (act.all_or_nothing and outcome.still)):
                self._publish(again, act=act)
            return outcome
        finally:
            spool.close()
            path.unlink(missing_ok=True)

    def _judged(self, delivery: Delivery, *, lines: Lines, act: Act, spool: Spool, path: Path) -> _Again:
        agreement = self.agreement_of(delivery.partner, str(delivery.feed), delivery.arrived_on)
        with self.database.reading() as store:
            excerpt = write_excerpt(
                store, delivery, wanted=lines, corrected=act.corrected, agreement=agreement, path=path
            )
            traces = successors.wanted_from_partner(
                store, partner=delivery.partner, feed=str(delivery.feed), before=delivery.id
            )
        if not len(excerpt.lines):
            raise LinesEnded(_ENDED)
        rules = self.rules_for(agreement, self.day_of(delivery))
        came_with = delivery.id if act.yields else None
        occasion = Occasion(came_with=came_with, waived=act.waived, traces=traces)
        with path.open("rb") as stream:
            judged = judge(
                stream,
                agreement=agreement,
                layout=excerpt.layout,
                rules=rules,
                spool=spool,
                numbers=excerpt.numbers,
                occasion=occasion,
            )
        if judged.lines.data() < len(excerpt.lines):
            raise OperatorMistake(
                "a line would be blank, a comment or a header now, and no record: nothing was changed. "
                "Dismiss it if it is not wanted."
            )
        return _Again(delivery, excerpt, agreement, rules, spool, judged, occasion)

    def _publish(self, again: _Again, *, act: Act) -> None:
        now = self.clock()
        delivery, rules = again.delivery, again.rules
        still = again.still()
        done = np.setdiff1d(again.excerpt.lines, still)
        late = np.intersect1d(done, again.with_code(Code.READING_SUPERSEDED))
        publication = Publication(
            delivery=delivery.id,
            partner=delivery.partner,
            who=act.who,
            why=act.why,
            now=now,
            quarantined=again.excerpt.lines,
        )
        rules.make_room()
        with self.database.writing() as store:
            endings.refuse_changed(store, delivery=delivery.id, versions=act.versions)
            rules.publish(store, spool=again.spool, publication=publication)
            self.publisher.at("reprocess:rows")
            self._end_late(store, again, late, act=act, now=now)
            self._end(store, again, np.setdiff1d(done, late), act=act, now=now)
            quarantine.judged_again(
                store,
                ids=(still + line_id(delivery=delivery.id, line=0)).tolist(),
                rules=again.agreement.fingerprint,
                register_version=rules.register_version,
            )
            # The partner is not told the same once more.
            if len(done) or not again.found_the_same(store):
                self._tell(store, again, done=done, now=now)
        rules.committed()

    def _tell(self, store: Store, again: _Again, *, done: Lines, now: datetime) -> None:
        """What was found now, the delivery as it is now, and the lines of others that it corrects."""
        self._tell_findings(store, again, done=done)
        settled = self._settle(store, again)
        Corrections(
            agreement=again.agreement, rules=again.rules, spool=again.spool, traced=again.occasion.traces
        ).close(store, self.publisher, settled=settled, now=now)
        self.publisher.at("reprocess:settled")

    def _tell_findings(self, store: Store, again: _Again, *, done: Lines) -> None:
        """What was found now takes the place of what was found before."""
        key = again.delivery.id
        finding_history.keep(store, delivery=key, lines=done.tolist())
        quarantine.drop_findings(store, delivery=key, lines=again.excerpt.lines.tolist())
        for block in findings_in_order(again.spool, ends=again.judged.ends):
            findings.add(store, findings=block, delivery=key)

    def _end(self, store: Store, again: _Again, lines: Lines, *, act: Act, now: datetime) -> None:
        """These lines are stored now, or were known already."""
        delivery = again.delivery
        ended = endings.end(
            store,
            endings.Chosen(delivery=delivery.id, lines=lines.tolist()),
            state=act.ends_as,
            who=act.who,
            reason=act.why,
            now=now,
            partner=delivery.partner,
            rules=again.agreement.fingerprint,
            cells=act.cells,
        )
        if ended != len(lines):
            raise TryAgain("a quarantined line was ended by someone else meanwhile: look at it again")
        quarantine.correct(store, delivery=delivery.id, corrected=act.corrected)
        endings.link(store, again.readings(lines))

    def _end_late(self, store: Store, again: _Again, lines: Lines, *, act: Act, now: datetime) -> None:
        """Of these lines a later delivery told another value, which stays."""
        if len(lines):
            partner = again.delivery.partner
            later = successors.told_by(store, again.readings(lines), partner=partner)
            successors.supersede(store, later, who=act.who, reason=TOLD_LATER, now=now, partner=partner)

    def _settle(self, store: Store, again: _Again) -> Delivery:
        was, now = again.delivery.lines, again.judged.lines
        lines = replace(
            was,
            accepted=was.accepted + now.accepted,
            duplicate=was.duplicate + now.duplicate,
            quarantined=was.quarantined - now.accepted - now.duplicate,
        )
        return resettle(
            store,
            self.publisher,
            delivery=again.delivery,
            lines=lines,
            layout=again.excerpt.layout,
            language=again.agreement.language,
        )


def _numbers(columns: Iterable[pd.Series]) -> Lines:
    told = [column.to_numpy(dtype=np.int64) for column in columns]
    return np.concatenate([np.zeros(0, dtype=np.int64), *told])
