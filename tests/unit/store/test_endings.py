"""Many lines end in one statement; what came in their place is said of each."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import Connection, Engine, text

from meterdrop.model.codes import Code, Severity
from meterdrop.model.line_state import LineState
from meterdrop.model.ticket import Ticket
from meterdrop.store import anew, deliveries, endings, events, findings, quarantine, successors
from meterdrop.store.engine import writing
from meterdrop.store.quarantine import line_id
from meterdrop.tables import DAY, LINE, RAW, TEXT, findings_at

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


@pytest.fixture
def store(engine: Engine, ticket: Ticket) -> Iterator[Connection]:
    """Deliveries 1 and 2 of readings; of the first, lines 2 to 5 are set aside: meters M2 to M5 on 1 November."""
    with writing(engine) as store:
        for letter in "AB":
            upload = ticket.upload[:-1] + letter
            told = Ticket(**{**vars(ticket), "upload": upload, "sha256": letter.lower() * 64})
            deliveries.add_received(store, ticket=told, now=NOW, feed=None)
        store.execute(text("update delivery set feed = 'readings'"))
        quarantine.add(store, rows=lines([2, 3, 4, 5]), delivery=1, rules="r1", register_version=0)
        findings.add(store, findings=findings_at(line=[2, 3], code=Code.UNIT_UNKNOWN), delivery=1)
        rise = findings_at(line=[3, 4, 5], code=Code.READING_IMPLAUSIBLE_RISE)
        findings.add(store, findings=rise.iloc[1:].reset_index(drop=True), delivery=1)
        yield store


def lines(numbers: list[int]) -> pd.DataFrame:
    raw = pa.array([b"raw%d" % number for number in numbers], pa.large_binary())
    return pd.DataFrame(
        {
            "line": pd.Series(numbers, dtype=LINE),
            "raw": pd.Series(pd.arrays.ArrowExtensionArray(raw), dtype=RAW),
            "serial_key": pd.Series([f"M{number}" for number in numbers], dtype=TEXT),
            "day": pd.Series([date(2026, 11, 1)] * len(numbers), dtype=DAY),
        }
    )


def successor(line: int, *, came: int, device: int | None = None, of: int = 1) -> dict[str, object]:
    day = None if device is None else date(2026, 11, 1)
    return {
        "id": line_id(delivery=of, line=line),
        "delivery": 2,
        "line": came,
        "device": device,
        "day": day,
    }


def frame(*rows: dict[str, object]) -> pd.DataFrame:
    types = {"id": LINE, "delivery": LINE, "line": LINE, "device": LINE, "day": DAY}
    return pd.DataFrame(
        {
            name: pd.Series(pa.array([row[name] for row in rows], type=dtype.pyarrow_dtype), dtype=dtype)
            for name, dtype in types.items()
        }
    )


def end(store: Connection, chosen: endings.Chosen, *, state: LineState = LineState.DISMISSED) -> int:
    return endings.end(store, chosen, state=state, who="jana", reason="r", now=NOW, partner="anyone")


def states(store: Connection) -> dict[int, str]:
    rows = store.execute(text("select line, state from quarantine where delivery = 1 order by line"))
    return {row.line: row.state for row in rows}


def waits(store: Connection) -> tuple[int, int]:
    row = store.execute(text("select waiting, returned from delivery where id = 1")).one()
    return row.waiting, row.returned


@pytest.mark.parametrize(
    ("chosen", "ended"),
    [
        (endings.Chosen(1), [2, 3, 4, 5]),
        (endings.Chosen(1, code="unit.unknown"), [2, 3]),
        (endings.Chosen(1, lines=[3, 5, 9]), [3, 5]),
        (endings.Chosen(1, lines=[]), []),
        (endings.Chosen(1, lines=[2, 4], code="unit.unknown"), [2]),
        (endings.Chosen(1, nothing_but=frozenset({"reading.implausible-rise"})), [4, 5]),
        (endings.Chosen(2), []),
    ],
    ids=["all", "code", "lines", "no-lines", "lines-with-code", "nothing-but", "other-delivery"],
)
def test_lines_are_chosen_by_what_is_asked(
    store: Connection, chosen: endings.Chosen, ended: list[int]
) -> None:
    assert endings.numbers(store, chosen) == ended
    assert endings.count(store, chosen) == end(store, chosen) == len(ended)
    assert [line for line, state in states(store).items() if state == "dismissed"] == ended
    assert waits(store) == (4 - len(ended), 0)
    told = [one for one in events.of_delivery(store, delivery=1) if one["what"] == "quarantine.dismissed"]
    assert [one["line"] for one in told] == ended
    assert end(store, chosen) == 0, "each line ends once"


def test_warnings_do_not_keep_a_line_from_being_accepted(store: Connection) -> None:
    hint = findings_at(line=[9], code=Code.STATUS_UNKNOWN).assign(line=pd.Series([5], dtype=LINE))
    store.execute(text("delete from finding where line = 5"))
    findings.add(store, findings=hint, delivery=1)
    assert hint["severity"].tolist() == [Severity.WARNING.value]
    assert endings.numbers(store, endings.Chosen(1, nothing_but=frozenset())) == [5]


def test_what_was_changed_in_a_line_is_in_the_audit(store: Connection) -> None:
    endings.end(
        store,
        endings.Chosen(1, lines=[2]),
        state=LineState.CORRECTED,
        who="jana",
        reason="r",
        now=NOW,
        partner="anyone",
        rules="r2",
        cells={"Stav": ("x", "5"), "Datum": (None, "1.11.2026")},
    )
    [told] = [one for one in events.of_delivery(store, delivery=1) if one["line"] == 2]
    assert told["before"] == {"state": "open", "cells": {"Stav": "x", "Datum": None}}
    assert told["after"] == {"state": "corrected", "cells": {"Stav": "5", "Datum": "1.11.2026"}}
    ended = quarantine.find(store, line_id(delivery=1, line=2))
    assert ended is not None
    assert (ended.rules, ended.state, ended.resolved_at) == ("r2", "corrected", NOW)


def test_superseded_lines_name_what_came_in_their_place(store: Connection) -> None:
    end(store, endings.Chosen(1, lines=[3]), state=LineState.RETURNED)
    end(store, endings.Chosen(1, lines=[4]))
    rows = frame(
        successor(2, came=7, device=11), successor(3, came=8), successor(4, came=9), successor(77, came=9)
    )

    touched = successors.supersede(
        store, rows, who="delivery:2", reason="sent again", now=LATER, partner="anyone"
    )

    assert touched == (1,)
    assert states(store) == {2: "superseded", 3: "superseded", 4: "dismissed", 5: "open"}
    assert waits(store) == (1, 0)
    line = quarantine.find(store, line_id(delivery=1, line=2))
    assert line is not None
    assert (line.successor_delivery, line.successor_line) == (2, 7)
    assert (line.reading_device, line.reading_day, line.resolved_at) == (11, date(2026, 11, 1), LATER)
    told = [one for one in events.of_delivery(store, delivery=1) if one["what"] == "quarantine.superseded"]
    assert [(one["line"], one["before"], one["after"]) for one in told] == [
        (2, {"state": "open"}, {"state": "superseded", "successor": {"delivery": 2, "line": 7}}),
        (3, {"state": "returned"}, {"state": "superseded", "successor": {"delivery": 2, "line": 8}}),
    ]


def test_nobody_supersedes_another_partners_line(store: Connection) -> None:
    rows = frame(successor(2, came=7))
    assert successors.supersede(store, rows, who="w", reason="r", now=LATER, partner="other") == ()
    assert states(store)[2] == "open"


def test_keys_that_wait_are_those_of_earlier_deliveries_of_the_feed(store: Connection) -> None:
    end(store, endings.Chosen(1, lines=[3]), state=LineState.RETURNED)
    end(store, endings.Chosen(1, lines=[4]))
    store.execute(text("update quarantine set day = null where line = 5"))

    def keys(*, feed: str = "readings", before: int = 2, partner: str = "anyone") -> list[tuple[int, str]]:
        wanted = successors.wanted_from_partner(store, partner=partner, feed=feed, before=before)
        blocks = successors.keys_with_partner(store, partner=partner, feed=feed, before=before, at_once=1)
        found = [
            (key, meter)
            for block in blocks
            for key, meter in zip(block["id"], block["serial_key"], strict=True)
        ]
        assert wanted or not found
        return found

    assert keys() == [(line_id(delivery=1, line=2), "M2"), (line_id(delivery=1, line=3), "M3")]
    assert keys(feed="devices") == keys(before=1) == keys(partner="other") == []


def test_no_correction_is_wanted_once_all_lines_are_ended(store: Connection) -> None:
    end(store, endings.Chosen(1), state=LineState.RETURNED)
    assert successors.wanted_from_partner(store, partner="anyone", feed="readings", before=2)
    rows = frame(*(successor(line, came=line) for line in (2, 3, 4, 5)))
    successors.supersede(store, rows, who="w", reason="r", now=LATER, partner="anyone")
    assert not successors.wanted_from_partner(store, partner="anyone", feed="readings", before=2)


def test_lines_set_aside_anew_keep_their_row_and_new_ones_get_one(store: Connection) -> None:
    end(store, endings.Chosen(1, lines=[3]))
    again = lines([2, 3, 6]).assign(serial_key=pd.Series(["N2", "N3", "N6"], dtype=TEXT))
    anew.set_aside(store, rows=again, delivery=1, rules="r2", register_version=3)

    rows = store.execute(
        text(
            "select line, state, serial_key, fingerprint from quarantine join rule_set on rule_set.id = rule_set "
            "order by line"
        )
    ).all()
    assert [tuple(row) for row in rows] == [
        (2, "open", "N2", "r2"),
        (3, "dismissed", "N3", "r2"),
        (4, "open", "M4", "r1"),
        (5, "open", "M5", "r1"),
        (6, "open", "N6", "r2"),
    ]
    assert waits(store) == (4, 0)
    assert anew.open_lines(store, delivery=1).tolist() == [2, 4, 5, 6]


def test_returned_lines_wait_again_with_their_delivery(store: Connection) -> None:
    end(store, endings.Chosen(1, lines=[2, 3]), state=LineState.RETURNED)
    end(store, endings.Chosen(1, lines=[4]))
    anew.reopen(store, delivery=1)
    assert states(store) == {2: "open", 3: "open", 4: "dismissed", 5: "open"}
    assert waits(store) == (3, 0)
    line = quarantine.find(store, line_id(delivery=1, line=2))
    assert line is not None
    assert (line.resolved_by, line.reason, line.version) == (None, None, 2)
