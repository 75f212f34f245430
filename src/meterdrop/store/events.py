"""Who did what, when and why? Append-only until its retention ends, in the same transaction as the act."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, text

from meterdrop.store.schema import event

RELEASED: Final = "delivery.released"
RETRIED: Final = "delivery.retried"
REFUSED: Final = "delivery.refused-by-reviewer"
"""What events are called that tell of a person's acts on a whole delivery: the first two want it judged anew."""

HEADER_CHANGED: Final = "header.changed"
"""What an event is called that tells of another header than before; it has an index of its own."""

_HEADER_CHANGED: Final = text(f"what = '{HEADER_CHANGED}'")  # as the index says it, or it isn't used


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
    """Adds to the audit; nothing but its retention takes away from it."""
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


def tell_each(
    connection: Connection,
    *,
    at: datetime,
    who: str,
    what: str,
    delivery: int,
    why: str | None,
    acts: Sequence[Mapping[str, object]],
) -> None:
    """The same kind of act on many things, each with its own partner, line, before and after."""
    same = {"at": at, "who": who, "what": what, "delivery": delivery, "why": why}
    if acts:
        connection.execute(insert(event), [{**same, **act} for act in acts])


def of_delivery(connection: Connection, *, delivery: int, most: int | None = None) -> list[dict[str, object]]:
    """All that was done to a delivery, in order; of what was done to single lines `most` are told, the first."""
    its = select(event).where(event.c.delivery == delivery).order_by(event.c.id)
    whole = connection.execute(its.where(event.c.line.is_(None))).all()
    of_lines = connection.execute(its.where(event.c.line.is_not(None)).limit(most)).all()
    return [dict(row._mapping) for row in sorted((*whole, *of_lines), key=attrgetter("id"))]


def count_of_delivery(connection: Connection, *, delivery: int) -> int:
    """How many events of a delivery there are."""
    counted = select(func.count()).select_from(event).where(event.c.delivery == delivery)
    return connection.execute(counted).scalar_one()


def who_wanted(connection: Connection, *, delivery: int) -> tuple[str, str | None]:
    """Who wanted a delivery judged anew last, and why."""
    last = connection.execute(
        select(event.c.who, event.c.why)
        .where(event.c.delivery == delivery, event.c.what.in_((RELEASED, RETRIED)))
        .order_by(event.c.id.desc())
        .limit(1)
    ).one()
    return last.who, last.why


def header_changed_by(connection: Connection, *, delivery: int) -> bool:
    """Whether this delivery told of another header than before."""
    wanted = select(event.c.id).where(event.c.delivery == delivery, event.c.what == HEADER_CHANGED)
    return connection.execute(wanted.limit(1)).first() is not None


def headers_changed(
    connection: Connection, *, partner: str | None, since: datetime | None
) -> list[dict[str, Any]]:
    """All that was told of changed headers, the oldest first; `before` and `after` as they were told."""
    wanted = select(event).where(_HEADER_CHANGED).order_by(event.c.at, event.c.id)
    if partner is not None:
        wanted = wanted.where(event.c.partner == partner)
    if since is not None:
        wanted = wanted.where(event.c.at >= since)
    return [dict(row._mapping) for row in connection.execute(wanted)]
