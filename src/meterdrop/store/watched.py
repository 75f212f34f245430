"""What was taken of the watched folders? One row a file, written in the transaction of its delivery."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, or_, select

from meterdrop.model.delivery import State
from meterdrop.model.watched import Watched
from meterdrop.store.schema import delivery, watched

_MAY_COME_AGAIN = (State.REFUSED, State.INCOMPLETE, State.POISONED)


@dataclass(frozen=True)
class Taken:
    """What was last taken of one path."""

    bytes: int
    sha256: str
    upload: str


def states(connection: Connection, *, partner: str) -> frozenset[str]:
    """The fingerprints of all states that this partner's files were last taken in."""
    rows = connection.execute(
        select(watched.c.state).where(watched.c.partner == partner), execution_options={"yield_per": 10_000}
    )
    return frozenset(row.state for row in rows)


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
