"""What was noticed? Every finding of every delivery, none cut."""

from typing import Any

import pandas as pd
from sqlalchemy import Connection, func, select

from meterdrop.model.codes import Code, Severity
from meterdrop.model.finding import Finding
from meterdrop.store.bulk import insert_frame, number_column
from meterdrop.store.schema import finding
from meterdrop.tables import findings_frame


def add(connection: Connection, *, findings: pd.DataFrame, delivery: int) -> None:
    """Stores findings (line, code, severity, column, value)."""
    frame = findings.copy(deep=False)
    frame["delivery"] = number_column(delivery, len(frame))
    insert_frame(connection, table=finding, frame=frame)


def first(connection: Connection, *, delivery: int, limit: int) -> tuple[Finding, ...]:
    """The first findings by line; those of the file as a whole come before all."""
    rows = connection.execute(
        select(finding)
        .where(finding.c.delivery == delivery)
        .order_by(func.coalesce(finding.c.line, 0), finding.c.id)
        .limit(limit)
    )
    return tuple(_finding(row.code, row.severity, row.line, row.column, row.value) for row in rows)


def frame_of_lines(connection: Connection, *, delivery: int, first: int, last: int) -> pd.DataFrame:
    """The findings of a stretch of lines as a frame: line, code, severity, column, value."""
    rows = connection.execute(
        select(finding)
        .where(finding.c.delivery == delivery, finding.c.line.between(first, last))
        .order_by(finding.c.line, finding.c.id)
    )
    return findings_frame([_finding(row.code, row.severity, row.line, row.column, row.value) for row in rows])


def of_lines(connection: Connection, *, delivery: int, lines: list[int]) -> dict[int, list[Finding]]:
    """The findings of some lines."""
    rows = connection.execute(
        select(finding)
        .where(finding.c.delivery == delivery, finding.c.line.in_(lines))
        .order_by(finding.c.line, finding.c.id)
    )
    found: dict[int, list[Finding]] = {}
    for row in rows:
        found.setdefault(row.line, []).append(
            _finding(row.code, row.severity, row.line, row.column, row.value)
        )
    return found


def lines_with(connection: Connection, *, delivery: int, code: Code) -> frozenset[int]:
    """The lines of a delivery that have this finding."""
    rows = connection.execute(
        select(finding.c.line).where(finding.c.delivery == delivery, finding.c.code == code.value)
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
    columns = [findings[name].head(limit) for name in ("code", "severity", "line", "column", "value")]
    return [
        _finding(code, severity, _or_none(line), _or_none(column), _or_none(value))
        for code, severity, line, column, value in zip(*columns, strict=True)
    ]


def _or_none(value: Any) -> Any:  # noqa: ANN401 - a cell of any column: pandas gives NA where there is nothing
    return None if value is pd.NA else value


def _finding(code: str, severity: str, line: int | None, column: str | None, value: str | None) -> Finding:
    return Finding(code=Code(code), severity=Severity(severity), line=line, column=column, value=value)
