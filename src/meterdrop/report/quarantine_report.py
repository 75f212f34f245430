"""What is wrong with this delivery, line by line? The quarantine report, and its form for programs: one JSON document."""

import base64
import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Final

from meterdrop.model.delivery import delivery_number
from meterdrop.model.finding import Finding
from meterdrop.model.reported import ReportedLine
from meterdrop.report.receipt import told

_ONE_LINE: Final = json.JSONEncoder(ensure_ascii=False)
_LIKELIEST: Final = "utf-8"


@dataclass(frozen=True)
class Writing:
    """How the file is written, as far as it is known: without headings a line is shown whole."""

    encoding: str | None
    separator: str | None
    headings: tuple[str, ...]

    def text(self, raw: bytes) -> str:
        """A line's bytes as text; what is no character of the encoding becomes `�`."""
        return raw.decode(self.encoding or _LIKELIEST, errors="replace")


@dataclass(frozen=True)
class QuarantineReport:
    """All there is to tell of one delivery. What is iterable may be read once, and only while the report is open.

    `head` is the receipt without its findings; `states` counts the quarantined lines by state; `file_findings` are
    of the file as a whole, `other_findings` of lines that are not in quarantine.
    """

    head: Mapping[str, object]
    partner_name: str
    language: str
    received_at: datetime
    made_at: datetime
    writing: Writing
    states: Mapping[str, int]
    file_findings: Iterable[Finding]
    lines: Iterable[ReportedLine]
    other_findings: Iterable[Finding]


def as_json(report: QuarantineReport) -> Iterator[str]:
    """The document in pieces; each line of the file on a line of its own. Exact: nothing is cut or made harmless."""
    head = {
        "report": 1,
        **report.head,
        "language": report.language,
        "made_at": utc(report.made_at),
        "encoding": report.writing.encoding,
        "separator": report.writing.separator,
        "headings": list(report.writing.headings),
        "states": dict(report.states),
    }
    yield json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    language = report.language
    yield from _array("file_findings", (told(one, language=language) for one in report.file_findings))
    yield from _array("quarantined", (line_document(one, report=report) for one in report.lines))
    yield from _array("other_findings", (told(one, language=language) for one in report.other_findings))
    yield "\n}\n"


def _array(name: str, documents: Iterable[Mapping[str, object]]) -> Iterator[str]:
    yield f',\n "{name}": ['
    between = "\n  "
    for document in documents:
        yield between + _ONE_LINE.encode(document)
        between = ",\n  "
    yield "\n ]" if between.startswith(",") else "]"


def line_document(line: ReportedLine, *, report: QuarantineReport) -> dict[str, object]:
    """One quarantined line. `raw_base64` is there only if `raw` can't say the line's bytes exactly."""
    text = report.writing.text(line.raw)
    corrected = None if line.corrected is None else report.writing.text(line.corrected)
    return {
        "line": line.line,
        "id": line.id,
        "state": line.state,
        "raw": text,
        "raw_base64": _exactly(line.raw, text=text, writing=report.writing),
        "cells": cells_by_heading(text, writing=report.writing),
        "corrected": corrected,
        "resolved_at": None if line.resolved_at is None else utc(line.resolved_at),
        "resolved_by": line.resolved_by,
        "reason": line.reason,
        "reading": None
        if line.serial is None or line.day is None
        else {"serial": line.serial, "day": line.day.isoformat()},
        "successor": None
        if line.successor_delivery is None
        else {"delivery": delivery_number(line.successor_delivery), "line": line.successor_line},
        "findings": [_without_line(told(one, language=report.language)) for one in line.findings],
        "found_before": [_without_line(told(one, language=report.language)) for one in line.found_before],
    }


def cells_by_heading(text: str, *, writing: Writing) -> dict[str, str]:
    """A line's cells; what is too much comes under `+1`, `+2`, …; none if the headings aren't known."""
    if writing.separator is None or not writing.headings:
        return {}
    cells = split(text, separator=writing.separator)
    names = _told_apart(writing.headings, extra=max(0, len(cells) - len(writing.headings)))
    return dict(zip(names, cells, strict=False))


def split(text: str, *, separator: str) -> list[str]:
    """A line's cells with quotes undone, however badly it is quoted."""
    try:
        return [cell for row in csv.reader([text], delimiter=separator) for cell in row]
    except csv.Error:  # a line end outside quotes, or a cell longer than any reader takes
        return text.split(separator)


def utc(moment: datetime) -> str:
    """As receipts write times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _exactly(raw: bytes, *, text: str, writing: Writing) -> str | None:
    if "�" not in text:
        return None
    same = text.encode(writing.encoding or _LIKELIEST, errors="replace") == raw
    return None if same else base64.b64encode(raw).decode("ascii")


@lru_cache(maxsize=4)
def _told_apart(headings: tuple[str, ...], *, extra: int) -> tuple[str, ...]:
    """Every heading once: empty ones by their place, those that come again with it; then those of extra cells."""
    names: dict[str, None] = {}
    more = (f"+{number}" for number in range(1, extra + 1))
    for place, heading in enumerate(chain(headings, more), start=1):
        name = heading or f"({place})"
        while name in names:
            name = f"{name} ({place})"
        names[name] = None
    return tuple(names)


def _without_line(finding: dict[str, object]) -> dict[str, object]:
    return {name: cell for name, cell in finding.items() if name != "line"}
