"""How do we reach the database? One engine, write transactions that begin at once, busy or away told as `TryAgain`."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from sqlite3 import connect, register_adapter
from time import monotonic
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    InterfaceError,
    InvalidatePoolError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from sqlalchemy.pool import ConnectionPoolEntry

from meterdrop.model.errors import StopAtStart, TryAgain
from meterdrop.store.turns import turn

Failure = TypeVar("Failure", bound=BaseException)

_WRITES: Final = "meterdrop_writes"
_LASTS: Final = "meterdrop_lasts"
_OPEN_OPTIONS: Final = frozenset({"host", "port", "user", "dbname", "sslmode"})
"""Of a URL's options those that may be told."""
_RESTS_SINCE: Final = "meterdrop_rests_since"
_SHORT_REST: Final = 1.0
"""Seconds in which a server hardly goes away; if one does, what was begun is tried again."""
_BUSY_MS: Final = 30_000
_TURN_SECONDS: Final = 120
_BAD_CELL: Final = "22"
"""The class of PostgreSQL's errors that quote a cell in their first line."""
_READ_ONLY: Final = "25006"
"""PostgreSQL's word for a write to a server that only follows another one, as in the middle of a fail-over."""
_CHECK: Final = "23514"
"""PostgreSQL's word for a row against a CHECK; against none in particular, for a row that has no partition."""
_NOTICE_SOON: Final = (
    "SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false), "
    "set_config('tcp_keepalives_count', '3', false)"
)
_LAST: Final = (
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)
"""What is told to be stored outlives a crash of the server, whatever its own setting is."""
_NOTICE_TOO: Final = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""By these libpq notices within half a minute that the server's machine is gone."""
_ONE_VIEW: Final = "REPEATABLE READ"
"""What a reader on PostgreSQL needs so that all its statements see the same; on SQLite each transaction does."""


