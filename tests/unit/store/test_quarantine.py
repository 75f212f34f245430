"""Lines set aside: each is ended once, by whoever comes first."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import Connection, Engine, text

from meterdrop.model.codes import Code
from meterdrop.model.errors import TryAgain
from meterdrop.model.ticket import Ticket
from meterdrop.store import deliveries, findings, partners, quarantine
from meterdrop.store.engine import writing
from meterdrop.tables import LINE, RAW, findings_at

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
    quarantine.add(
        store, rows=rows, delivery=1, partner_id="anyone", feed="readings", rules="r1", register_version=0
    )


def tried(
    store: Connection,
    chosen: Mapping[str, object] | None = None,
    *,
    rules: str = "r1",
    changed_only: bool = True,
) -> list[int]:
    filters = dict.fromkeys(("partner_id", "feed", "delivery", "code", "since")) | dict(chosen or {})
    found = quarantine.worth_trying(
        store,
        register_codes=[Code.READING_NOT_IN_REGISTER.value],
        rules_now=[rules],
        changed_only=changed_only,
        **filters,
    )
    return found.get(1, [])


def test_bytes_are_kept_as_they_came(store: Connection) -> None:
    assert [line.raw for line in quarantine.listed(store)] == [b"raw\xff2", b"raw\xff3", b"raw\xff4"]


def test_second_to_end_a_line_is_told(store: Connection) -> None:
    """Two reviewers have the same line before them; the second one's act is not done."""
    line = quarantine.find(store, 1)
    assert line is not None
    quarantine.resolve(store, lines=[line], state="dismissed", who="jana", reason="first", now=NOW)
    with pytest.raises(TryAgain, match="by someone else"):
        quarantine.resolve(store, lines=[line], state="returned", who="petr", reason="second", now=NOW)
    ended = quarantine.find(store, 1)
    assert ended is not None
    assert (ended.state, ended.resolved_by, ended.reason, ended.version) == ("dismissed", "jana", "first", 1)


def test_line_changed_meanwhile_is_not_ended_even_if_it_is_open_again(store: Connection) -> None:
    line = quarantine.find(store, 1)
    assert line is not None
    store.execute(text("update quarantine set version = version + 1 where id = 1"))
    with pytest.raises(TryAgain):
        quarantine.resolve(store, lines=[line], state="dismissed", who="jana", reason="r", now=NOW)


def test_nothing_is_worth_trying_while_nothing_changes(store: Connection) -> None:
    assert tried(store) == []


def test_grown_register_makes_lines_without_a_meter_worth_trying(store: Connection) -> None:
    partners.raise_register_version(store, "anyone")
    assert tried(store) == [3]
    quarantine.judged_again(store, ids=[2], rules="r1", register_version=1)
    assert tried(store) == [], "tried and still failing: not again until something changes"


def test_other_partners_register_changes_nothing(store: Connection) -> None:
    partners.raise_register_version(store, "other")
    assert tried(store) == []


def test_other_rules_make_every_line_worth_trying(store: Connection) -> None:
    assert tried(store, rules="r2") == [2, 3, 4]


@pytest.mark.parametrize(
    ("chosen", "lines"),
    [
        ({}, [2, 3, 4]),
        ({"code": "unit.unknown"}, [2, 4]),
        ({"partner_id": "other"}, []),
        ({"feed": "devices"}, []),
        ({"delivery": 1}, [2, 3, 4]),
        ({"delivery": 2}, []),
        ({"since": NOW}, [2, 3, 4]),
        ({"since": datetime(2026, 11, 25, tzinfo=UTC)}, []),
    ],
    ids=str,
)
def test_what_is_named_is_tried(store: Connection, chosen: dict[str, object], lines: list[int]) -> None:
    assert tried(store, chosen, changed_only=False) == lines


def test_ended_line_is_never_tried(store: Connection) -> None:
    line = quarantine.find(store, 2)
    assert line is not None
    quarantine.resolve(store, lines=[line], state="dismissed", who="jana", reason="r", now=NOW)
    assert tried(store, changed_only=False) == [2, 4]


def test_partner_gets_back_what_is_open_or_returned(store: Connection) -> None:
    for key, state in ((1, "returned"), (2, "dismissed")):
        line = quarantine.find(store, key)
        assert line is not None
        quarantine.resolve(store, lines=[line], state=state, who="jana", reason="r", now=NOW)
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
