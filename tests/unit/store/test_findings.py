"""Findings come back by line, and within a line in the order in which they were told."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine, text

from meterdrop.model.codes import Code, severity_of
from meterdrop.model.finding import Finding
from meterdrop.model.ticket import Ticket
from meterdrop.store import deliveries, findings
from meterdrop.store.engine import writing
from meterdrop.tables import findings_frame

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture
def store(engine: Engine, ticket: Ticket) -> Iterator[Connection]:
    with writing(engine) as store:
        deliveries.add_received(store, ticket=ticket, now=NOW, feed=None)
        yield store


def finding(code: Code, *, line: int | None, value: str | None = None) -> Finding:
    return Finding(code=code, severity=severity_of(code), line=line, value=value)


def test_findings_told_in_any_order_of_lines_keep_their_order_within_a_line(store: Connection) -> None:
    told = [
        finding(Code.VALUE_NOT_A_NUMBER, line=9, value="x"),
        finding(Code.FILE_EXTRA_COLUMN, line=None),
        finding(Code.DATE_NOT_A_DATE, line=4),
        finding(Code.UNIT_UNKNOWN, line=9),
        finding(Code.FILE_TOO_MANY_BAD_LINES, line=None),
        finding(Code.READING_NOT_IN_REGISTER, line=9, value="1"),
    ]
    findings.add(store, findings=findings_frame(told), delivery=1)
    assert findings.first(store, delivery=1, limit=9) == (
        told[1],
        told[4],
        told[2],
        told[0],
        told[3],
        told[5],
    )
    places = store.execute(text("select line, number from finding order by line, number")).all()
    assert [tuple(place) for place in places] == [(0, 0), (0, 1), (4, 0), (9, 0), (9, 1), (9, 2)]


def test_one_block_after_the_other_is_told(store: Connection) -> None:
    blocks = [[finding(Code.UNIT_UNKNOWN, line=line) for line in lines] for lines in ((2, 2, 3), (4, 5, 5))]
    for block in blocks:
        findings.add(store, findings=findings_frame(block), delivery=1)
    assert findings.first(store, delivery=1, limit=9) == (*blocks[0], *blocks[1])


def test_meters_missing_from_a_snapshot_hide_nothing_else(store: Connection) -> None:
    """A file that leaves out half of the register has thousands: they come last."""
    left_out = [
        finding(Code.DEVICE_MISSING_FROM_SNAPSHOT, line=None, value=f"{number}") for number in range(5)
    ]
    others = [finding(Code.FILE_EXTRA_COLUMN, line=None), finding(Code.UNIT_UNKNOWN, line=2)]
    findings.add(store, findings=findings_frame([*left_out, *others]), delivery=1)
    assert findings.first(store, delivery=1, limit=4) == (*others, *left_out[:2])
    assert findings.first(store, delivery=1, limit=1) == (others[0],)
    assert findings.first(store, delivery=1, limit=9) == (*others, *left_out)


def test_no_findings_are_none(store: Connection) -> None:
    findings.add(store, findings=findings_frame([]), delivery=1)
    assert findings.first(store, delivery=1, limit=9) == ()