def make_engine(url: str) -> Engine:
    """An engine for SQLite (WAL, full sync, foreign keys on) or PostgreSQL; `StopAtStart` if the URL is no good.

    Neither the URL nor what is bound to a statement is ever told in an error: passwords and cells are no one's business.
    `postgresql://` means the driver that we bring, psycopg.
    """
    try:
        named = make_url(url)
        if named.drivername in ("postgresql", "postgres"):
            named = named.set(drivername="postgresql+psycopg")
        if "@" in (named.host or ""):
            raise ValueError("a password with an @ in it, of which a part would be taken for the host")
        if named.get_backend_name() == "postgresql":
            named = named.update_query_dict({**_NOTICE_TOO, **named.query})
        engine = create_engine(named, hide_parameters=True)
    except ModuleNotFoundError as error:
        raise StopAtStart(
            [f"the database URL needs the package {error.name!r}, which is not installed"]
        ) from None
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise StopAtStart(
            [
                "the database URL can't be read: write it as sqlite:////path/meterdrop.db or "
                "postgresql+psycopg://user:password@host/name (with %40 for @ in a password)"
            ]
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        _check_options(engine)
        event.listen(engine, "connect", _prepare_postgresql)
        event.listen(engine, "checkin", _rest)
        event.listen(engine, "checkout", partial(_wake, engine))
        event.listen(engine, "handle_error", _tell_no_cells)
    return engine


def _check_options(engine: Engine) -> None:
    from psycopg import ProgrammingError

    try:
        address(engine)
    except ProgrammingError:
        raise StopAtStart(
            ["the database URL has an option behind its ? that PostgreSQL does not know: is it misspelt?"]
        ) from None


def _shown(url: URL) -> str:
    """Where the database is, without what is secret: a password may stand among the options, too."""
    open_ = {name: words for name, words in url.query.items() if name in _OPEN_OPTIONS}
    return url.set(query=open_).render_as_string(hide_password=True)


def _tell_no_cells(context: ExceptionContext) -> None:
    """PostgreSQL tells the row that it refuses, or the cell that it can't read: that stays out of errors and logs."""
    told = without_cells(context.original_exception)
    if context.sqlalchemy_exception is not None:
        context.sqlalchemy_exception.args = (f"({type(told).__name__}) {told}",)


def without_cells(told: Failure) -> Failure:
    """The driver's error with its first line only, and not even that if it quotes a cell."""
    state = getattr(told, "sqlstate", None)
    if state is not None:
        quotes = state.startswith(_BAD_CELL)
        told.args = ("a cell that the database refuses" if quotes else str(told).partition("\n")[0],)
    return told


def _prepare_postgresql(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """What is committed lasts. And the server notices within half a minute that our machine is gone, and lets go."""
    cursor = connection.cursor()
    cursor.execute(_LAST)
    cursor.execute(_NOTICE_SOON)
    cursor.close()
    connection.commit()


def _rest(_connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    entry.info[_RESTS_SINCE] = monotonic()


def _wake(engine: Engine, connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: Any) -> None:  # noqa: ANN401 - unused
    """A connection that rested is asked whether its server is there still; all that did are made anew if it isn't.

    To ask each time would take a fifth of all that goes to and fro for a small file.
    """
    if monotonic() - entry.info.get(_RESTS_SINCE, monotonic()) < _SHORT_REST:
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError from error


def _prepare_sqlite(connection: SqliteConnection, _entry: ConnectionPoolEntry) -> None:
    # For each None the driver looks for an adapter; to find one that says None takes half the time of finding none.
    register_adapter(type(None), {None: None}.get)
    connection.isolation_level = None  # we begin ourselves, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    writes = options.get(_WRITES, False)
    if writes:
        _sync_sqlite(connection, "FULL" if options.get(_LASTS, True) else "NORMAL")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _sync_sqlite(connection: Connection, how: str) -> None:
    """FULL waits for the disk at each commit, NORMAL leaves that to the next one that does."""
    if connection.info.get(_LASTS, "FULL") != how:
        connection.exec_driver_sql(f"PRAGMA synchronous={how}")
        connection.info[_LASTS] = how


@contextmanager
def writing(engine: Engine, *, lasting: bool = True) -> Iterator[Connection]:
    """One write transaction: all of it or nothing. `TryAgain` if the database is away or stays busy.

    With `lasting` False it outlives this process at once, but a power cut only after a moment: nobody waits for the disk.
    """
    with (
        answering(engine),
        _turn(engine),
        engine.connect().execution_options(**{_WRITES: True, _LASTS: lasting}) as connection,
        connection.begin(),
    ):
        if not lasting and engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
        yield connection


def _turn(engine: Engine) -> AbstractContextManager[None]:
    file = _file(engine)
    return nullcontext() if file is None else turn(file, wait=_TURN_SECONDS)


@contextmanager
def reading_from(engine: Engine) -> Iterator[Connection]:
    """One consistent view of the database, without holding up writers."""
    with answering(engine), engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            connection.execution_options(isolation_level=_ONE_VIEW)
        with connection.begin():
            yield connection


@contextmanager
def statement_by_statement(engine: Engine) -> Iterator[Connection]:
    """A connection on which each statement is a transaction of its own, for what PostgreSQL does in no other."""
    options = {"isolation_level": "AUTOCOMMIT"}
    with answering(engine), engine.connect().execution_options(**options) as connection:
        yield connection


@contextmanager
def answering(engine: Engine) -> Iterator[None]:
    """`TryAgain` if the database is away or busy, `StopAtStart` if its file is none of a database."""
    where = _shown(engine.url)
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise TryAgain(f"the database {where} did not answer: {_first_line(error)}") from error
    except NoConnectionLeft as error:
        raise TryAgain(f"the database {where}: too many of this process want it at once") from error
    except DatabaseError as error:
        if _has_no_month(error):
            raise TryAgain(f"a month of readings is being taken out: {_first_line(error)}") from error
        if getattr(error.orig, "sqlstate", None) == _READ_ONLY:
            raise TryAgain(f"the database {where} takes no writes now: {_first_line(error)}") from error
        if type(error) is not DatabaseError:  # its kinds (integrity, programming) are bugs of ours
            raise
        raise StopAtStart([f"the database {where} is damaged or is none: {_first_line(error)}"]) from error


def _has_no_month(error: DBAPIError) -> bool:
    """Whether the retention took a month out after it had been seen that there is a place for its readings."""
    told = getattr(error.orig, "diag", None)
    return told is not None and told.sqlstate == _CHECK and told.constraint_name is None


def address(engine: Engine) -> str:
    """Where a PostgreSQL database is, in libpq's words, WITH the password: never to be told."""
    from psycopg.conninfo import make_conninfo

    words = engine.dialect.create_connect_args(engine.url)[1]
    return make_conninfo(
        "", **{name: str(word) for name, word in words.items() if isinstance(word, str | int)}
    )


def is_missing(engine: Engine) -> bool:
    """Whether the database is a file that isn't there (connecting would make it)."""
    file = _file(engine)
    return file is not None and not file.exists()


def _file(engine: Engine) -> Path | None:
    file = engine.url.database
    return None if engine.dialect.name != "sqlite" or file in (None, "", ":memory:") else Path(str(file))


def size_of_file(engine: Engine) -> int | None:
    """Bytes of a database that is a file, those that wait in its log included; None if it is none."""
    if engine.dialect.name != "sqlite":
        return None
    with reading_from(engine) as connection:
        pages, bytes_each = (
            connection.exec_driver_sql(f"PRAGMA {what}").scalar_one() for what in ("page_count", "page_size")
        )
        return int(pages) * int(bytes_each)


def copy_file(engine: Engine, *, path: Path) -> None:
    """A database that is a file as of now, at another path; nobody who writes has to wait."""
    with (
        answering(engine),
        closing(engine.raw_connection()) as source,
        closing(connect(path)) as target,
    ):
        if not isinstance(source.driver_connection, SqliteConnection):
            raise TypeError("only a database that is a file can be copied")
        source.driver_connection.backup(target)


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
