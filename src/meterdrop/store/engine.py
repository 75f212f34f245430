"""How do we reach the database? One engine, write transactions that begin at once, and busy told as `TryAgain`."""

from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import Connection as SqliteConnection
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from meterdrop.model.errors import TryAgain

_WRITES: Final = "meterdrop_writes"
_BUSY_MS: Final = 30_000


def make_engine(url: str) -> Engine:
    """An engine for SQLite (WAL, full sync, foreign keys on) or PostgreSQL."""
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: SqliteConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we begin ourselves, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction: all of it or nothing. `TryAgain` if the database is away or stays busy."""
    try:
        with engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection
    except OperationalError as error:
        raise TryAgain(f"the database did not answer in time: {_first_line(error)}") from error


@contextmanager
def reading_from(engine: Engine) -> Iterator[Connection]:
    """One consistent view of the database, without holding up writers."""
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    except OperationalError as error:
        raise TryAgain(f"the database did not answer in time: {_first_line(error)}") from error


def _first_line(error: OperationalError) -> str:
    return str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
