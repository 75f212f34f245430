"""How does PostgreSQL find what belongs to a list of ours? By the index, row by row of the list."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection

_WHOLESALE: Final = ("enable_hashjoin", "enable_mergejoin")


@contextmanager
def by_index(connection: Connection) -> Iterator[None]:
    """For statements that join a list of ours, of which nobody knows how long it is, to a table that only grows.

    What PostgreSQL last heard of the table may be long ago: it takes it for a small one, reads all of it, and then asks
    for the neighbours of every reading that a meter ever had. SQLite does as wanted. Afterwards plans are made as before.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    before = _turn(connection, ["off"] * len(_WHOLESALE))
    yield
    _turn(connection, before)


def _turn(connection: Connection, how: Sequence[str]) -> Sequence[str]:
    """Sets these until the transaction ends; how they were before."""
    was = ", ".join(f"current_setting('{name}') AS {name}" for name in _WHOLESALE)
    set_ = ", ".join(f"set_config('{name}', '{to}', true)" for name, to in zip(_WHOLESALE, how, strict=True))
    # Names and values are the server's own words.
    told = f"WITH was AS MATERIALIZED (SELECT {was}) SELECT was.*, {set_} FROM was"  # noqa: S608
    return connection.exec_driver_sql(told).one()[: len(_WHOLESALE)]
