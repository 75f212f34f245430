"""Which lines wait for a person or a better register? Each ends in exactly one way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

import pandas as pd
import pyarrow as pa
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    true,
    update,
)

from meterdrop.model.errors import TryAgain
from meterdrop.store.bulk import insert_frame, number_column, portions, text_column
from meterdrop.store.schema import delivery as deliveries
from meterdrop.store.schema import finding, partner, quarantine
from meterdrop.tables import LINE, RAW


@dataclass(frozen=True)
class QuarantinedLine:
    """One line set aside: its bytes as they came, its state, and what became of it."""

    id: int
    delivery: int
    partner: str
    feed: str
    line: int
    raw: bytes
    corrected_raw: bytes | None
    state: str
    version: int
    rules: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    reason: str | None
    reading_device: int | None
    reading_day: date | None


def add(
    connection: Connection,
    *,
    rows: pd.DataFrame,
    delivery: int,
    partner_id: str,
    feed: str,
    rules: str,
    register_version: int,
) -> None:
    """Sets lines aside; `rows` has line and raw."""
    count = len(rows)
    frame = pd.DataFrame({"line": rows["line"], "raw": rows["raw"]})
    frame["delivery"] = number_column(delivery, count)
    frame["partner"] = text_column(partner_id, count)
    frame["feed"] = text_column(feed, count)
    frame["state"] = text_column("open", count)
    frame["rules"] = text_column(rules, count)
    frame["register_version"] = number_column(register_version, count)
    insert_frame(connection, table=quarantine, frame=frame)


def ids_by_line(connection: Connection, *, delivery: int) -> dict[int, int]:
    """The quarantine's ids of one delivery's open lines."""
    rows = connection.execute(
        select(quarantine.c.line, quarantine.c.id).where(
            quarantine.c.delivery == delivery, quarantine.c.state == "open"
        )
    )
    return {row.line: row.id for row in rows}


def find(connection: Connection, key: int) -> QuarantinedLine | None:
    """The line of that id."""
    row = connection.execute(select(quarantine).where(quarantine.c.id == key)).one_or_none()
    return None if row is None else _line(row)


def listed(
    connection: Connection,
    *,
    partner_id: str | None = None,
    delivery: int | None = None,
    state: str | None = "open",
    code: str | None = None,
    limit: int | None = None,
) -> tuple[QuarantinedLine, ...]:
    """Lines by delivery and line number."""
    wanted: Select[tuple[object, ...]] = select(quarantine).order_by(quarantine.c.delivery, quarantine.c.line)
    if partner_id is not None:
        wanted = wanted.where(quarantine.c.partner == partner_id)
    if delivery is not None:
        wanted = wanted.where(quarantine.c.delivery == delivery)
    if state is not None:
        wanted = wanted.where(quarantine.c.state == state)
    if code is not None:
        wanted = wanted.where(_has_code([code]))
    return tuple(_line(row) for row in connection.execute(wanted.limit(limit)))


def _has_code(codes: list[str]) -> ColumnElement[bool]:
    return exists().where(
        finding.c.delivery == quarantine.c.delivery,
        finding.c.line == quarantine.c.line,
        finding.c.code.in_(codes),
    )


def worth_trying(
    connection: Connection,
    *,
    register_codes: list[str],
    rules_now: list[str],
    partner_id: str | None,
    feed: str | None,
    delivery: int | None,
    code: str | None,
    since: datetime | None,
    changed_only: bool,
) -> dict[int, list[int]]:
    """Open lines that may end otherwise now, by delivery: the register grew, or the rules are others."""
    grown = and_(partner.c.register_version != quarantine.c.register_version, _has_code(register_codes))
    other_rules = or_(quarantine.c.rules.is_(None), quarantine.c.rules.not_in(rules_now))
    wanted = (
        select(quarantine.c.delivery, quarantine.c.line)
        .join(partner, partner.c.id == quarantine.c.partner)
        .where(quarantine.c.state == "open", or_(grown, other_rules) if changed_only else true())
        .order_by(quarantine.c.delivery, quarantine.c.line)
    )
    if partner_id is not None:
        wanted = wanted.where(quarantine.c.partner == partner_id)
    if feed is not None:
        wanted = wanted.where(quarantine.c.feed == feed)
    if delivery is not None:
        wanted = wanted.where(quarantine.c.delivery == delivery)
    if code is not None:
        wanted = wanted.where(_has_code([code]))
    if since is not None:
        wanted = wanted.where(
            quarantine.c.delivery.in_(select(deliveries.c.id).where(deliveries.c.received_at >= since))
        )
    found: dict[int, list[int]] = {}
    for row in connection.execute(wanted):
        found.setdefault(row.delivery, []).append(row.line)
    return found


def resolve(
    connection: Connection,
    *,
    lines: Sequence[QuarantinedLine],
    state: str,
    who: str,
    reason: str | None,
    now: datetime,
    corrected: Mapping[int, bytes] = MappingProxyType({}),
    readings: Mapping[int, tuple[int, date]] = MappingProxyType({}),
) -> None:
    """Ends these lines' wait; `TryAgain` if someone else ended one meanwhile.

    `corrected` has new bytes by line number, `readings` what came of a line (device, day) by its id.
    """
    if not lines:
        return
    nothing = (None, None)
    ends = [
        {
            "its_id": line.id,
            "its_version": line.version,
            "its_bytes": corrected.get(line.line),
            "its_device": readings.get(line.id, nothing)[0],
            "its_day": readings.get(line.id, nothing)[1],
        }
        for line in lines
    ]
    one = (
        update(quarantine)
        .where(
            quarantine.c.id == bindparam("its_id"),
            quarantine.c.version == bindparam("its_version"),
            quarantine.c.state == "open",
        )
        .values(
            state=state,
            version=quarantine.c.version + 1,
            resolved_at=now,
            resolved_by=who,
            reason=reason,
            corrected_raw=bindparam("its_bytes"),
            reading_device=bindparam("its_device"),
            reading_day=bindparam("its_day"),
        )
    )
    if connection.execute(one, ends).rowcount != len(ends):
        raise TryAgain("a quarantined line was changed by someone else meanwhile: look at it again")


def judged_again(connection: Connection, *, ids: list[int], rules: str, register_version: int) -> None:
    """Says by which rules and register these lines were last judged and stayed."""
    for some in portions(ids):
        connection.execute(
            update(quarantine)
            .where(quarantine.c.id.in_(some))
            .values(rules=rules, register_version=register_version)
        )


def waiting(connection: Connection, *, delivery: int, block: int = 5_000) -> Iterator[pd.DataFrame]:
    """The lines of a delivery that still wait for the partner or for us (line, raw), in blocks by line."""
    rows = connection.execution_options(yield_per=block).execute(
        select(quarantine.c.line, quarantine.c.raw)
        .where(quarantine.c.delivery == delivery, quarantine.c.state.in_(("open", "returned")))
        .order_by(quarantine.c.line)
    )
    for part in rows.partitions(block):
        lines, raws = zip(*part, strict=True)
        yield pd.DataFrame(
            {
                "line": pd.Series(list(lines), dtype=LINE),
                "raw": pd.Series(pd.arrays.ArrowExtensionArray(pa.array(raws, pa.large_binary())), dtype=RAW),
            }
        )


def drop_findings(connection: Connection, *, delivery: int, lines: list[int]) -> None:
    """Forgets what was said of these lines; they were judged again."""
    for some in portions(lines):
        connection.execute(delete(finding).where(finding.c.delivery == delivery, finding.c.line.in_(some)))


def counts_by_state(connection: Connection) -> dict[str, int]:
    """How many lines are in each state."""
    rows = connection.execute(select(quarantine.c.state, func.count()).group_by(quarantine.c.state))
    return {row[0]: row[1] for row in rows}


def _line(row: Row[tuple[object, ...]]) -> QuarantinedLine:
    return QuarantinedLine(
        id=row.id,
        delivery=row.delivery,
        partner=row.partner,
        feed=row.feed,
        line=row.line,
        raw=row.raw,
        corrected_raw=row.corrected_raw,
        state=row.state,
        version=row.version,
        rules=row.rules,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
        reason=row.reason,
        reading_device=row.reading_device,
        reading_day=row.reading_day,
    )
