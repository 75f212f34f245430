"""Fixtures: an empty database of today's shape, and a ticket to put into it."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from meterdrop.model.ticket import Outcome, Ticket
from meterdrop.store import migrate, partners
from meterdrop.store.engine import make_engine, writing

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database made by the migrations, with the partners `anyone` and `other`; to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "meterdrop.db"
    engine = make_engine(f"sqlite:///{path}")
    migrate.upgrade(engine)
    with writing(engine) as store:
        for partner in ("other", "anyone"):  # a newcomer makes the registers of the others count as changed
            partners.add(store, id=partner, name=partner, group=2, now=NOW)
    engine.dispose()
    return path


@pytest.fixture
def engine(migrated: Path, tmp_path: Path) -> Iterator[Engine]:
    """A database of its own for one test."""
    path = tmp_path / "meterdrop.db"
    shutil.copyfile(migrated, path)
    made = make_engine(f"sqlite:///{path}")
    yield made
    made.dispose()


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
