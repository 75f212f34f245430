"""What partners must be told waits in the database until it is in their folder."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine

from meterdrop.model.ticket import Ticket
from meterdrop.store import deliveries, outbox
from meterdrop.store.engine import writing

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture
def store(engine: Engine, ticket: Ticket) -> Iterator[Connection]:
    with writing(engine) as store:
        deliveries.add_received(store, ticket=ticket, now=NOW, feed=None)
        yield store


def put(store: Connection, name: str, *, content: bytes | None = None, blob: str | None = None) -> None:
    outbox.put(store, partner="anyone", delivery=1, name=name, now=NOW, content=content, blob=blob)


def test_letters_wait_in_the_order_they_were_asked_for_until_marked(store: Connection) -> None:
    put(store, "a", content=b"\x00\xff")
    put(store, "b", blob="f" * 64)
    put(store, "a")
    letters = outbox.unwritten(store, partner="anyone")
    assert [(one.name, one.content, one.blob, one.removes) for one in letters] == [
        ("a", b"\x00\xff", None, False),
        ("b", None, "f" * 64, False),
        ("a", None, None, True),
    ]
    outbox.mark_written(store, ids=[letters[0].id], now=NOW)
    assert [one.id for one in outbox.unwritten(store, partner="anyone")] == [letters[1].id, letters[2].id]
    assert outbox.count_unwritten(store) == 2


def test_empty_content_is_an_empty_file_and_no_removal(store: Connection) -> None:
    put(store, "a", content=b"")
    [letter] = outbox.unwritten(store, partner="anyone")
    assert (letter.content, letter.removes) == (b"", False)


def test_file_stands_until_it_is_taken_away(store: Connection) -> None:
    assert not outbox.stands(store, delivery=1, name="a")
    put(store, "a", content=b"x")
    assert outbox.stands(store, delivery=1, name="a")
    put(store, "a")
    assert not outbox.stands(store, delivery=1, name="a")
    put(store, "a", blob="f" * 64)
    assert outbox.stands(store, delivery=1, name="a")
    assert not outbox.stands(store, delivery=1, name="b")


def test_letters_of_others_are_for_others(store: Connection) -> None:
    put(store, "a", content=b"x")
    assert outbox.unwritten(store, partner="other") == ()
    assert outbox.partners_waiting(store) == ("anyone",)
