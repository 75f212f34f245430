"""What is wrong, as a page for a person: self-contained, and with nothing of the partner's text alive in it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, cast

from meterdrop.model.codes import Code, severity_of
from meterdrop.model.delivery import delivery_number
from meterdrop.model.finding import Finding
from meterdrop.model.reported import ReportedLine
from meterdrop.report.marked import Piece, pieces
from meterdrop.report.page import render
from meterdrop.report.quarantine_report import QuarantineReport
from meterdrop.report.receipt import told
from meterdrop.report.words import message

MOST_LINES: Final = 1_000
"""A page shows the first so many lines; its counts are never cut, and it says where the rest is."""

MOST_OTHERS: Final = 200
"""A page shows so many findings of the file, and so many of lines that are not in quarantine."""

_OTHER_KINDS: Final = ("header", "blank", "comment", "continuation")


@dataclass(frozen=True)
class Kind:
    """All findings of one code: how many, and what share of the commonest code's, in percent."""

    code: str
    severity: str
    count: int
    share: str
    message: str
    fix: str


@dataclass(frozen=True)
class Part:
    """A stretch of the bar of lines, in percent."""

    name: str
    count: int
    start: str
    width: str


@dataclass(frozen=True)
class ShownLine:
    """A quarantined line as the page has it."""

    id: int
    line: int
    state: str
    codes: str
    pieces: tuple[Piece, ...]
    corrected: tuple[Piece, ...]
    findings: tuple[Mapping[str, object], ...]
    resolved_at: datetime | None
    resolved_by: str | None
    reason: str | None
    reading: str
    successor: Mapping[str, object] | None


def as_page(report: QuarantineReport) -> Iterator[str]:
    """The page in pieces."""
    head = report.head
    counts = cast(Mapping[str, int], head["findings_by_code"])
    lines = cast(Mapping[str, int], head["lines"])
    listed = sum(report.states.values())
    in_file, in_others = (
        _first(found, language=report.language) for found in (report.file_findings, report.other_findings)
    )
    yield from render(
        "quarantine.html.jinja",
        language=report.language,
        script="filter.js",
        content={
            "head": head,
            "partner_name": report.partner_name,
            "received_at": report.received_at,
            "made_at": report.made_at,
            "bar": bar(lines),
            "states": report.states,
            "kinds": kinds(counts, language=report.language),
            "file_findings": in_file.shown,
            "file_findings_more": in_file.more,
            "lines": (_shown(line, report=report) for line in islice(report.lines, MOST_LINES)),
            "all_lines": listed,
            "unlisted": max(0, lines["quarantined"] - listed),
            "most_lines": MOST_LINES,
            "whole_in": _where_all_is(head),
            "other_findings": in_others.shown,
            "other_findings_more": in_others.more,
        },
    )


def kinds(counts: Mapping[str, int], *, language: str) -> list[Kind]:
    """The codes that were found, the worst and commonest first, each with its words."""
    most = max(counts.values(), default=1)
    made = []
    for code, count in counts.items():
        sentence, fix = message(code, language=language)
        severity = severity_of(Code(code)).value
        made.append(Kind(code, severity, count, _percent(count, of=most), sentence, fix))
    order = ("error", "warning", "info")
    return sorted(made, key=lambda kind: (order.index(kind.severity), -kind.count, kind.code))


def bar(lines: Mapping[str, int]) -> list[Part]:
    """What became of the lines, side by side; nothing for a file without lines."""
    parts: list[Part] = []
    before = 0
    for name in ("accepted", "quarantined", "duplicate", *_OTHER_KINDS):
        if count := lines[name]:
            start = _percent(before, of=lines["physical"])
            parts.append(Part(name, count, start, _percent(count, of=lines["physical"])))
            before += count
    return parts


@dataclass(frozen=True)
class _First:
    """The first of some findings, and whether there are more."""

    shown: tuple[Mapping[str, object], ...]
    more: bool


def _first(findings: Iterable[Finding], *, language: str) -> _First:
    every = iter(findings)
    shown = tuple(told(one, language=language) for one in islice(every, MOST_OTHERS))
    return _First(shown, more=next(every, None) is not None)


def _shown(line: ReportedLine, *, report: QuarantineReport) -> ShownLine:
    bad = frozenset(one.column for one in line.every_finding if one.column is not None)
    return ShownLine(
        id=line.id,
        line=line.line,
        state=line.state,
        codes=" ".join(sorted({one.code.value for one in line.every_finding})),
        pieces=_pieces(line.raw, report=report, bad=bad),
        corrected=() if line.corrected is None else _pieces(line.corrected, report=report, bad=frozenset()),
        findings=tuple(told(one, language=report.language) for one in line.every_finding),
        resolved_at=line.resolved_at,
        resolved_by=line.resolved_by,
        reason=line.reason,
        reading="" if line.serial is None or line.day is None else f"{line.serial}, {line.day.isoformat()}",
        successor=None
        if line.successor_delivery is None
        else {"delivery": delivery_number(line.successor_delivery), "line": line.successor_line},
    )


def _pieces(raw: bytes, *, report: QuarantineReport, bad: frozenset[str]) -> tuple[Piece, ...]:
    writing = report.writing
    return pieces(writing.text(raw), separator=writing.separator, headings=writing.headings, bad=bad)


def _where_all_is(head: Mapping[str, object]) -> list[str]:
    """The partner has the rejects file, the operator the command."""
    rejects = head.get("rejects_file")
    command = f"meterdrop report delivery {head['delivery']} --format csv"
    return [command] if rejects is None else [str(rejects), command]


def _percent(count: int, *, of: int) -> str:
    """With three decimals: what is there at all is to be seen."""
    return f"{max(100 * count / of, 0.001 if count else 0):.3f}" if of else "0"
