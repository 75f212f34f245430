"""What was noticed? Every finding of every delivery, none cut."""

from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import ColumnElement, Connection, Table, and_, func, insert, select

from meterdrop.model.codes import SOFT, Code, Severity
from meterdrop.model.finding import Finding
from meterdrop.store import partners
from meterdrop.store.bulk import insert_frame
from meterdrop.store.schema import finding
from meterdrop.tables import findings_frame, framed, taken

WHOLE_FILE: Final = 0
"""The line number under which findings of the file as a whole are kept."""

_SAID: Final = ("line", "code", "severity", "column", "value", "against")


def add(connection: Connection, *, findings: pd.DataFrame, delivery: int) -> None:
    """Stores findings (line, code, severity, column, value, against): all of a line's, or of the file's, at once."""
    if len(findings) == 0:
        return
    line = findings["line"].fillna(WHOLE_FILE).to_numpy(dtype=np.int64)
    frame = findings
    if (line[1:] < line[:-1]).any():
        order = np.argsort(line, kind="stable")
        line, frame = line[order], taken(findings, order)
    place = np.arange(len(line))
    first = np.maximum.accumulate(np.where(np.diff(line, prepend=line[0] - 1) > 0, place, 0))
    numbered = {"line": pa.array(line), "number": pa.array(place - first)}
    insert_frame(
        connection,
        table=finding,
        frame=framed({name: pa.array(frame[name].array) for name in _SAID} | numbered),
        constants={"delivery": delivery, "partner": partners.of_delivery(connection, delivery)},
    )


def add_to_file(connection: Connection, told: Finding, *, delivery: int) -> None:
    """One finding more of the file as a whole."""
    numbers = select(func.count()).where(finding.c.delivery == delivery, finding.c.line == WHOLE_FILE)
    connection.execute(
        insert(finding).values(
            delivery=delivery,
            partner=partners.of_delivery(connection, delivery),
            line=WHOLE_FILE,
            number=numbers.scalar_subquery(),
            code=told.code.value,
            severity=told.severity.value,
            column=told.column,
            value=told.value,
            against=told.against,
        )
    )


def first(connection: Connection, *, delivery: int, limit: int) -> tuple[Finding, ...]:
    """The first findings by line; those of the file as a whole come before all.

    Only meters missing from a snapshot come last: there may be so many that they would hide all else.
    """
    left_out = Code.DEVICE_MISSING_FROM_SNAPSHOT.value
    told = _first(connection, finding.c.code != left_out, delivery=delivery, limit=limit)
    missing = and_(finding.c.line == WHOLE_FILE, finding.c.code == left_out)
    return (*told, *_first(connection, missing, delivery=delivery, limit=limit - len(told)))


def _first(
    connection: Connection, condition: ColumnElement[bool], *, delivery: int, limit: int
) -> tuple[Finding, ...]:
    rows = connection.execute(
        select(finding)
        .where(finding.c.delivery == delivery, condition)
        .order_by(finding.c.line, finding.c.number)
        .limit(limit)
    )
    return tuple(
        _finding(row.code, row.severity, row.line, row.column, row.value, row.against) for row in rows
    )


def frame_of_lines(connection: Connection, *, delivery: int, first: int, last: int) -> pd.DataFrame:
    """The findings of a stretch of lines as a frame: line, code, severity, column, value."""
    rows = connection.execute(
        select(finding)
        .where(finding.c.delivery == delivery, finding.c.line.between(first, last))
        .order_by(finding.c.line, finding.c.number)
    )
    return findings_frame(
        [_finding(row.code, row.severity, row.line, row.column, row.value, row.against) for row in rows]
    )


def of_lines(
    connection: Connection, *, delivery: int, lines: list[int], table: Table = finding
) -> dict[int, list[Finding]]:
    """The findings of some lines, as they are in this table of findings."""
    rows = connection.execute(
        select(table)
        .where(table.c.delivery == delivery, table.c.line.in_(lines))
        .order_by(table.c.line, table.c.number)
    )
    found: dict[int, list[Finding]] = {}
    for row in rows:
        found.setdefault(row.line, []).append(
            _finding(row.code, row.severity, row.line, row.column, row.value, row.against)
        )
    return found


def told_already(connection: Connection, *, found: pd.DataFrame, delivery: int) -> bool:
    """Whether the very same is said of these lines (a block by line, of whole lines) as was found now."""
    wanted = frozenset(found["line"].to_list())
    rows = connection.execute(
        select(*(finding.c[name] for name in _SAID))
        .where(finding.c.delivery == delivery, finding.c.line.between(min(wanted), max(wanted)))
        .order_by(finding.c.line, finding.c.number)
    )
    before = [tuple(row) for row in rows if row.line in wanted]
    by_line = found.sort_values("line", kind="stable")
    return before == list(zip(*(pa.array(by_line[name]).to_pylist() for name in _SAID), strict=True))


def lines_with(connection: Connection, *, delivery: int, code: Code) -> frozenset[int]:
    """The lines of a delivery that have this finding."""
    rows = connection.execute(
        select(finding.c.line).where(finding.c.delivery == delivery, finding.c.code == code.value)
    )
    return frozenset(row.line for row in rows)


def waived_lines(connection: Connection, *, delivery: int) -> frozenset[int]:
    """The lines that a person accepted in spite of soft rules: what was found is told as a warning since."""
    rows = connection.execute(
        select(finding.c.line).where(
            finding.c.delivery == delivery,
            finding.c.severity == Severity.WARNING.value,
            finding.c.code.in_([code.value for code in SOFT]),
        )
    )
    return frozenset(row.line for row in rows)


def counts_by_code(connection: Connection, *, delivery: int) -> dict[str, int]:
    """How often each code was found in a delivery."""
    rows = connection.execute(
        select(finding.c.code, func.count())
        .where(finding.c.delivery == delivery)
        .group_by(finding.c.code)
        .order_by(finding.c.code)
    )
    return {row[0]: row[1] for row in rows}


def as_values(findings: pd.DataFrame, *, limit: int) -> list[Finding]:
    """The first findings of a frame, one by one, for a person to read."""
    names = ("code", "severity", "line", "column", "value", "against")
    columns = [findings[name].head(limit) for name in names]
    return [
        _finding(code, severity, *(_or_none(cell) for cell in cells))
        for code, severity, *cells in zip(*columns, strict=True)
    ]


def _or_none(value: Any) -> Any:  # noqa: ANN401 - a cell of any column: pandas gives NA where there is nothing
    return None if value is pd.NA else value


def _finding(
    code: str, severity: str, line: int | None, column: str | None, value: str | None, against: str | None
) -> Finding:
    return Finding(
        code=Code(code),
        severity=Severity(severity),
        line=line or None,
        column=column,
        value=value,
        against=against,
    )
