"""Fixtures: an empty database of today's shape, and a ticket to put into it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine

from meterdrop.model.ticket import Outcome, Ticket
from meterdrop.settings import read_settings
from meterdrop.store import months, partners
from meterdrop.store.engine import make_engine, writing
from tests.homes import Homes

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture
def engine(homes: Homes, tmp_path: Path) -> Iterator[Engine]:
    """A database of its own for one test, of today's shape, with the partners `anyone` and `other`."""
    home = homes.copy(homes.kept("two-partners", partial(_with_partners, homes=homes)), tmp_path / "home")
    made = make_engine(read_settings(home).database_url)
    yield made
    made.dispose()


def _with_partners(home: Path, *, homes: Homes) -> None:
    engine = make_engine(read_settings(homes.make(home)).database_url)
    with writing(engine) as store:
        for partner in ("other", "anyone"):  # a newcomer makes the registers of the others count as changed
            partners.add(store, id=partner, name=partner, group=2, now=NOW)
        months.make(store, days=[date(2026, month, 1) for month in range(1, 13)])
    engine.dispose()


@pytest.fixture
def ticket() -> Ticket:
    """A finished upload of `anyone`."""
    return Ticket(
        upload="01M85NE16NB7Q7S2VSG3XJ82BT",
        partner="anyone",
        name="incoming/r.csv",
        outcome=Outcome.FINISHED,
        bytes=10,
        sha256="a" * 64,
        opened_at=NOW,
        finished_at=NOW,
    )
