"""Where is everything kept? One database behind one small face."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from meterdrop.store import founding, migrate, workers
from meterdrop.store.engine import (
    address,
    copy_file,
    make_engine,
    reading_from,
    size_of_file,
    statement_by_statement,
    writing,
)
from meterdrop.store.server_locks import ServerLocks

if TYPE_CHECKING:
    import psycopg

Store = Connection
"""An open transaction, as the repositories take it."""


class Database:
    """The database at a URL (`sqlite:////path/meterdrop.db` or `postgresql+psycopg://…`)."""

    def __init__(self, url: str) -> None:
        self._engine = make_engine(url)

    def writing(self, *, lasting: bool = True) -> AbstractContextManager[Store]:
        """One write transaction: all of it or nothing.

        With `lasting` False nobody waits for the disk: it outlives this process, but a power cut in the next moment may
        undo it. For what is only noted, and done once more if it was not.
        """
        return writing(self._engine, lasting=lasting)

    def reading(self) -> AbstractContextManager[Store]:
        """One consistent view, never in the way of writers."""
        return reading_from(self._engine)

    def statement_by_statement(self) -> AbstractContextManager[Store]:
        """Each statement is a transaction of its own: for what PostgreSQL does in no other."""
        return statement_by_statement(self._engine)

    def size(self) -> int | None:
        """Bytes of the database, if it is a file that can be copied."""
        return size_of_file(self._engine)

    def copy_to(self, path: Path) -> None:
        """Copies a database that is a file, as it is now; writers go on meanwhile."""
        copy_file(self._engine, path=path)

    @contextmanager
    def taken_back(self) -> "Iterator[Database]":
        """This database in one transaction, in which others begin and end, and which is taken back at last.

        For one thread. What it changes, others wait for meanwhile: right where rows are locked, not a whole file.
        """
        with self.writing() as store:
            all_of_it = store.begin_nested()
            try:
                yield _InOneTransaction(store)
            finally:
                all_of_it.rollback()

    @property
    def may_stay_open(self) -> bool:
        """Whether a write transaction may be open for long: rows are locked then, not a whole file."""
        return not self.is_file()

    def is_file(self) -> bool:
        """Whether it is one file, with one writer at a time."""
        return self._engine.dialect.name == "sqlite"

    def server_locks(self) -> ServerLocks:
        """Locks that hold on all machines that use this database; on PostgreSQL only."""
        return ServerLocks(self._engine)

    def lent(self) -> "AbstractContextManager[psycopg.Connection]":
        """The driver's own connection in a write transaction, for Procrastinate; on PostgreSQL only."""
        return workers.lent(self._engine)

    def address(self) -> str:
        """Where it is, as libpq writes it, WITH the password: for another library's connections, never to be told."""
        return address(self._engine)

    def found(self) -> None:
        """Makes the database if its server has none of that name, and looks whether we can work with it."""
        founding.found(self._engine)

    def upgrade(self) -> None:
        """Brings the database to today's shape; safe to repeat."""
        migrate.upgrade(self._engine)

    def is_current(self) -> bool:
        """Whether the database has today's shape."""
        return migrate.is_current(self._engine)

    def close(self) -> None:
        """Lets go of all connections."""
        self._engine.dispose()


class _InOneTransaction(Database):
    """What is begun here is a part of one open transaction: seen by what follows, lasting only if that does."""

    def __init__(self, store: Store) -> None:
        self._engine = store.engine
        self._store = store

    @contextmanager
    def writing(self, *, lasting: bool = True) -> Iterator[Store]:
        """All of it or nothing, inside the whole; how `lasting` is the whole's affair."""
        with self._store.begin_nested():
            yield self._store

    @property
    def may_stay_open(self) -> bool:
        """No: the one transaction there is belongs to one thread."""
        return False

    def reading(self) -> AbstractContextManager[Store]:
        """What has been done so far is seen."""
        return nullcontext(self._store)

    def close(self) -> None:
        """It ends with the whole."""
