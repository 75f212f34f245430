"""A delivery moves only as the table of moves allows, and is found again by what it is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import Connection, Engine, text

from meterdrop.model.delivery import MOVES, LineCounts, State, may_move
from meterdrop.model.errors import TryAgain
from meterdrop.model.ticket import Outcome, Ticket
from meterdrop.store import deliveries
from meterdrop.store.deliveries import Judgement
from meterdrop.store.engine import writing

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
TICKET = Ticket(
    upload="01M85NE16NB7Q7S2VSG3XJ82BT",
    partner="anyone",
    name="incoming/r.csv",
    outcome=Outcome.FINISHED,
    bytes=10,
    sha256="a" * 64,
    opened_at=NOW,
    finished_at=NOW,
)


@pytest.fixture
def store(engine: Engine) -> Iterator[Connection]:
    with writing(engine) as store:
        yield store


def received(store: Connection, number: int = 1, **changes: object) -> int:
    ticket = replace(TICKET, upload=f"01M85NE16NB7Q7S2VSG3XJ82{number:02d}", **changes)  # type: ignore[arg-type]  # of a ticket's fields
    key = deliveries.add_received(store, ticket=ticket, now=NOW, feed=None)
    assert key is not None
    return key


def put_into(store: Connection, key: int, state: State, feed: str | None = None) -> None:
    store.execute(
        text("update delivery set state = :state, feed = :feed where id = :key"),
        {"state": state.value, "feed": feed, "key": key},
    )


@pytest.mark.parametrize(
    ("old", "new"), [(old, new) for old, new in product(State, State) if not may_move(old=old, new=new)]
)
def test_move_that_is_not_in_the_table_is_refused(store: Connection, old: State, new: State) -> None:
    key = received(store)
    put_into(store, key, old)
    before = deliveries.get(store, key)
    with pytest.raises(ValueError, match=f"{old} can't become {new}"):
        deliveries.settle(
            store,
            delivery_before=before,
            judgement=Judgement(state=new, lines=LineCounts(), findings_by_code={}),
            now=NOW,
        )
    if new is State.LOADING:
        with pytest.raises(TryAgain, match="nothing to load"):
            deliveries.begin(store, key=key)
    assert deliveries.get(store, key) == before


@pytest.mark.parametrize(
    ("old", "new"), [(old, new) for old, moves in MOVES.items() for new in sorted(moves)]
)
def test_move_of_the_table_is_made(store: Connection, old: State, new: State) -> None:
    key = received(store)
    put_into(store, key, old)
    lines = LineCounts(physical=3, header=1, accepted=2)
    moved = deliveries.settle(
        store,
        delivery_before=deliveries.get(store, key),
        judgement=Judgement(state=new, lines=lines, findings_by_code={"a": 1}, feed="readings"),
        now=NOW,
    )
    assert (moved.state, moved.lines, moved.feed, moved.revision) == (new, lines, "readings", 1)


def test_every_state_has_its_moves() -> None:
    assert set(MOVES) == set(State)


def test_delivery_settled_by_someone_else_is_not_settled_again(store: Connection) -> None:
    key = received(store)
    stale = deliveries.begin(store, key=key)
    judgement = Judgement(state=State.REFUSED, lines=LineCounts(), findings_by_code={})
    deliveries.begin(store, key=key)  # another worker took over
    with pytest.raises(TryAgain, match="by someone else"):
        deliveries.settle(store, delivery_before=stale, judgement=judgement, now=NOW)
    assert deliveries.get(store, key).state is State.LOADING


def test_attempt_is_counted_each_time_loading_begins(store: Connection) -> None:
    key = received(store)
    assert [deliveries.begin(store, key=key).attempts for _ in range(3)] == [1, 2, 3]


def test_ticket_that_comes_twice_is_one_delivery(store: Connection) -> None:
    first = deliveries.add_received(store, ticket=TICKET, now=NOW, feed=None)
    assert first is not None
    assert deliveries.add_received(store, ticket=TICKET, now=NOW, feed=None) is None
    assert len(deliveries.listed(store)) == 1


def test_incomplete_upload_is_settled_at_once(store: Connection) -> None:
    key = received(store, outcome=Outcome.INCOMPLETE)
    told = deliveries.get(store, key)
    assert (told.state, told.finished_at) == (State.INCOMPLETE, NOW)
    assert deliveries.first_unfinished(store, partner="anyone") is None


def test_deliveries_are_loaded_in_order_of_arrival(store: Connection) -> None:
    """Not in the order in which we happened to see them."""
    late = received(store, 1, finished_at=NOW + timedelta(seconds=2))
    early = received(store, 2, finished_at=NOW)
    between = received(store, 3, finished_at=NOW + timedelta(seconds=1))
    received(store, 4, partner="other", finished_at=NOW - timedelta(days=1))
    put_into(store, between, State.LOADING)
    assert set(deliveries.partners_with_work(store)) == {"anyone", "other"}
    for key in (early, between, late):
        assert deliveries.first_unfinished(store, partner="anyone") == (key, TICKET.bytes)
        put_into(store, key, State.REFUSED)
    assert deliveries.first_unfinished(store, partner="anyone") is None


@pytest.mark.parametrize("state", State)
def test_same_bytes_are_those_of_a_delivery_that_was_loaded(store: Connection, state: State) -> None:
    earlier, later = received(store, 1), received(store, 2)
    put_into(store, earlier, state, feed="readings")
    found = deliveries.same_bytes(store, of=deliveries.get(store, later), feed="readings", rules="now")
    counts = state in (State.ACCEPTED, State.PARTLY_ACCEPTED)
    assert (None if found is None else found.id) == (earlier if counts else None)


@pytest.mark.parametrize(("judged_by", "counts"), [("now", True), ("before", False)])
def test_held_bytes_count_while_the_rules_are_the_same(
    store: Connection, judged_by: str, counts: bool
) -> None:
    earlier, later = received(store, 1), received(store, 2)
    put_into(store, earlier, State.HELD, feed="readings")
    store.execute(text("update delivery set rules = :rules"), {"rules": judged_by})
    found = deliveries.same_bytes(store, of=deliveries.get(store, later), feed="readings", rules="now")
    assert (None if found is None else found.id) == (earlier if counts else None)


@pytest.mark.parametrize("change", [{"partner": "other"}, {"sha256": "b" * 64}], ids=str)
def test_other_partner_or_other_bytes_are_no_duplicate(store: Connection, change: dict[str, str]) -> None:
    earlier, later = received(store, 1), received(store, 2, **change)
    put_into(store, earlier, State.ACCEPTED, feed="readings")
    assert deliveries.same_bytes(store, of=deliveries.get(store, later), feed="readings", rules="now") is None


def test_other_feed_is_no_duplicate(store: Connection) -> None:
    earlier, later = received(store, 1), received(store, 2)
    put_into(store, earlier, State.ACCEPTED, feed="readings")
    assert deliveries.same_bytes(store, of=deliveries.get(store, later), feed="devices", rules="now") is None


@pytest.mark.parametrize("name", ["1", "000000000001", "01M85NE16NB7Q7S2VSG3XJ8201"])
def test_delivery_is_found_by_number_and_by_upload(store: Connection, name: str) -> None:
    found = deliveries.find(store, name) if received(store) == 1 else None
    assert found is not None
    assert found.id == 1


@pytest.mark.parametrize("name", ["", "2", "-1", "1 or 1=1", "9" * 40, "¹", "nowhere"])
def test_name_that_is_no_delivery_finds_none(store: Connection, name: str) -> None:
    received(store)
    assert deliveries.find(store, name) is None
