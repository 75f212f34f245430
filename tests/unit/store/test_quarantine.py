"""Lines set aside: each is ended once, by whoever comes first."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import Connection, Engine, text

from meterdrop.model.codes import Code
from meterdrop.model.errors import TryAgain
from meterdrop.model.line_state import LineState
from meterdrop.model.ticket import Ticket
from meterdrop.store import deliveries, endings, findings, partners, quarantine
from meterdrop.store.engine import writing
from meterdrop.tables import LINE, RAW, findings_at

LINE_2 = quarantine.line_id(delivery=1, line=2)
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture
def store(engine: Engine, ticket: Ticket) -> Iterator[Connection]:
    """One delivery with the lines 2, 3 and 4 set aside; line 3 because its meter is not registered."""
    with writing(engine) as store:
        deliveries.add_received(store, ticket=ticket, now=NOW, feed=None)
        set_aside(store, [2, 3, 4])
        findings.add(store, findings=findings_at(line=[2, 4], code=Code.UNIT_UNKNOWN), delivery=1)
        findings.add(store, findings=findings_at(line=[3], code=Code.READING_NOT_IN_REGISTER), delivery=1)
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


def end(store: Connection, line: int, *, state: LineState) -> None:
    chosen = endings.Chosen(delivery=1, lines=[line])
    ended = endings.end(store, chosen, state=state, who="jana", reason="r", now=NOW, partner="anyone")
    assert ended == 1


def tried(
    store: Connection,
    *,
    rules: str | None = "r1",
    code: str | None = None,
    changed_only: bool = True,
    unit: str | None = None,
) -> list[int]:
    return quarantine.worth_trying(
        store,
        delivery=1,
        rules_now=rules,
        code=code,
        changed_only=changed_only,
        unit=unit,
    )


def test_bytes_are_kept_as_they_came(store: Connection) -> None:
    assert [line.raw for line in quarantine.listed(store)] == [b"raw\xff2", b"raw\xff3", b"raw\xff4"]


def test_what_another_reviewer_changed_meanwhile_is_told(store: Connection) -> None:
    """Two have the same line before them; the second one's act is not done."""
    seen = {2: 0, 3: 0}
    endings.refuse_changed(store, delivery=1, versions=seen)
    end(store, 2, state=LineState.DISMISSED)
    with pytest.raises(TryAgain, match="by someone else"):
        endings.refuse_changed(store, delivery=1, versions=seen)
    ended = quarantine.find(store, LINE_2)
    assert ended is not None
    assert (ended.state, ended.resolved_by, ended.reason, ended.version) == ("dismissed", "jana", "r", 1)


def test_line_changed_meanwhile_is_another_one_even_if_it_is_open(store: Connection) -> None:
    store.execute(text("update quarantine set version = version + 1 where line = 2"))
    with pytest.raises(TryAgain):
        endings.refuse_changed(store, delivery=1, versions={2: 0})


def test_nothing_is_worth_trying_while_nothing_changes(store: Connection) -> None:
    assert tried(store) == []


def test_grown_register_makes_lines_without_a_meter_worth_trying(store: Connection) -> None:
    partners.raise_register_version(store, "anyone")
    assert tried(store) == [3]
    quarantine.judged_again(store, ids=[LINE_2 + 1], rules="r1", register_version=1)
    assert tried(store) == [], "tried and still failing: not again until something changes"


def test_line_whose_meter_is_still_not_registered_is_not_tried(store: Connection) -> None:
    """A register that grew by ten meters must not stir a hundred thousand lines."""
    store.execute(text("update quarantine set serial_key = 'M1' where line = 3"))
    partners.raise_register_version(store, "anyone")
    assert tried(store) == []
    register_meter(store, serial="M2", radio="M1")
    assert tried(store) == [3], "known by its radio number now"


def test_line_that_fell_is_tried_once_its_meter_has_other_readings(store: Connection) -> None:
    store.execute(text("update quarantine set serial_key = 'M1' where line = 2"))
    store.execute(text("update finding set code = 'reading.below-previous' where line = 2"))
    register_meter(store, serial="M1", radio=None)
    partners.raise_version(store, "anyone")
    assert tried(store) == [], "the partner's readings changed, but not those of this meter"
    store.execute(
        text(
            "insert into reading (partner, device, day, value, canonical_value, canonical_unit, kind, estimated, "
            "serial, delivery, line) values ('anyone', 1, '2026-11-01', '1', '1', 'm3', 'RADIO', false, 'M1', 1, 9)"
        )
    )
    assert tried(store) == [2]
    quarantine.judged_again(store, ids=[LINE_2], rules="r1", register_version=0)
    assert tried(store) == []


