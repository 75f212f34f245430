"""How does PostgreSQL find what belongs to a list of ours? By the index, row by row of the list."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection

_WHOLESALE: Final = ("enable_hashjoin", "enable_mergejoin")


@contextmanager
def by_index(connection: Connection) -> Iterator[None]:
    """For statements that join a list of ours, of which nobody knows how long it is, to a table that only grows.

    What PostgreSQL last heard of the table may be long ago: it takes it for a small one, reads all of it, and then asks
    for the neighbours of every reading that a meter ever had. SQLite does as wanted.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    _turn(connection, "off")
    yield
    _turn(connection, "on")


def _turn(connection: Connection, how: str) -> None:
    told = ", ".join(f"set_config('{name}', '{how}', true)" for name in _WHOLESALE)
    connection.exec_driver_sql(f"SELECT {told}")
