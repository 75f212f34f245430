"""The reviewer's acts on quarantined lines, each with a reason and written to the audit."""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Final

from meterdrop.dispatch.locks import Locks
from meterdrop.model.codes import SOFT, Code, Severity
from meterdrop.model.delivery import Delivery
from meterdrop.model.errors import CannotRead, OperatorMistake
from meterdrop.model.feed import Agreement
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.store import deliveries, events, findings, quarantine
from meterdrop.store.database import Database, Store
from meterdrop.store.quarantine import QuarantinedLine
from meterdrop.usecases.publish import Publisher
from meterdrop.usecases.recognise import recognise_excerpt
from meterdrop.usecases.rejudge import Act, Rejudge, Rejudged
from meterdrop.usecases.resettle import resettle

_WAIT: Final = 60.0


@dataclass(frozen=True)
class ReviewedLine:
    """A quarantined line as a reviewer sees it: cells by heading (as far as they can be told) and all findings."""

    line: QuarantinedLine
    delivery: Delivery
    cells: Mapping[str, str]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Review:
    """Looks at quarantined lines and ends their wait."""

    database: Database
    publisher: Publisher
    rejudge: Rejudge
    locks: Locks
    agreement_of: Callable[[str, str], Agreement]
    clock: Callable[[], datetime]

    def listed(
        self,
        *,
        partner: str | None,
        delivery: int | None,
        state: str | None,
        code: str | None,
        limit: int | None,
    ) -> Iterator[ReviewedLine]:
        """Lines with their findings, by delivery and line."""
        with self.database.reading() as store:
            lines = quarantine.listed(
                store, partner_id=partner, delivery=delivery, state=state, code=code, limit=limit
            )
            layouts: dict[int, Layout | None] = {}
            for line in lines:
                if line.delivery not in layouts:
                    layouts[line.delivery] = self._layout(store, line.delivery)
                yield self._reviewed(store, line, layout=layouts[line.delivery])

    def shown(self, key: int) -> ReviewedLine:
        """One line, whole."""
        with self.database.reading() as store:
            line = _known(store, key)
            return self._reviewed(store, line, layout=self._layout(store, line.delivery))

    def fix(self, key: int, *, cells: Mapping[str, str], who: str, reason: str) -> Rejudged:
        """New cells by heading; judged by all rules, and stored only if nothing fails any more."""
        with self.database.reading() as store:
            line = _open(store, key)
            layout = self._layout(store, line.delivery)
            if layout is None:
                raise OperatorMistake(f"line {key} has no header to name its cells by")
            if line.line in findings.lines_with(store, delivery=line.delivery, code=Code.LINE_TOO_LONG):
                raise OperatorMistake(
                    f"of line {key} only the beginning is kept: dismiss it or return it to the partner"
                )
        raw = _corrected(line, layout=layout, cells=cells)
        act = Act(
            who=who,
            why=reason,
            ends_as="corrected",
            corrected={line.line: raw},
            all_or_nothing=True,
        )
        return self._judged_again(line, act)

    def accept(self, key: int, *, who: str, reason: str) -> Rejudged:
        """Accepts a line in spite of soft rules (a reviewer may), never in spite of others."""
        with self.database.reading() as store:
            line = _open(store, key)
            told = findings.of_lines(store, delivery=line.delivery, lines=[line.line]).get(line.line, [])
        hard = {one.code.value for one in told if one.severity is Severity.ERROR and one.code not in SOFT}
        if hard - {Code.READING_CONFLICT_IN_FILE.value, Code.READING_NOT_IN_REGISTER.value}:
            raise OperatorMistake(
                f"line {key} can't be accepted as it is: {', '.join(sorted(hard))} is not a matter of judgement. "
                "Correct its cells with `quarantine fix`, dismiss it or return it to the partner."
            )
        act = Act(who=who, why=reason, ends_as="accepted", corrected={}, waived=SOFT, all_or_nothing=True)
        return self._judged_again(line, act)

    def dismiss(self, key: int, *, who: str, reason: str) -> None:
        """The line is not wanted: it stays where it is, closed."""
        self._close(key, state="dismissed", who=who, reason=reason)

    def give_back(self, key: int, *, who: str, reason: str) -> None:
        """The partner must correct it: it stays in their rejects file."""
        self._close(key, state="returned", who=who, reason=reason)

    def _judged_again(self, line: QuarantinedLine, act: Act) -> Rejudged:
        with self.locks.hold(f"partner-{line.partner}", wait=_WAIT):
            return self.rejudge(line.delivery, lines=[line.line], act=act, dry_run=False)

    def _close(self, key: int, *, state: str, who: str, reason: str) -> None:
        now = self.clock()
        with self.database.reading() as store:
            partner = _open(store, key).partner
        with self.locks.hold(f"partner-{partner}", wait=_WAIT), self.database.writing() as store:
            line = _open(store, key)
            quarantine.resolve(store, lines=[line], state=state, who=who, reason=reason, now=now)
            events.tell(
                store,
                at=now,
                who=who,
                what=f"quarantine.{state}",
                partner=line.partner,
                delivery=line.delivery,
                line=line.line,
                before={"state": line.state},
                after={"state": state},
                why=reason,
            )
            delivery = deliveries.get(store, line.delivery)
            layout = self._layout(store, delivery.id)
            if (
                layout is not None
                and delivery.lines.quarantined
                and delivery.state.value == "partly_accepted"
            ):
                language = self.agreement_of(delivery.partner, str(delivery.feed)).language
                resettle(
                    store,
                    self.publisher,
                    delivery=delivery,
                    lines=delivery.lines,
                    layout=layout,
                    language=language,
                )

    def _layout(self, store: Store, key: int) -> Layout | None:
        delivery = deliveries.get(store, key)
        encoding, bom, _, header_line, header_raw = deliveries.layout_of(store, key=key)
        if encoding is None or header_raw is None:
            return None
        try:
            return recognise_excerpt(
                header_raw,
                encoding=encoding,
                bom=bom,
                header_line=header_line,
                path=delivery.path,
                agreement=self.agreement_of(delivery.partner, str(delivery.feed)),
            )
        except (CannotRead, OperatorMistake):
            return None  # the feed or the profile is another one by now: the line itself can be seen all the same

    def _reviewed(self, store: Store, line: QuarantinedLine, *, layout: Layout | None) -> ReviewedLine:
        told = findings.of_lines(store, delivery=line.delivery, lines=[line.line]).get(line.line, [])
        return ReviewedLine(
            line=line,
            delivery=deliveries.get(store, line.delivery),
            cells={} if layout is None else _cells(line.corrected_raw or line.raw, layout=layout),
            findings=tuple(told),
        )


