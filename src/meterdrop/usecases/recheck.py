"""Would today's rules take what was taken? Accepted lines are judged again; it is told, and nothing is touched."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import uuid4

import pandas as pd

from meterdrop.model.codes import SOFT, Code, Severity
from meterdrop.model.delivery import Delivery
from meterdrop.model.errors import CannotRead, OperatorMistake
from meterdrop.model.feed import Agreement
from meterdrop.model.finding import Finding
from meterdrop.model.line_state import LineState
from meterdrop.receive.originals import Originals
from meterdrop.report.receipt import MOST_FINDINGS
from meterdrop.store import deliveries, findings, originals, quarantine, reports
from meterdrop.store.database import Database
from meterdrop.store.spool import Spool
from meterdrop.tables import Lines
from meterdrop.usecases.judging.judge import Judged, findings_in_order, judge
from meterdrop.usecases.judging.judgement import of_the_file
from meterdrop.usecases.judging.rules import Occasion, Rules
from meterdrop.usecases.publish import Publisher
from meterdrop.usecases.recognise import recognise


@dataclass(frozen=True)
class Rechecked:
    """One delivery by the rules of now: how many of its accepted lines would be set aside, and why (the first ones)."""

    delivery: int
    partner: str
    accepted: int
    rejected: int
    corrected: int
    """So many of the accepted lines a reviewer gave other cells: the file does not tell them, they are not judged."""
    by_code: Mapping[str, int]
    findings: tuple[Finding, ...]
    original_removed_at: datetime | None = None
    """When the retention of its original ended: then none of its lines are judged."""


@dataclass(frozen=True)
class Recheck:
    """Judges the kept originals of accepted deliveries whose rules have changed since."""

    database: Database
    originals: Originals
    publisher: Publisher
    agreement_of: Callable[[str, str, date], Agreement]
    rules_for: Callable[[Agreement, date], Rules]
    day_of: Callable[[Delivery], date]

    def __call__(
        self,
        *,
        since: datetime,
        partner: str | None,
        feed: str | None,
        delivery: int | None,
        progress: Callable[[int, int], None],
    ) -> tuple[Rechecked, ...]:
        """Deliveries received since then of which today's rules would set lines aside, or of which lines are not judged.

        Only those judged by other rules than would judge them today; a named delivery in any case.
        """
        with self.database.reading() as store:
            settled = deliveries.that_were_taken(store, since=since, partner=partner, feed=feed, key=delivery)
        told: list[Rechecked] = []
        for number, one in enumerate(settled, start=1):
            outcome = self._rechecked(one, whatever_changed=delivery is not None)
            if outcome is not None and (
                outcome.rejected or outcome.corrected or outcome.original_removed_at is not None
            ):
                told.append(outcome)
            progress(number, len(settled))
        return tuple(told)

    def _rechecked(self, delivery: Delivery, *, whatever_changed: bool) -> Rechecked | None:
        try:
            agreement = self.agreement_of(delivery.partner, str(delivery.feed), delivery.arrived_on)
        except OperatorMistake:
            return None  # its feed is gone: there are no rules of now
        if agreement.fingerprint == delivery.rules and not whatever_changed:
            return None
        with self.database.reading() as store:
            forgotten_at = originals.forgotten_at(store, sha256=delivery.sha256)
            if forgotten_at is not None:
                return _without_original(delivery, since=forgotten_at)
            left_out = quarantine.not_as_they_came(store, delivery=delivery.id)
        spool = self.publisher.spool(f"recheck-{delivery.id}-{uuid4().hex}")
        try:
            judged = self._judged(delivery, agreement=agreement, spool=spool, left_out=left_out)
            return self._compared(delivery, judged=judged, spool=spool, left_out=left_out)
        except CannotRead as problem:
            return _unreadable(delivery, problem=problem)
        finally:
            spool.close()

    def _judged(self, delivery: Delivery, *, agreement: Agreement, spool: Spool, left_out: Lines) -> Judged:
        agreement, layout = recognise(
            self.originals,
            sha256=delivery.sha256,
            size=delivery.bytes,
            path=delivery.path,
            agreements=[agreement],
            feed=agreement.feed.name,
        )
        rules = self.rules_for(agreement, self.day_of(delivery))
        with self.originals.open(delivery.sha256) as stream:
            return judge(
                stream,
                agreement=agreement,
                layout=layout,
                rules=rules,
                spool=spool,
                occasion=Occasion(came_with=delivery.id, stored_by=delivery.id, left_out=left_out),
            )

    def _compared(self, delivery: Delivery, *, judged: Judged, spool: Spool, left_out: Lines) -> Rechecked:
        """Of lines that were set aside once, those count that were accepted as they came."""
        with self.database.reading() as store:
            waived = findings.waived_lines(store, delivery=delivery.id)
            states = reports.counts_by_state(store, delivery=delivery.id)
        by_code: Counter[str] = Counter()
        rejected = 0
        told: list[Finding] = []
        for block in findings_in_order(spool, ends=judged.ends):
            errors = _errors(block, left_out=left_out, waived=waived)
            rejected += int(errors["line"].nunique())
            by_code.update({str(code): int(count) for code, count in errors["code"].value_counts().items()})
            told.extend(findings.as_values(errors, limit=MOST_FINDINGS - len(told)))
        return Rechecked(
            delivery=delivery.id,
            partner=delivery.partner,
            accepted=delivery.lines.accepted,
            rejected=rejected,
            corrected=states.get(LineState.CORRECTED.value, 0),
            by_code=dict(sorted(by_code.items())),
            findings=tuple(told),
        )


def _errors(found: pd.DataFrame, *, left_out: Lines, waived: Collection[int]) -> pd.DataFrame:
    """Errors of lines that are stored as they came; those in spite of which a person accepted a line are none."""
    wrong = (found["severity"] == Severity.ERROR.value) & ~found["line"].isin(left_out)
    soft = found["code"].isin([code.value for code in SOFT]) & found["line"].isin(waived)
    return found.loc[wrong & ~soft]


def _without_original(delivery: Delivery, *, since: datetime) -> Rechecked:
    """There is nothing to judge any more."""
    return Rechecked(
        delivery=delivery.id,
        partner=delivery.partner,
        accepted=delivery.lines.accepted,
        rejected=0,
        corrected=0,
        by_code={},
        findings=(),
        original_removed_at=since,
    )


def _unreadable(delivery: Delivery, *, problem: CannotRead) -> Rechecked:
    """Today the file as a whole would be refused."""
    finding = of_the_file(Code(problem.code), line=problem.line, column=problem.column, value=problem.value)
    return Rechecked(
        delivery=delivery.id,
        partner=delivery.partner,
        accepted=delivery.lines.accepted,
        rejected=delivery.lines.accepted,
        corrected=0,
        by_code={finding.code.value: 1},
        findings=(finding,),
    )
