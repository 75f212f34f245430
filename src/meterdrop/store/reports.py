"""What does the report of one delivery tell? Lines and findings in the file's order, never all of them in memory."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import fields, replace
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Select, Table, and_, exists, func, or_, select

from meterdrop.model.codes import Code, Severity
from meterdrop.model.finding import Finding
from meterdrop.model.line_state import LineState
from meterdrop.model.reported import ReportedLine
from meterdrop.store.findings import WHOLE_FILE
from meterdrop.store.quarantine import of_delivery
from meterdrop.store.schema import LINES_A_DELIVERY, device, finding, finding_history, quarantine

_BLOCK: Final = 200
"""Rows that are in memory at the same time; each may hold a line of 64 KiB."""
_OPTIONS: Final = {"yield_per": _BLOCK}
_CODES: Final = {code.value: code for code in Code}
_SEVERITIES: Final = {severity.value: severity for severity in Severity}
_OF_LINE: Final = len(fields(ReportedLine)) - 2
"""So many columns of a row are the line's own, in the order of `ReportedLine`; the finding's follow."""

_OF_FILE: Final = or_(finding.c.line == WHOLE_FILE, finding.c.code.startswith("file."))


def lines(connection: Connection, *, delivery: int) -> Generator[ReportedLine, None, None]:
    """The quarantined lines of a delivery with their findings, by line. Close the iterator if you leave early."""
    together = quarantine.outerjoin(
        finding, and_(finding.c.delivery == delivery, finding.c.line == quarantine.c.line)
    ).outerjoin(device, device.c.id == quarantine.c.reading_device)
    wanted: Select[Any] = (
        select(
            quarantine.c.id,
            quarantine.c.line,
            quarantine.c.raw,
            quarantine.c.corrected_raw,
            quarantine.c.state,
            quarantine.c.resolved_at,
            quarantine.c.resolved_by,
            quarantine.c.reason,
            device.c.serial,
            quarantine.c.reading_day,
            quarantine.c.successor_delivery,
            quarantine.c.successor_line,
            finding.c.code,
            finding.c.severity,
            finding.c.column,
            finding.c.value,
            finding.c.against,
        )
        .select_from(together)
        .where(of_delivery(delivery))
        .order_by(quarantine.c.id, finding.c.number)
    )
    with (
        connection.execute(wanted, execution_options=_OPTIONS) as rows,
        closing(_found_before(connection, delivery=delivery)) as before,
    ):
        remembered = next(before, None)
        for _, same in groupby(rows, key=itemgetter(0)):
            line = _line([tuple(row) for row in same])
            while remembered is not None and remembered[0] < line.line:
                remembered = next(before, None)
            known = remembered is not None and remembered[0] == line.line
            yield replace(line, found_before=remembered[1]) if remembered and known else line


def _found_before(
    connection: Connection, *, delivery: int
) -> Generator[tuple[int, tuple[Finding, ...]], None, None]:
    """What was found in lines before they were stored, line by line, in order."""
    with connection.execute(_findings(delivery, table=finding_history), execution_options=_OPTIONS) as rows:
        for line, same in groupby(rows, key=itemgetter(0)):
            yield line, tuple(_finding(line, *row[1:]) for row in same)


def findings_of_file(connection: Connection, *, delivery: int) -> Generator[Finding, None, None]:
    """What was found about the file as a whole, wherever it shows: a missing column does in the header."""
    return _found(connection, _findings(delivery).where(_OF_FILE))


def findings_of_other_lines(connection: Connection, *, delivery: int) -> Generator[Finding, None, None]:
    """What was found about lines that are not in quarantine, by line: they were stored, or are the header."""
    aside = exists().where(quarantine.c.id == delivery * LINES_A_DELIVERY + finding.c.line)
    return _found(connection, _findings(delivery).where(~_OF_FILE, ~aside))


def counts_by_state(connection: Connection, *, delivery: int) -> dict[str, int]:
    """How many of a delivery's quarantined lines are in each state; no state that none is in.

    Added up in one walk: grouping would sort a million lines first.
    """
    counts = [func.count().filter(quarantine.c.state == state.value) for state in LineState]
    found = connection.execute(select(*counts).where(of_delivery(delivery))).one()
    return {state.value: count for state, count in zip(LineState, found, strict=True) if count}


def _findings(delivery: int, *, table: Table = finding) -> Select[Any]:
    names = ("line", "code", "severity", "column", "value", "against")
    return (
        select(*(table.c[name] for name in names))
        .where(table.c.delivery == delivery)
        .order_by(table.c.line, table.c.number)
    )


def _found(connection: Connection, wanted: Select[Any]) -> Generator[Finding, None, None]:
    with connection.execute(wanted, execution_options=_OPTIONS) as rows:
        for line, *cells in rows:
            yield _finding(line or None, *cells)


def _line(rows: list[tuple[Any, ...]]) -> ReportedLine:
    """One line of rows that differ in the finding only; by place, for there may be a million."""
    line = rows[0][1]
    found = tuple(_finding(line, *row[_OF_LINE:]) for row in rows if row[_OF_LINE] is not None)
    return ReportedLine(*(*rows[0][:_OF_LINE], found))


def _finding(
    line: int | None, code: str, severity: str, column: str | None, value: str | None, against: str | None
) -> Finding:
    return Finding(_CODES[code], _SEVERITIES[severity], line, column, value, against)
