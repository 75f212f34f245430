"""Is someone at it already, on whatever machine? Locks of the PostgreSQL server that end with their holder's connection."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from meterdrop.model.errors import TryAgain
from meterdrop.store.engine import answering

_LOOK_AGAIN_SOON: Final = 0.002
_LOOK_AGAIN: Final = 0.05


class ServerLocks:
    """Named locks on the server that holds the database.

    A holder that was killed lets go at once; one whose machine is gone, when the server notices (see `make_engine`). If
    the server itself restarts, a holder loses its lock and does not hear of it: what is stored is guarded by the
    delivery's attempts and revision all the same, and the work of one of two is thrown away.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def hold(self, name: str, *, wait: float) -> Iterator[None]:
        """Holds the lock; `TryAgain` if it isn't free within `wait` seconds, or the server is away."""
        key = _key(name)
        with answering(self._engine):
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            with answering(self._engine):
                _take(connection, key, name=name, until=time.monotonic() + wait)
            try:
                yield
            finally:
                _let_go(connection, key)
        finally:
            connection.close()


def _key(name: str) -> int:
    """A number of 64 bits: what the server knows locks by."""
    return int.from_bytes(hashlib.blake2b(f"meterdrop:{name}".encode(), digest_size=8).digest(), signed=True)


def _take(connection: Connection, key: int, *, name: str, until: float) -> None:
    pause = _LOOK_AGAIN_SOON
    while not connection.execute(select(func.pg_try_advisory_lock(key))).scalar_one():
        if time.monotonic() >= until:
            raise TryAgain(f"{name}: another process is at it; try again when it is done")
        time.sleep(pause)
        pause = min(2 * pause, _LOOK_AGAIN)


def _let_go(connection: Connection, key: int) -> None:
    """A connection that is not sure to have let go ends, and its locks with it."""
    try:
        connection.execute(select(func.pg_advisory_unlock(key)))
    except DBAPIError:
        with suppress(DBAPIError):
            connection.invalidate()
