"""A report reads lines and findings in the file's order, with nothing sorted or kept on the way."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import Connection, Engine, event, update

from meterdrop.model.codes import Code, severity_of
from meterdrop.model.finding import Finding
from meterdrop.model.ticket import Ticket
from meterdrop.store import deliveries, finding_history, findings, quarantine, reports
from meterdrop.store.engine import writing
from meterdrop.store.schema import quarantine as aside
from meterdrop.tables import LINE, RAW, TEXT, findings_at, findings_frame, join_findings

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SEVERAL = reports._BLOCK + 10  # more than are read at once


@pytest.fixture
def store(engine: Engine, ticket: Ticket) -> Iterator[Connection]:
    """Lines 2 and 4 are set aside, line 4 for two reasons; 3 was stored with a notice, and the file has one too."""
    with writing(engine) as store:
        deliveries.add_received(store, ticket=ticket, now=NOW, feed=None)
        set_aside(store, [2, 4])
        values = pd.Series(["a", "b"], dtype=TEXT)
        said = [
            findings_at(line=[2, 4], code=Code.UNIT_UNKNOWN, column="Unit", value=values),
            findings_at(line=[4], code=Code.CELL_MISSING, column="Stav"),
            findings_at(line=[3], code=Code.READING_CORRECTION, column="Stav"),
        ]
        findings.add(store, findings=join_findings(said), delivery=1)
        of_file = Finding(Code.FILE_EXTRA_COLUMN, severity_of(Code.FILE_EXTRA_COLUMN), column="RSSI")
        findings.add(store, findings=findings_frame([of_file]), delivery=1)
        yield store


def set_aside(store: Connection, lines: list[int]) -> None:
    raw = pa.array([b"raw\xff%d" % line for line in lines], pa.large_binary())
    rows = pd.DataFrame(
        {
            "line": pd.Series(lines, dtype=LINE),
            "raw": pd.Series(pd.arrays.ArrowExtensionArray(raw), dtype=RAW),
        }
    )
    quarantine.add(store, rows=rows, delivery=1, rules="r1", register_version=0)


def test_a_line_has_what_was_found_before_it_was_stored(store: Connection) -> None:
    set_aside(store, [5, 6])
    said = findings_at(line=[5, 6], code=Code.CELL_MISSING, column="Stav")
    findings.add(store, findings=said, delivery=1)
    finding_history.keep(store, delivery=1, lines=[4, 6])
    quarantine.drop_findings(store, delivery=1, lines=[4, 6])

    told = {line.line: line for line in reports.lines(store, delivery=1)}

    assert list(told) == [2, 4, 5, 6]
    before = {number: [one.code.value for one in line.found_before] for number, line in told.items()}
    assert before == {2: [], 4: ["unit.unknown", "cell.missing"], 5: [], 6: ["cell.missing"]}
    assert [len(line.findings) for line in told.values()] == [1, 0, 1, 0]
    assert told[4].found_before[0].value == "b"


def test_a_line_comes_once_with_all_its_findings_in_order(store: Connection) -> None:
    told = list(reports.lines(store, delivery=1))
    assert [(line.line, line.raw, line.state) for line in told] == [
        (2, b"raw\xff2", "open"),
        (4, b"raw\xff4", "open"),
    ]
    assert [[(one.code, one.column, one.value) for one in line.findings] for line in told] == [
        [(Code.UNIT_UNKNOWN, "Unit", "a")],
        [(Code.UNIT_UNKNOWN, "Unit", "b"), (Code.CELL_MISSING, "Stav", None)],
    ]
    assert told[0].id == quarantine.line_id(delivery=1, line=2)


def test_a_line_of_which_nothing_is_said_any_more_is_there(store: Connection) -> None:
    quarantine.drop_findings(store, delivery=1, lines=[2])
    assert [(line.line, len(line.findings)) for line in reports.lines(store, delivery=1)] == [(2, 0), (4, 2)]


def test_what_became_of_a_line_is_told(store: Connection) -> None:
    store.execute(
        update(aside)
        .where(aside.c.line == 2)
        .values(state="corrected", resolved_by="jana", resolved_at=NOW, reason="r", corrected_raw=b"better")
    )
    told = next(line for line in reports.lines(store, delivery=1) if line.line == 2)
    assert (told.state, told.resolved_by, told.reason, told.resolved_at) == ("corrected", "jana", "r", NOW)
    assert told.corrected == b"better"
    assert reports.counts_by_state(store, delivery=1) == {"corrected": 1, "open": 1}


def test_findings_of_the_file_and_of_stored_lines_are_told_apart(store: Connection) -> None:
    of_file = list(reports.findings_of_file(store, delivery=1))
    of_others = list(reports.findings_of_other_lines(store, delivery=1))
    assert [(one.code, one.line, one.column) for one in of_file] == [(Code.FILE_EXTRA_COLUMN, None, "RSSI")]
    assert [(one.code, one.line) for one in of_others] == [(Code.READING_CORRECTION, 3)]


def test_what_shows_in_the_header_is_of_the_file(store: Connection) -> None:
    missing = findings_at(line=[1], code=Code.FILE_MISSING_COLUMN, column="Value")
    findings.add(store, findings=missing, delivery=1)
    of_file = list(reports.findings_of_file(store, delivery=1))
    assert [(one.code, one.line) for one in of_file] == [
        (Code.FILE_EXTRA_COLUMN, None),
        (Code.FILE_MISSING_COLUMN, 1),
    ]
    assert Code.FILE_MISSING_COLUMN not in {
        one.code for one in reports.findings_of_other_lines(store, delivery=1)
    }


def test_another_delivery_has_nothing_of_it(store: Connection) -> None:
    assert list(reports.lines(store, delivery=2)) == []
    assert list(reports.findings_of_other_lines(store, delivery=2)) == []
    assert reports.counts_by_state(store, delivery=2) == {}


def test_more_lines_than_are_read_at_once_all_come(store: Connection) -> None:
    numbers = list(range(10, 10 + SEVERAL))
    set_aside(store, numbers)
    findings.add(store, findings=findings_at(line=numbers, code=Code.UNIT_UNKNOWN), delivery=1)
    told = [(line.line, len(line.findings)) for line in reports.lines(store, delivery=1)]
    assert told == [(2, 1), (4, 2), *((number, 1) for number in numbers)]


def test_who_leaves_early_can_go_on_with_the_store(store: Connection) -> None:
    set_aside(store, list(range(10, 10 + SEVERAL)))
    with closing(reports.lines(store, delivery=1)) as lines:
        assert next(lines).line == 2
    assert reports.counts_by_state(store, delivery=1) == {"open": SEVERAL + 2}


@pytest.mark.only_on("sqlite")
def test_the_database_sorts_nothing_for_a_report(store: Connection) -> None:
    """What is sorted would have to be kept: a million lines in memory."""
    asked: list[tuple[str, Any]] = []

    def listen(_c: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        asked.append((statement, parameters))

    event.listen(store, "before_cursor_execute", listen)
    list(reports.lines(store, delivery=1))
    list(reports.findings_of_file(store, delivery=1))
    list(reports.findings_of_other_lines(store, delivery=1))
    event.remove(store, "before_cursor_execute", listen)

    assert len(asked) == 4
    for statement, parameters in asked:
        plan = store.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
        steps = [str(step[3]) for step in plan]
        assert not [step for step in steps if "TEMP B-TREE" in step or step.startswith("SCAN")], steps