def _known(store: Store, key: int) -> QuarantinedLine:
    line = quarantine.find(store, key)
    if line is None:
        raise OperatorMistake(f"there is no quarantined line {key}: see `meterdrop quarantine list`")
    return line


def _open(store: Store, key: int) -> QuarantinedLine:
    line = _known(store, key)
    if line.state != "open":
        raise OperatorMistake(f"line {key} is {line.state} already (by {line.resolved_by}): nothing to do")
    return line


def _cells(raw: bytes, *, layout: Layout) -> dict[str, str]:
    """The line's cells by heading, for a person to look at; what is too much comes under `+1`, `+2`, …"""
    text = raw.decode(layout.encoding, errors="replace").replace("\x00", "�")
    cells = next(csv.reader([text], delimiter=layout.separator), [])
    headings = [heading or f"({number})" for number, heading in enumerate(layout.headings, start=1)]
    headings += [f"+{number}" for number in range(1, len(cells) - len(headings) + 1)]
    return dict(zip(headings, cells, strict=False))


def _corrected(line: QuarantinedLine, *, layout: Layout, cells: Mapping[str, str]) -> bytes:
    """The line's bytes with new cells, in the file's own encoding and with its separator."""
    names = {name: heading for heading, name in zip(layout.headings, layout.columns, strict=True) if name}
    by_heading = {names.get(name, name): text for name, text in cells.items()}
    unknown = set(by_heading) - set(layout.headings)
    if unknown:
        raise OperatorMistake(
            f"no such heading: {', '.join(sorted(unknown))}. The file has: {', '.join(layout.headings)}"
        )
    kept = _cells(line.raw, layout=layout)
    row = [by_heading.get(heading, kept.get(heading, "")) for heading in layout.headings]
    if any("\n" in cell or "\r" in cell for cell in row):
        raise OperatorMistake("a cell may not hold a line end")
    out = StringIO()
    csv.writer(out, delimiter=layout.separator, lineterminator="").writerow(row)
    try:
        return out.getvalue().encode(layout.encoding)
    except UnicodeEncodeError as error:
        raise OperatorMistake(
            f"the file's encoding {layout.encoding} has no letter for {error.object[error.start]!r}"
        ) from error
