"""The reviewer's acts on quarantined lines, each with a reason and written to the audit."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from meterdrop.dispatch.locks import Locks
from meterdrop.model.codes import SOFT, Code, Severity
from meterdrop.model.delivery import Delivery, State
from meterdrop.model.errors import OperatorMistake, TryAgain
from meterdrop.model.finding import Finding
from meterdrop.model.line_state import LineState
from meterdrop.store import deliveries, endings, findings
from meterdrop.store.database import Store
from meterdrop.store.quarantine import QuarantinedLine
from meterdrop.usecases.publish import Publisher
from meterdrop.usecases.rejudge import Act, Rejudge, Rejudged
from meterdrop.usecases.resettle import resettle
from meterdrop.usecases.review.cells import corrected
from meterdrop.usecases.review.looking import Look, known, layout_now

_WAIT: Final = 60.0
_JUDGED_AGAIN: Final = SOFT | {Code.READING_CONFLICT_IN_FILE, Code.READING_NOT_IN_REGISTER}
"""Lines with errors of these codes only may be accepted: what is not soft among them may be gone by now."""


@dataclass(frozen=True)
class Choice:
    """Which lines an act is for: these, or all open ones of a delivery (with this finding)."""

    ids: tuple[int, ...] = ()
    delivery: int | None = None
    code: str | None = None


@dataclass(frozen=True)
class Ended:
    """What an act came to, or would: how many lines ended, how many still fail, and why (the first ones)."""

    lines: int
    still: int = 0
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class _Part:
    """The chosen lines of one delivery; and the versions of those that were named one by one."""

    delivery: Delivery
    chosen: endings.Chosen
    versions: Mapping[int, int]


@dataclass(frozen=True)
class Review(Look):
    """Ends the wait of quarantined lines. Each delivery's lines end in one transaction."""

    publisher: Publisher
    rejudge: Rejudge
    locks: Locks
    language_of: Callable[[str], str]
    clock: Callable[[], datetime]

    def count(self, choice: Choice) -> int:
        """How many open lines are chosen."""
        with self.database.reading() as store:
            return sum(endings.count(store, part.chosen) for part in self._parts(store, choice))

    def fix(
        self, key: int, *, cells: Mapping[str, str], who: str, reason: str, dry_run: bool = False
    ) -> Rejudged:
        """New cells by heading or our column; judged by all rules, and stored only if nothing fails any more."""
        with self.database.reading() as store:
            line = _open(store, key)
            if line.line in findings.lines_with(store, delivery=line.delivery, code=Code.LINE_TOO_LONG):
                raise OperatorMistake(
                    f"of line {key} only the beginning is kept: dismiss it or return it to the partner"
                )
            delivery = deliveries.get(store, line.delivery)
            layout = layout_now(store, delivery, agreement_of=self.agreement_of)
        if layout is None:
            raise OperatorMistake(f"line {key} has no header to name its cells by")
        correction = corrected(line.raw, layout=layout, cells=cells)
        act = Act(
            who=who,
            why=reason,
            ends_as=LineState.CORRECTED,
            corrected={line.line: correction.raw},
            cells=correction.cells,
            versions={line.line: line.version},
            all_or_nothing=True,
        )
        with self.locks.hold(f"partner-{line.partner}", wait=_WAIT):
            return self.rejudge(line.delivery, lines=[line.line], act=act, dry_run=dry_run)

    def accept(self, choice: Choice, *, who: str, reason: str, dry_run: bool = False) -> Ended:
        """Accepts lines in spite of soft rules (a reviewer may), never in spite of others.

        Of many lines those are accepted that can be; a single one that can't is told.
        """
        with self.database.reading() as store:
            parts = self._parts(store, choice)
            for key in choice.ids:
                _refuse_hard(store, known(store, key))
        outcomes = [self._accepted(part, who=who, reason=reason, dry_run=dry_run) for part in parts]
        return Ended(
            lines=sum(one.accepted + one.duplicate for one in outcomes),
            still=sum(one.still for one in outcomes),
            findings=tuple(finding for one in outcomes for finding in one.findings),
        )

    def dismiss(self, choice: Choice, *, who: str, reason: str, dry_run: bool = False) -> Ended:
        """The lines are not wanted: they stay where they are, closed."""
        return self._close(choice, state=LineState.DISMISSED, who=who, reason=reason, dry_run=dry_run)

    def give_back(self, choice: Choice, *, who: str, reason: str, dry_run: bool = False) -> Ended:
        """The partner must correct the lines: they stay in the rejects file."""
        return self._close(choice, state=LineState.RETURNED, who=who, reason=reason, dry_run=dry_run)

    def _accepted(self, part: _Part, *, who: str, reason: str, dry_run: bool) -> Rejudged:
        act = Act(who=who, why=reason, ends_as=LineState.ACCEPTED, versions=part.versions, waived=SOFT)
        with self.locks.hold(f"partner-{part.delivery.partner}", wait=_WAIT):
            with self.database.reading() as store:
                codes = frozenset(code.value for code in _JUDGED_AGAIN)
                chosen = endings.Chosen(
                    part.delivery.id, code=part.chosen.code, lines=part.chosen.lines, nothing_but=codes
                )
                lines = endings.numbers(store, chosen)
                left = endings.count(store, part.chosen) - len(lines)
            if not lines and not part.versions:
                return Rejudged(delivery=part.delivery.id, accepted=0, duplicate=0, still=left, findings=())
            wanted = lines or list(part.versions)
            outcome = self.rejudge(part.delivery.id, lines=wanted, act=act, dry_run=dry_run)
            return Rejudged(
                delivery=outcome.delivery,
                accepted=outcome.accepted,
                duplicate=outcome.duplicate,
                still=outcome.still + left,
                findings=outcome.findings,
            )

    def _close(self, choice: Choice, *, state: LineState, who: str, reason: str, dry_run: bool) -> Ended:
        with self.database.reading() as store:
            parts = self._parts(store, choice)
            if dry_run:
                return Ended(lines=sum(endings.count(store, part.chosen) for part in parts))
        return Ended(lines=sum(self._closed(part, state=state, who=who, reason=reason) for part in parts))

    def _closed(self, part: _Part, *, state: LineState, who: str, reason: str) -> int:
        partner = part.delivery.partner
        with self.locks.hold(f"partner-{partner}", wait=_WAIT), self.database.writing() as store:
            delivery = _reviewable(deliveries.get(store, part.delivery.id))
            endings.refuse_changed(store, delivery=delivery.id, versions=part.versions)
            ended = endings.end(
                store,
                part.chosen,
                state=state,
                who=who,
                reason=reason,
                now=self.clock(),
                partner=partner,
            )
            layout = layout_now(store, delivery, agreement_of=self.agreement_of)
            if ended and layout is not None:
                resettle(
                    store,
                    self.publisher,
                    delivery=delivery,
                    lines=delivery.lines,
                    layout=layout,
                    language=self.language_of(partner),
                )
            self.publisher.at("review:settled")
        return ended

    def _parts(self, store: Store, choice: Choice) -> list[_Part]:
        if choice.delivery is not None:
            delivery = _reviewable(deliveries.get(store, choice.delivery))
            return [_Part(delivery, endings.Chosen(delivery.id, code=choice.code), {})]
        versions: dict[int, dict[int, int]] = defaultdict(dict)
        for key in choice.ids:
            line = _open(store, key)
            versions[line.delivery][line.line] = line.version
        return [
            _Part(
                _reviewable(deliveries.get(store, key)),
                endings.Chosen(key, lines=sorted(lines)),
                lines,
            )
            for key, lines in sorted(versions.items())
        ]


