"""Who did what, when and why? Append-only, in the same transaction as the act."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select

from meterdrop.store.schema import event


def tell(
    connection: Connection,
    *,
    at: datetime,
    who: str,
    what: str,
    partner: str | None = None,
    delivery: int | None = None,
    line: int | None = None,
    before: object = None,
    after: object = None,
    why: str | None = None,
) -> None:
    """Adds to the audit; nothing ever takes away from it."""
    one = {"at": at, "who": who, "what": what, "partner": partner, "delivery": delivery, "line": line}
    connection.execute(insert(event), [{**one, "before": before, "after": after, "why": why}])


def tell_of_lines(
    connection: Connection,
    *,
    at: datetime,
    who: str,
    what: str,
    partner: str,
    delivery: int,
    lines: Sequence[int],
    before: object,
    after: object,
    why: str | None,
) -> None:
    """The same act on many lines of a delivery, each told by itself."""
    one = {"at": at, "who": who, "what": what, "partner": partner, "delivery": delivery}
    same = {**one, "before": before, "after": after, "why": why}
    if lines:
        connection.execute(insert(event), [{**same, "line": line} for line in lines])


def of_delivery(connection: Connection, *, delivery: int) -> list[dict[str, object]]:
    """All that was done to a delivery, in order."""
    rows = connection.execute(select(event).where(event.c.delivery == delivery).order_by(event.c.id))
    return [dict(row._mapping) for row in rows]
