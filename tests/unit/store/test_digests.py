"""A day's sums are of that day, of that partner, and nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, insert, update

from meterdrop.model.ticket import Ticket
from meterdrop.store import deliveries, digests, events
from meterdrop.store.engine import writing
from meterdrop.store.schema import delivery, device, quarantine, reading_history
from tests.unit.store.test_reports import set_aside

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
START, END = datetime(2026, 11, 23, 23, 0, tzinfo=UTC), datetime(2026, 11, 24, 23, 0, tzinfo=UTC)


@pytest.fixture
def store(engine: Engine, ticket: Ticket) -> Iterator[Connection]:
    """Delivery 1 of `anyone` came at eight, delivery 2 the day before, delivery 3 of `other` at the day's first moment."""
    with writing(engine) as store:
        for number, (partner, came) in enumerate(
            [("anyone", NOW), ("anyone", START - timedelta(microseconds=1)), ("other", START)], start=1
        ):
            one = replace(ticket, upload=f"U{number}", partner=partner, finished_at=came)
            deliveries.add_received(store, ticket=one, now=NOW, feed=None)
        store.execute(
            update(delivery)
            .where(delivery.c.id == 1)
            .values(physical=3, header=1, quarantined=2, findings_by_code={"unit.unknown": 2})
        )
        yield store


def came(store: Connection, partner: str | None = None) -> list[tuple[str, str]]:
    arrived = digests.arrived(store, start=START, end=END, partner=partner)
    return [(one.partner, one.summary.delivery) for one in arrived]


def test_deliveries_are_those_of_the_day_up_to_but_not_its_end(store: Connection) -> None:
    assert came(store) == [("other", "000000000003"), ("anyone", "000000000001")]
    assert came(store, "anyone") == [("anyone", "000000000001")]
    store.execute(update(delivery).where(delivery.c.id == 1).values(received_at=END))
    assert came(store, "anyone") == []


def test_a_delivery_has_its_counts(store: Connection) -> None:
    [one] = digests.arrived(store, start=START, end=END, partner="anyone")
    assert (one.lines.physical, one.lines.header, one.lines.quarantined) == (3, 1, 2)
    assert one.findings_by_code == {"unit.unknown": 2}
    assert (one.summary.file, one.summary.state, one.summary.quarantined) == ("r.csv", "received", 2)


def test_open_lines_are_counted_and_the_oldest_is_named(store: Connection) -> None:
    """Oldest by when it came, not by its number."""
    set_aside(store, [2, 5])
    assert digests.open_lines(store, partner=None) == {"anyone": 2}
    store.execute(update(quarantine).where(quarantine.c.line == 2).values(state="dismissed"))
    store.execute(update(delivery).where(delivery.c.id == 1).values(waiting=1))
    oldest = digests.oldest_open(store, partner="anyone")
    assert oldest is not None
    assert (oldest.delivery, oldest.line, oldest.since) == ("000000000001", 5, NOW)
    assert digests.open_lines(store, partner="anyone") == {"anyone": 1}
    assert digests.oldest_open(store, partner="other") is None


def test_acts_are_counted_on_the_day_they_were_done(store: Connection) -> None:
    def act(what: str, at: datetime, line: int, partner: str = "anyone") -> None:
        events.tell(store, at=at, who="jana", what=what, partner=partner, delivery=2, line=line)

    act("quarantine.corrected", START, 2)
    act("quarantine.corrected", NOW, 3)
    act("quarantine.dismissed", NOW, 4)
    act("quarantine.dismissed", END, 5)
    act("quarantine.returned", NOW, 2, partner="other")
    act("delivery.accepted", NOW, 2)
    done = {"quarantine.corrected": 2, "quarantine.dismissed": 1}
    assert digests.acts(store, start=START, end=END, partner=None) == {
        "anyone": done,
        "other": {"quarantine.returned": 1},
    }
    assert digests.acts(store, start=START, end=END, partner="anyone") == {"anyone": done}


def test_replaced_readings_are_counted_on_the_day_they_were_replaced(store: Connection) -> None:
    meter = {
        "id": 1,
        "partner": "anyone",
        "serial": "1",
        "serial_key": "1",
        "media": "CW",
        "location": "A",
        "room": "hall",
        "seq": 1,
        "correction": Decimal(1),
        "role": "UNIT",
        "seen_on": date(2026, 1, 1),
        "delivery": 1,
        "line": 2,
    }
    store.execute(insert(device).values(meter))
    for number, at in enumerate([START, NOW, END], start=1):
        was = {
            "partner": "anyone",
            "device": 1,
            "day": date(2026, 10, number),
            "value": "1",
            "canonical_value": Decimal(1),
            "canonical_unit": "m3",
            "kind": "RADIO",
            "estimated": False,
            "serial": "1",
            "delivery": 1,
            "line": 2,
            "superseded_at": at,
            "who": "delivery:2",
            "why": "reading.correction",
        }
        store.execute(insert(reading_history).values(was))
    assert digests.corrections(store, start=START, end=END, partner=None) == {"anyone": 2}
    assert digests.corrections(store, start=START, end=END, partner="other") == {}


def test_when_a_partner_was_last_heard_of_is_told_as_of_a_moment(store: Connection) -> None:
    assert digests.last_received(store, before=END, partner="anyone") == {"anyone": NOW}
    assert digests.last_received(store, before=NOW, partner="anyone") == {
        "anyone": START - timedelta(microseconds=1)
    }


@pytest.mark.only_on("sqlite")
def test_a_day_is_looked_up_and_not_walked_to(store: Connection) -> None:
    """Acts and replaced readings grow for years; one day of them is found by its time."""
    asked: list[tuple[str, Any]] = []
    event.listen(store, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
    digests.acts(store, start=START, end=END, partner="anyone")
    digests.corrections(store, start=START, end=END, partner=None)
    plans = [
        store.exec_driver_sql(f"explain query plan {statement}", bound).all()[0].detail
        for statement, bound in list(asked)
    ]
    assert plans == [
        "SEARCH event USING INDEX ix_event_at (at>? AND at<?)",
        "SEARCH reading_history USING INDEX ix_reading_history_superseded_at (superseded_at>? AND superseded_at<?)",
    ]