def _open(store: Store, key: int) -> QuarantinedLine:
    line = known(store, key)
    if line.state != LineState.OPEN:
        raise OperatorMistake(f"line {key} is {line.state} already (by {line.resolved_by}): nothing to do")
    return line


def _reviewable(delivery: Delivery) -> Delivery:
    if delivery.state is State.LOADING:
        raise TryAgain(f"delivery {delivery.number} is being loaded: look again when that is done")
    if delivery.state is State.HELD:
        raise OperatorMistake(
            f"delivery {delivery.number} is held: decide about it as a whole with `meterdrop delivery release` "
            "or `meterdrop delivery refuse`"
        )
    if delivery.state is not State.PARTLY_ACCEPTED:
        raise OperatorMistake(f"delivery {delivery.number} is {delivery.state.value}: no line of it waits")
    return delivery


def _refuse_hard(store: Store, line: QuarantinedLine) -> None:
    told = findings.of_lines(store, delivery=line.delivery, lines=[line.line]).get(line.line, [])
    hard = {one.code for one in told if one.severity is Severity.ERROR} - _JUDGED_AGAIN
    if hard:
        raise OperatorMistake(
            f"line {line.id} can't be accepted as it is: {', '.join(sorted(hard))} is not a matter of judgement. "
            "Correct its cells with `quarantine fix`, dismiss it or return it to the partner."
        )
