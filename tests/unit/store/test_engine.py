"""Transactions that begin at once, a database that keeps the line law, and errors that tell no secrets."""

import json
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import IntegrityError, NoResultFound

from meterdrop.logs import to_stderr
from meterdrop.model.delivery import LineCounts
from meterdrop.model.errors import StopAtStart, TryAgain
from meterdrop.store import deliveries
from meterdrop.store.engine import make_engine, reading_from, writing
from meterdrop.store.schema import delivery, partner
from tests.homes import SQLITE
from tests.postgres import Server

_TIMES = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
COUNTS = ("physical", "header", "accepted", "quarantined", "duplicate", "blank", "comment", "continuation")


def url_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def insert(engine: Engine, **values: object) -> None:
    told = {
        "upload": "U1",
        "partner": "anyone",
        "path": "incoming/r.csv",
        "file": "r.csv",
        "bytes": 1,
        "sha256": "0" * 64,
        "received_at": "2026-11-24T08:00:00.000000Z",
        "state": "received",
    } | values
    names = ", ".join(told)
    marks = ", ".join(f":{name}" for name in told)
    with writing(engine) as store:
        store.execute(text(f"insert into delivery ({names}) values ({marks})"), told)  # noqa: S608 - a test's names


@pytest.mark.only_on("sqlite")
def test_write_transaction_begins_at_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that began as a reader could fail half-way; ours waits at its start or is told to try again."""
    monkeypatch.setattr("meterdrop.store.engine._BUSY_MS", 20)
    monkeypatch.setattr("meterdrop.store.engine._TURN_SECONDS", 0.02)
    url = str(engine.url)
    with (
        writing(make_engine(url)),  # has not written anything yet
        pytest.raises(TryAgain, match="database is locked"),
        writing(make_engine(url)),
    ):
        pytest.fail("two writers at once")


def test_reader_sees_one_view_and_holds_up_no_writer(engine: Engine) -> None:
    with reading_from(engine) as reader:
        before = reader.execute(select(partner.c.name).where(partner.c.id == "anyone")).scalar_one()
        with writing(engine) as writer:
            writer.execute(text("update partner set name = 'changed' where id = 'anyone'"))
        after = reader.execute(select(partner.c.name).where(partner.c.id == "anyone")).scalar_one()
    assert (before, after) == ("anyone", "anyone")
    with reading_from(engine) as reader:
        assert (
            reader.execute(select(partner.c.name).where(partner.c.id == "anyone")).scalar_one() == "changed"
        )


def test_transaction_that_fails_leaves_nothing(engine: Engine) -> None:
    def change(store: Connection) -> None:
        store.execute(text("update partner set name = 'changed'"))
        deliveries.get(store, 99)

    with pytest.raises(NoResultFound), writing(engine) as store:
        change(store)
    with reading_from(engine) as store:
        assert set(store.execute(select(partner.c.name)).scalars()) == {"anyone", "other"}


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 30000)],
)
def test_sqlite_is_set_to_lose_nothing(engine: Engine, pragma: str, value: object) -> None:
    with reading_from(engine) as store:
        assert store.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value


def test_writer_killed_in_its_transaction_leaves_the_database_free_and_whole(engine: Engine) -> None:
    program = (
        "import os, signal, sys\n"
        "from sqlalchemy import text\n"
        "from meterdrop.store.engine import make_engine, writing\n"
        "with writing(make_engine(sys.argv[1])) as store:\n"
        "    store.execute(text(\"update partner set name = 'changed'\"))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, url_of(engine)], check=False)
    assert killed.returncode == -9
    with writing(engine) as store:
        assert set(store.execute(select(partner.c.name)).scalars()) == {"anyone", "other"}


@given(st.lists(st.integers(min_value=0, max_value=5), min_size=8, max_size=8))
def test_database_keeps_the_line_law_exactly(counts: list[int]) -> None:
    """A row is taken if and only if every physical line is in exactly one place."""
    lines = LineCounts(**dict(zip(COUNTS, counts, strict=True)))
    database = sqlite3.connect(":memory:")
    law = next(str(one.sqltext) for one in delivery.constraints if str(one.name).endswith("line_law"))  # type: ignore[attr-defined]  # a CheckConstraint
    database.execute(f"create table delivery ({', '.join(COUNTS)}, check ({law}))")
    try:
        database.execute("insert into delivery values (?, ?, ?, ?, ?, ?, ?, ?)", counts)
        taken = True
    except sqlite3.IntegrityError:
        taken = False
    database.close()
    assert taken == lines.lawful()


def test_row_that_breaks_the_line_law_is_refused_by_the_migrated_database(engine: Engine) -> None:
    insert(engine, upload="U1", physical=3, header=1, accepted=1, quarantined=1)
    with pytest.raises(IntegrityError, match="line_law"):
        insert(engine, upload="U2", physical=3, header=1, accepted=1)
    with pytest.raises(IntegrityError, match="line_law"), writing(engine) as store:
        store.execute(text("update delivery set accepted = 2 where upload = 'U1'"))


@pytest.mark.parametrize("values", [{"state": "lost"}, {"partner": "nobody"}, {"upload": None}], ids=str)
def test_row_without_sense_is_refused(engine: Engine, values: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        insert(engine, **values)


@pytest.mark.only_on(SQLITE)
def test_duplicate_of_no_delivery_is_refused(engine: Engine) -> None:
    """On PostgreSQL no foreign key can ask for a delivery without its partner; there the tests look for orphans."""
    with pytest.raises(IntegrityError):
        insert(engine, duplicate_of=99)


def test_same_bytes_can_not_be_loaded_twice_for_one_partner_and_feed(engine: Engine) -> None:
    loaded = {"state": "accepted", "feed": "readings"}
    insert(engine, upload="U1", **loaded)
    insert(engine, upload="U2", **loaded | {"partner": "other"})
    insert(engine, upload="U3", **loaded | {"feed": "devices"})
    insert(engine, upload="U4", **loaded | {"state": "duplicate"})
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        insert(engine, upload="U5", **loaded | {"state": "partly_accepted"})


def test_error_never_tells_what_was_bound_to_the_statement(engine: Engine) -> None:
    with pytest.raises(IntegrityError) as refused:
        insert(engine, state="lost", path="incoming/secret-of-a-partner.csv")
    assert "secret-of-a-partner" not in str(refused.value)


def test_logged_error_tells_no_cells(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    """The frames of a traceback hold rows and keys: their variables stay out of the log."""
    to_stderr(verbose=True)
    try:
        insert(engine, state="lost", path="incoming/secret-of-a-partner.csv")
    except IntegrityError:
        structlog.get_logger().exception("drain.failed")
    structlog.reset_defaults()
    said = capsys.readouterr().err
    assert json.loads(said)["exception"][0]["exc_type"] == "IntegrityError"
    assert "secret-of-a-partner" not in said


@pytest.mark.parametrize(
    "url",
    [
        "",
        "meterdrop.db",
        "nosuch://u:s3cret@h/d",
        "postgresql+nodriver://u:s3cret@h/d",
        "postgresql://u:s3cret@h:s3cret/d",
        "postgresql://u:s@s3cret@h/d",
        "postgresql://u@h/d?s3cret=1&password=s3cret",
    ],
)
def test_url_that_is_none_stops_at_start_without_its_password(url: str) -> None:
    with pytest.raises(StopAtStart) as refused:
        make_engine(url)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:s3cret@127.0.0.1:9/d", "postgresql:///d?user=u&password=s3cret&host=127.0.0.1&port=9"],
)
def test_server_that_is_away_is_named_without_the_password(url: str) -> None:
    with (
        pytest.raises(TryAgain, match=r"127\.0\.0\.1.* did not answer") as away,
        reading_from(make_engine(url)),
    ):
        pytest.fail("nobody is there")
    assert "s3cret" not in str(away.value)


def test_database_in_a_folder_that_is_gone_means_try_again(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'gone' / 'meterdrop.db'}")
    with pytest.raises(TryAgain, match=r"meterdrop\.db did not answer"), reading_from(engine):
        pytest.fail("there is no such database")


def end_sessions(engine: Engine) -> None:
    """As when the server starts again."""
    other = make_engine(url_of(engine))
    with reading_from(other) as store:
        store.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    other.dispose()


@pytest.mark.only_on("postgresql")
def test_connection_that_died_while_it_rested_is_made_anew(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meterdrop.store.engine._SHORT_REST", 0.0)
    with reading_from(engine) as one, reading_from(engine) as another:
        assert [store.execute(text("SELECT 1")).scalar_one() for store in (one, another)] == [1, 1]
    end_sessions(engine)
    with reading_from(engine) as one, reading_from(engine) as another:
        assert [store.execute(text("SELECT 1")).scalar_one() for store in (one, another)] == [1, 1]


@pytest.mark.only_on("postgresql")
def test_connection_that_died_between_two_transactions_means_try_again_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meterdrop.store.engine._SHORT_REST", 3600.0)
    with reading_from(engine) as store:
        store.execute(text("SELECT 1"))
    end_sessions(engine)
    with pytest.raises(TryAgain), reading_from(engine) as store:
        store.execute(text("SELECT 1"))
    with reading_from(engine) as store:
        assert store.execute(text("SELECT 1")).scalar_one() == 1


@pytest.mark.parametrize(("asked", "idle"), [("", 10), ("?keepalives_idle=77", 77)])
def test_server_that_vanishes_is_noticed_within_half_a_minute(
    postgresql: Server, asked: str, idle: int
) -> None:
    """Asked of the system's own socket; who says otherwise in the URL is obeyed."""
    url = postgresql.database()
    engine = make_engine(url + asked)
    with reading_from(engine) as store:
        fileno = store.connection.driver_connection.fileno()  # type: ignore[union-attr]  # psycopg's
        with socket.fromfd(fileno, socket.AF_INET, socket.SOCK_STREAM) as ours:
            found = [ours.getsockopt(socket.IPPROTO_TCP, option) for option in _TIMES]
    engine.dispose()
    postgresql.drop(url)
    assert found == [idle, 5, 3, 30_000]


@pytest.mark.parametrize(
    ("servers", "ours"), [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")]
)
def test_what_is_committed_lasts_whatever_the_server_is_set_to(
    postgresql: Server, servers: str, ours: str
) -> None:
    url = postgresql.database()
    engine = make_engine(f"{url}?options=-c%20synchronous_commit%3D{servers}")
    asked = text("SELECT current_setting('synchronous_commit')")
    with writing(engine) as store:
        assert store.execute(asked).scalar_one() == ours
    with writing(engine, lasting=False) as store:
        assert store.execute(asked).scalar_one() == "off"
    engine.dispose()
    postgresql.drop(url)
