"""Where is everything kept? One database behind one small face."""

from contextlib import AbstractContextManager

from sqlalchemy import Connection

from meterdrop.store import migrate
from meterdrop.store.engine import make_engine, reading_from, writing

Store = Connection
"""An open transaction, as the repositories take it."""


class Database:
    """The database at a URL (`sqlite:////path/meterdrop.db` or `postgresql+psycopg://…`)."""

    def __init__(self, url: str) -> None:
        self._engine = make_engine(url)

    def writing(self) -> AbstractContextManager[Store]:
        """One write transaction: all of it or nothing."""
        return writing(self._engine)

    def reading(self) -> AbstractContextManager[Store]:
        """One consistent view, never in the way of writers."""
        return reading_from(self._engine)

    def upgrade(self) -> None:
        """Brings the database to today's shape; safe to repeat."""
        migrate.upgrade(self._engine)

    def is_current(self) -> bool:
        """Whether the database has today's shape."""
        return migrate.is_current(self._engine)

    def close(self) -> None:
        """Lets go of all connections."""
        self._engine.dispose()
