"""Which line came in place of a quarantined one? Corrected uploads end what they correct."""

import operator
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import reduce
from typing import Final

import pandas as pd
import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Date,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    and_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
    update,
)

from meterdrop.model.codes import REGISTER_CODES, Severity
from meterdrop.model.line_state import WITH_PARTNER, LineState
from meterdrop.store.bulk import portions
from meterdrop.store.columns import JsonText
from meterdrop.store.endings import of_its, tell_each
from meterdrop.store.plans import by_index
from meterdrop.store.quarantine import NAMES, of_any_delivery, wait
from meterdrop.store.schema import delivery as deliveries
from meterdrop.store.schema import finding, quarantine, reading
from meterdrop.store.temporary import temporary
from meterdrop.tables import DAY, LINE, TEXT

_KEYS_AT_ONCE: Final = 1_000_000
_ROWS: Final = 20_000
"""Rows that are Python objects at the same time, on their way from the driver."""

_NOT_THEIR_OWN: Final = sorted(code.value for code in REGISTER_CODES)
"""What is wrong with a line because of what is known, and not because of its cells."""

_SUCCESSOR = Table(
    "successor",
    MetaData(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("delivery", BigInteger, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("device", BigInteger),
    Column("day", Date),
    prefixes=["TEMPORARY"],
)
_ASKED = Table(
    "asked_reading",
    MetaData(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("device", BigInteger, nullable=False),
    Column("day", Date, nullable=False),
    prefixes=["TEMPORARY"],
)
_TOLD: Final = {"id": LINE, "device": LINE, "day": DAY, "delivery": LINE, "line": LINE}


def supersede(
    connection: Connection, successors: pd.DataFrame, *, who: str, reason: str, now: datetime, partner: str
) -> tuple[int, ...]:
    """Ends open and returned lines in whose place others came; the deliveries they are of.

    `successors` has the `id` of a quarantined line (each once; what is no such line of this partner is left alone),
    `delivery` and `line` that came in its place, and `device` and `day` of the reading that tells now what it was to
    tell (null: there is none).
    """
    with temporary(connection, _SUCCESSOR, successors):
        waits = and_(
            quarantine.c.id == _SUCCESSOR.c.id,
            quarantine.c.state.in_([state.value for state in WITH_PARTNER]),
            quarantine.c.delivery == deliveries.c.id,
            deliveries.c.partner == partner,
        )
        ending = select(quarantine.c.delivery, quarantine.c.state, func.count()).where(waits)
        counts = connection.execute(ending.group_by(quarantine.c.delivery, quarantine.c.state)).all()
        tell_each(
            connection,
            select(quarantine).where(waits),
            what=LineState.SUPERSEDED,
            who=who,
            now=now,
            partner=partner,
            why=reason,
            before=_json('{"state": "', quarantine.c.state, '"}'),
            after=_json(
                '{"state": "superseded", "successor": {"delivery": ',
                cast(_SUCCESSOR.c.delivery, Text),
                ', "line": ',
                cast(_SUCCESSOR.c.line, Text),
                "}}",
            ),
        )
        theirs = select(quarantine.c.id).where(waits)
        connection.execute(
            update(quarantine)
            .where(quarantine.c.id.in_(theirs.scalar_subquery()))
            .values(
                state=LineState.SUPERSEDED.value,
                version=quarantine.c.version + 1,
                resolved_at=now,
                resolved_by=who,
                reason=reason,
                successor_delivery=of_its(_SUCCESSOR, "delivery"),
                successor_line=of_its(_SUCCESSOR, "line"),
                reading_device=of_its(_SUCCESSOR, "device"),
                reading_day=of_its(_SUCCESSOR, "day"),
            )
        )
    for delivery, state, number in counts:
        was_open = state == LineState.OPEN.value
        more, returned = (-number, 0) if was_open else (0, -number)
        wait(connection, delivery=delivery, more=more, returned=returned)
    return tuple(sorted({delivery for delivery, _, _ in counts}))


def _json(*pieces: str | ColumnElement[str]) -> ColumnElement[object]:
    """JSON put together by the database, for many rows at once."""
    texts = [literal(piece, Text) if isinstance(piece, str) else piece for piece in pieces]
    return type_coerce(reduce(operator.add, texts), JsonText)


def told_by(connection: Connection, readings: pd.DataFrame, *, partner: str) -> pd.DataFrame:
    """Which delivery and line told these readings last: `id`, `device` and `day`, and `delivery` and `line` of each.

    Those that are not stored are left out.
    """
    with temporary(connection, _ASKED, readings), by_index(connection):
        rows = connection.execute(
            select(_ASKED.c.id, _ASKED.c.device, _ASKED.c.day, reading.c.delivery, reading.c.line).where(
                reading.c.partner == partner,
                reading.c.device == _ASKED.c.device,
                reading.c.day == _ASKED.c.day,
            )
        ).all()
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(_TOLD)
    return pd.DataFrame(
        {
            name: pd.Series(pa.array(values, type=dtype.pyarrow_dtype), dtype=dtype)
            for (name, dtype), values in zip(_TOLD.items(), columns, strict=True)
        }
    )


def keys_with_partner(
    connection: Connection,
    *,
    partner: str,
    feed: str,
    before: int,
    serial_keys: Sequence[str] | None = None,
    at_once: int = _KEYS_AT_ONCE,
) -> Iterator[pd.DataFrame]:
    """What the lines are about (id, serial_key, day, owner, kind_rank) that earlier deliveries of a feed want corrected.

    In portions of about that many, in no order: to sort them would take memory for all. A line whose cells don't tell both is not among them, nor, if there are
    `serial_keys`, one of another meter.
    """
    kept: list[pd.DataFrame] = []
    wanted = _keys(partner=partner, feed=feed, before=before, serial_keys=serial_keys)
    rows = min(_ROWS, at_once)
    for part in connection.execute(wanted, execution_options={"yield_per": rows}).partitions(rows):
        kept.append(_keys_frame(part))
        if sum(map(len, kept)) >= at_once:
            yield pd.concat(kept, ignore_index=True)
            kept = []
    if kept:
        yield pd.concat(kept, ignore_index=True)


def _keys(
    *, partner: str, feed: str, before: int, serial_keys: Sequence[str] | None
) -> Select[tuple[object, ...]]:
    """Deliveries first, and of each its lines by their ids: nothing else is looked at."""
    wanted = (
        select(quarantine.c.id, *(quarantine.c[name] for name in NAMES))
        .select_from(deliveries.join(quarantine, of_any_delivery(deliveries.c.id)))
        .where(
            *_waits_for_partner(partner=partner, feed=feed, before=before),
            quarantine.c.state.in_([state.value for state in WITH_PARTNER]),
            quarantine.c.serial_key.is_not(None),
            quarantine.c.day.is_not(None),
        )
    )
    return wanted if serial_keys is None else wanted.where(quarantine.c.serial_key.in_(serial_keys))


def _keys_frame(rows: Sequence[Row[tuple[object, ...]]]) -> pd.DataFrame:
    key, serial_key, day, owner, kind_rank = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "id": pd.Series(list(key), dtype=LINE),
            "serial_key": pd.Series(list(serial_key), dtype=TEXT),
            "day": pd.Series(list(day), dtype=DAY),
            "owner": pd.Series(list(owner), dtype=TEXT),
            "kind_rank": pd.Series(list(kind_rank), dtype=LINE),
        }
    )


def that_may_come_in(connection: Connection, *, ids: Sequence[int]) -> list[int]:
    """Which of these lines are right by themselves: the register or other readings of their meter may let them in."""
    other = exists().where(
        finding.c.delivery == quarantine.c.delivery,
        finding.c.line == quarantine.c.line,
        finding.c.severity == Severity.ERROR.value,
        finding.c.code.not_in(_NOT_THEIR_OWN),
    )
    found: list[int] = []
    for some in portions(ids):
        found += connection.execute(
            select(quarantine.c.id).where(quarantine.c.id.in_(some), ~other)
        ).scalars()
    return found


def wanted_from_partner(connection: Connection, *, partner: str, feed: str, before: int) -> bool:
    """Whether earlier deliveries of a feed have lines that still want a correction."""
    there = exists().where(*_waits_for_partner(partner=partner, feed=feed, before=before))
    return bool(connection.execute(select(there)).scalar_one())


def _waits_for_partner(*, partner: str, feed: str, before: int) -> list[ColumnElement[bool]]:
    return [
        deliveries.c.partner == partner,
        deliveries.c.feed == feed,
        deliveries.c.id < before,
        or_(deliveries.c.waiting > 0, deliveries.c.returned > 0),
    ]
