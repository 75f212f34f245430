"""Which workers are there, and what waits in their queues?"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, delete, func, insert, select, text

from meterdrop.model.working import JobQueue, WorkerSeen
from meterdrop.store.engine import writing
from meterdrop.store.schema import worker

if TYPE_CHECKING:
    import psycopg

GONE: Final = timedelta(seconds=60)
"""A worker that was not seen for so long is none."""

_QUEUES: Final = text(
    """
    SELECT queue_name,
           count(*) FILTER (WHERE status = 'todo') AS waiting,
           count(*) FILTER (WHERE status = 'doing') AS doing,
           count(*) FILTER (WHERE status = 'failed') AS failed
    FROM procrastinate_jobs GROUP BY queue_name ORDER BY queue_name
    """
)


def note(connection: Connection, seen: WorkerSeen) -> None:
    """It is there, at this moment by the server's clock: those of machines may differ by minutes."""
    forget(connection, name=seen.name)
    connection.execute(insert(worker).values(asdict(seen) | {"seen_at": _moment(connection)}))


def forget(connection: Connection, *, name: str) -> None:
    """It has stopped."""
    connection.execute(delete(worker).where(worker.c.name == name))


def forget_gone(connection: Connection) -> None:
    """Those that have not been seen for a minute are gone without a word."""
    connection.execute(delete(worker).where(worker.c.seen_at < _moment(connection) - GONE))


def seen_lately(connection: Connection) -> tuple[WorkerSeen, ...]:
    """Workers that said in the last minute that they are there, by name."""
    lately = worker.c.seen_at >= _moment(connection) - GONE
    rows = connection.execute(select(worker).where(lately).order_by(worker.c.name))
    return tuple(WorkerSeen(**row) for row in rows.mappings())


def _moment(connection: Connection) -> datetime:
    moment: datetime = connection.execute(select(func.now())).scalar_one()
    return moment.astimezone(UTC)


def queues(connection: Connection) -> Sequence[JobQueue]:
    """What waits, what is done, what failed; on PostgreSQL only."""
    return [
        JobQueue(name=row.queue_name, waiting=row.waiting, doing=row.doing, failed=row.failed)
        for row in connection.execute(_QUEUES)
    ]


@contextmanager
def lent(engine: Engine) -> "Iterator[psycopg.Connection]":
    """The driver's own connection in a write transaction, for Procrastinate to put its jobs in."""
    with writing(engine, lasting=False) as connection:
        driver: psycopg.Connection = connection.connection.driver_connection  # type: ignore[assignment]  # psycopg's by the URL
        yield driver
