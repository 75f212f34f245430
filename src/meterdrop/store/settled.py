"""Is there still something to be done about a delivery? What retention asks before it ends anything."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select

from meterdrop.model.delivery import State
from meterdrop.store.schema import delivery, outbox

SETTLED: Final = (
    State.ACCEPTED,
    State.PARTLY_ACCEPTED,
    State.REFUSED,
    State.DUPLICATE,
    State.INCOMPLETE,
)
"""In these states nobody has to decide about a delivery as a whole; its lines may wait all the same."""


def is_open(*, since: datetime) -> ColumnElement[bool]:
    """Whether a delivery waits for somebody, or did after a moment.

    For a worker or a person; for a line of it that is open or the partner's to correct (lines of a refused one are
    not: the whole of it is to come again); for a receipt to be written.
    """
    unwritten = select(outbox.c.delivery).where(outbox.c.written_at.is_(None))
    return or_(
        delivery.c.state.not_in(SETTLED),
        delivery.c.waiting > 0,
        and_(delivery.c.returned > 0, delivery.c.state != State.REFUSED),
        delivery.c.finished_at.is_(None),
        delivery.c.finished_at >= since,
        delivery.c.id.in_(unwritten),
    )