@pytest.mark.parametrize(("serial", "radio"), [("M1", None), ("M2", "M1")])
def test_line_that_fell_is_tried_once_an_earlier_file_s_line_was_mended(
    store: Connection, ticket: Ticket, serial: str, radio: str | None
) -> None:
    """What is stored then came with an earlier delivery than the line; the line may call its meter by its radio."""
    register_meter(store, serial=serial, radio=radio)
    later = replace(ticket, upload="01J0000000000000000000000B", sha256="b" * 64)
    deliveries.add_received(store, ticket=later, now=NOW, feed=None)
    store.execute(
        text("update quarantine set id = 200000002, delivery = 2, serial_key = 'M1' where line = 2")
    )
    store.execute(text("update finding set delivery = 2, code = 'reading.below-previous' where line = 2"))
    partners.raise_version(store, "anyone")
    assert quarantine.worth_trying(store, delivery=2, rules_now="r1", code=None, changed_only=True) == []
    store.execute(text("update delivery set revision = 2 where id = 1"))
    store.execute(
        text(
            "insert into reading (partner, device, day, value, canonical_value, canonical_unit, kind, estimated, "
            "serial, delivery, line) values ('anyone', 1, '2026-11-01', '1', '1', 'm3', 'RADIO', false, 'M1', 1, 9)"
        )
    )
    assert quarantine.worth_trying(store, delivery=2, rules_now="r1", code=None, changed_only=True) == [2]


def test_line_without_a_unit_is_tried_once_the_register_changed(store: Connection) -> None:
    """Its meter may be an allocator by now, which needs none."""
    store.execute(text("update finding set code = 'cell.missing', \"column\" = 'Jednotka' where line = 2"))
    partners.raise_register_version(store, "anyone")
    assert 2 not in tried(store, unit="Stav"), "a missing value is missing whatever the register says"
    assert 2 in tried(store, unit="Jednotka")


def register_meter(store: Connection, *, serial: str, radio: str | None) -> None:
    store.execute(
        text(
            "insert into device (partner, serial, serial_key, radio, radio_key, media, location, room, seq, "
            "correction, role, seen_on, delivery, line) values "
            "('anyone', :serial, :serial, :radio, :radio, 'CW', 'L', 'R', 1, '1', 'UNIT', '2026-01-01', 1, 1)"
        ),
        {"serial": serial, "radio": radio},
    )


def test_other_partners_register_changes_nothing(store: Connection) -> None:
    partners.raise_register_version(store, "other")
    assert tried(store) == []


def test_other_rules_make_every_line_worth_trying(store: Connection) -> None:
    assert tried(store, rules="r2") == [2, 3, 4]


def test_lines_of_a_feed_that_is_gone_are_worth_trying(store: Connection) -> None:
    """Somebody should hear that they can't be judged any more."""
    assert tried(store, rules=None) == [2, 3, 4]


def test_code_that_is_named_is_tried_though_nothing_changed(store: Connection) -> None:
    assert tried(store, changed_only=False) == [2, 3, 4]
    assert tried(store, code="unit.unknown", changed_only=False) == [2, 4]


@pytest.mark.parametrize(
    ("chosen", "waiting"),
    [
        ({}, [1]),
        ({"partner": "other"}, []),
        ({"feed": "devices"}, []),
        ({"key": 1}, [1]),
        ({"key": 2}, []),
        ({"since": NOW}, [1]),
        ({"since": datetime(2026, 11, 25, tzinfo=UTC)}, []),
    ],
    ids=str,
)
def test_deliveries_with_open_lines_are_found_by_what_is_named(
    store: Connection, chosen: dict[str, object], waiting: list[int]
) -> None:
    filters = dict.fromkeys(("partner", "feed", "key", "since")) | chosen
    assert [one.id for one in deliveries.that_wait(store, **filters)] == waiting


def test_delivery_knows_how_many_of_its_lines_wait(store: Connection) -> None:
    """Kept beside them, so that `status` need not count a million lines."""
    end(store, 2, state=LineState.DISMISSED)
    assert store.execute(text("select waiting, returned from delivery where id = 1")).one() == (2, 0)
    end(store, 3, state=LineState.RETURNED)
    assert store.execute(text("select waiting, returned from delivery where id = 1")).one() == (1, 1)
    assert len(quarantine.listed(store)) == 1


def test_ended_line_is_never_tried(store: Connection) -> None:
    end(store, 3, state=LineState.DISMISSED)
    assert tried(store, changed_only=False) == [2, 4]


def test_partner_gets_back_what_is_open_or_returned(store: Connection) -> None:
    end(store, 2, state=LineState.RETURNED)
    end(store, 3, state=LineState.DISMISSED)
    [block] = quarantine.waiting(store, delivery=1)
    assert block["line"].tolist() == [2, 4]
    assert block["raw"].tolist() == [b"raw\xff2", b"raw\xff4"]


def test_more_lines_than_a_statement_can_name_are_judged_again(store: Connection) -> None:
    """SQLite takes 32,766 values by default in one statement; a register that never came sets more lines aside."""
    many = list(range(10, 40_010))
    set_aside(store, many)
    findings.add(store, findings=findings_at(line=many, code=Code.UNIT_UNKNOWN), delivery=1)
    ids = [line.id for line in quarantine.listed(store, delivery=1)]
    quarantine.judged_again(store, ids=ids, rules="r9", register_version=9)
    quarantine.drop_findings(store, delivery=1, lines=many)
    assert {line.rules for line in quarantine.listed(store)} == {"r9"}
    assert findings.counts_by_code(store, delivery=1) == {
        Code.READING_NOT_IN_REGISTER.value: 1,
        Code.UNIT_UNKNOWN.value: 2,
    }
