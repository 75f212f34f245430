"""What was taken of the watched folders? One row a file, written in the transaction of its delivery."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from sqlalchemy import Connection, delete, insert, or_, select, update

from meterdrop.model.delivery import State
from meterdrop.model.watched import Watched
from meterdrop.store.schema import delivery, watched

_MAY_COME_AGAIN = (State.REFUSED, State.INCOMPLETE, State.POISONED)
_AT_ONCE: Final = 1000
"""So many paths are named in one statement."""


@dataclass(frozen=True)
class Taken:
    """What was last taken of one path."""

    bytes: int
    sha256: str
    upload: str


@dataclass(frozen=True)
class Known:
    """What is written down of one path: the state it was last taken in, and whether it was gone at the last look."""

    state: str
    is_gone: bool


def there(connection: Connection, *, partner: str) -> dict[str, str]:
    """Path and state of each file that nobody missed yet: as many as lie in the folder, and what left it since."""
    rows = connection.execute(
        select(watched.c.path, watched.c.state).where(
            watched.c.partner == partner, watched.c.gone_at.is_(None)
        ),
        execution_options={"yield_per": 10_000},
    )
    return {row.path: row.state for row in rows}


def known(connection: Connection, *, partner: str, paths: Collection[str]) -> dict[str, Known]:
    """What is written down of these paths, whether gone or not."""
    found = {}
    for some in _in_parts(paths):
        rows = connection.execute(
            select(watched.c.path, watched.c.state, watched.c.gone_at).where(
                watched.c.partner == partner, watched.c.path.in_(some)
            )
        )
        found.update({row.path: Known(row.state, is_gone=row.gone_at is not None) for row in rows})
    return found


def miss(connection: Connection, *, partner: str, paths: Collection[str], now: datetime) -> None:
    """These, which nobody missed before, are gone since now."""
    for some in _in_parts(paths):
        connection.execute(
            update(watched).where(watched.c.partner == partner, watched.c.path.in_(some)).values(gone_at=now)
        )


def find_again(connection: Connection, *, partner: str, paths: Collection[str]) -> None:
    """These are there again."""
    for some in _in_parts(paths):
        connection.execute(
            update(watched).where(watched.c.partner == partner, watched.c.path.in_(some)).values(gone_at=None)
        )


def is_any_gone(connection: Connection, *, partner: str, before: datetime) -> bool:
    """Whether `forget` would find something."""
    first = connection.execute(
        select(watched.c.path).where(watched.c.partner == partner, watched.c.gone_at < before).limit(1)
    ).scalar_one_or_none()
    return first is not None


def forget(connection: Connection, *, partner: str, before: datetime, most: int) -> int:
    """Takes rows of files out that are gone since before that time, not more than `most`; how many."""
    gone = select(watched.c.path).where(watched.c.partner == partner, watched.c.gone_at < before).limit(most)
    return connection.execute(
        delete(watched).where(watched.c.partner == partner, watched.c.path.in_(gone))
    ).rowcount


def _in_parts(paths: Collection[str]) -> Iterator[list[str]]:
    rest = iter(paths)
    while some := list(islice(rest, _AT_ONCE)):
        yield some


def last(connection: Connection, *, partner: str, path: str) -> Taken | None:
    """What was last taken of this path."""
    row = connection.execute(
        select(watched.c.bytes, watched.c.sha256, watched.c.upload).where(
            watched.c.partner == partner, watched.c.path == path
        )
    ).one_or_none()
    return None if row is None else Taken(bytes=row.bytes, sha256=row.sha256, upload=row.upload)


def same_bytes(connection: Connection, *, partner: str, path: str, body: str, sha256: str) -> str | None:
    """The upload that has these bytes already, from the same path or from the same file under another name.

    What was refused, or too large, may come again: then the rules or the limit may be others.
    """
    upload: str | None = connection.execute(
        select(watched.c.upload)
        .join(delivery, delivery.c.upload == watched.c.upload)
        .where(
            watched.c.partner == partner,
            or_(watched.c.path == path, watched.c.body == body),
            watched.c.sha256 == sha256,
            delivery.c.state.not_in(_MAY_COME_AGAIN),
        )
        .limit(1)
    ).scalar_one_or_none()
    return upload


def note(
    connection: Connection, *, partner: str, path: str, file: Watched, bytes: int, sha256: str, upload: str
) -> None:
    """This state of the file has been taken: its bytes are those of that upload."""
    connection.execute(delete(watched).where(watched.c.partner == partner, watched.c.path == path))
    connection.execute(
        insert(watched).values(
            partner=partner,
            path=path,
            state=file.state,
            body=file.body,
            bytes=bytes,
            sha256=sha256,
            upload=upload,
        )
    )
