"""What is wrong, as a table for a spreadsheet: one row a finding, and nothing in it that a spreadsheet would run."""

import csv
from collections.abc import Iterator
from functools import lru_cache
from io import StringIO
from typing import Final

from meterdrop.model.finding import Finding
from meterdrop.model.reported import ReportedLine
from meterdrop.report.for_people import harmless, visible
from meterdrop.report.page_words import WORDS, line_state
from meterdrop.report.quarantine_report import QuarantineReport
from meterdrop.report.receipt import told

COLUMNS: Final = ("line", "column", "value", "code", "reason", "fix", "state", "text")
"""Names of the columns in `WORDS`, in their order."""

_BOM: Final = "\ufeff"
"""By this mark Excel knows UTF-8."""

_ROWS: Final = 500
_CHARACTERS: Final = 1_000_000
"""A piece has so many rows, or fewer that are so long: a line may have 64 KiB, and comes with each of its findings."""
_SHORT: Final = 300


def as_csv(report: QuarantineReport) -> Iterator[str]:
    """The table in pieces, with `;` between cells and the byte-order mark, as Excel reads it where a comma is decimal."""
    words = WORDS[report.language]
    yield _BOM + _written([[words[name] for name in COLUMNS]])
    block: list[list[str]] = []
    long = 0
    for row in _rows(report):
        block.append([_shown(cell) for cell in row])
        long += len(row[-1])
        if len(block) == _ROWS or long > _CHARACTERS:
            yield _written(block)
            block, long = [], 0
    yield _written(block)


def _shown(cell: str) -> str:
    """Short cells come again and again in a long table; long ones are not worth remembering."""
    return _shown_before(cell) if len(cell) <= _SHORT else harmless(visible(cell))


@lru_cache(maxsize=4096)
def _shown_before(cell: str) -> str:
    return harmless(visible(cell))


def _rows(report: QuarantineReport) -> Iterator[list[str]]:
    language = report.language
    for finding in report.file_findings:
        yield _row(finding, language=language)
    for line in report.lines:
        yield from _rows_of(line, report=report)
    for finding in report.other_findings:
        yield _row(finding, language=language)


def _rows_of(line: ReportedLine, *, report: QuarantineReport) -> Iterator[list[str]]:
    """A row a finding; a line of which nothing is said any more has one all the same, so that none is missing."""
    state = line_state(line.state, language=report.language)
    text = report.writing.text(line.raw)
    for finding in line.every_finding:
        yield _row(finding, language=report.language, state=state, text=text)
    if not line.every_finding:
        yield [str(line.line), "", "", "", "", "", state, text]


def _row(finding: Finding, *, language: str, state: str = "", text: str = "") -> list[str]:
    said = told(finding, language=language)
    cells = (said[name] for name in ("line", "column", "value", "code", "message", "fix"))
    return [*("" if cell is None else str(cell) for cell in cells), state, text]


def _written(rows: list[list[str]]) -> str:
    out = StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows(rows)
    return out.getvalue()
