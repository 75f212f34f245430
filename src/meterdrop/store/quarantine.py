"""Which lines wait for a person or a better register? Each ends in exactly one way."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    delete,
    exists,
    false,
    or_,
    select,
    true,
    union_all,
    update,
)

from meterdrop.model.codes import NEIGHBOUR_CODES, REGISTER_CODES, Code
from meterdrop.model.line_state import WITH_PARTNER, LineState
from meterdrop.store.bulk import Constant, insert_frame, portions
from meterdrop.store.once import insert_once
from meterdrop.store.schema import (
    LINES_A_DELIVERY,
    device,
    finding,
    finding_history,
    partner,
    quarantine,
    reading,
    rule_set,
)
from meterdrop.store.schema import delivery as deliveries
from meterdrop.tables import LINE, RAW, Lines, framed

_BLOCK: Final = 5_000

NAMES: Final = ("serial_key", "day", "owner", "kind_rank")
"""What the cells of a line set aside tell of what it is about."""


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
    serial_key: str | None = None
    day: date | None = None
    """Which meter and day the line is about, as far as its cells tell."""
    successor_delivery: int | None = None
    successor_line: int | None = None
    """The line that came in its place."""


def line_id(*, delivery: int, line: int) -> int:
    """The id of a delivery's quarantined line: the same files give the same ids."""
    return delivery * LINES_A_DELIVERY + line


def of_delivery(key: int) -> ColumnElement[bool]:
    """Whether a row is of this delivery, told by its id."""
    return quarantine.c.id.between(key * LINES_A_DELIVERY, (key + 1) * LINES_A_DELIVERY - 1)


def of_any_delivery(key: ColumnElement[int]) -> ColumnElement[bool]:
    """The same of deliveries in a column."""
    return quarantine.c.id.between(key * LINES_A_DELIVERY, (key + 1) * LINES_A_DELIVERY - 1)


def rule_set_id(connection: Connection, fingerprint: str) -> int:
    """The short name of a rule set; a new one if it has none yet."""
    wanted = select(rule_set.c.id).where(rule_set.c.fingerprint == fingerprint)
    known: int | None = connection.execute(wanted).scalar_one_or_none()
    if known is None:
        connection.execute(insert_once(connection, rule_set).values(fingerprint=fingerprint))
        known = connection.execute(wanted).scalar_one()
    return known


def add(
    connection: Connection,
    *,
    rows: pd.DataFrame,
    delivery: int,
    rules: str,
    register_version: int,
) -> None:
    """Sets lines aside; `rows` has line and raw, and what the cells told of `NAMES`."""
    count = len(rows)
    if count == 0:
        return
    told = {name: pa.array(rows[name].array) for name in ("line", "raw", *NAMES) if name in rows.columns}
    numbers = rows["line"].to_numpy(dtype=np.int64)
    frame = framed({"id": pa.array(numbers + delivery * LINES_A_DELIVERY)} | told)
    sender, version = _sender(connection, delivery)
    same: dict[str, Constant] = {
        "delivery": delivery,
        "partner": sender,
        "state": LineState.OPEN.value,
        "rule_set": rule_set_id(connection, rules),
        "register_version": register_version,
        "partner_version": version,
    }
    insert_frame(connection, table=quarantine, frame=frame, constants=same)
    wait(connection, delivery=delivery, more=count)


def _sender(connection: Connection, delivery: int) -> tuple[str, int]:
    """The partner of this delivery, and the version of what they have stored."""
    row = connection.execute(
        select(partner.c.id, partner.c.version)
        .join(deliveries, deliveries.c.partner == partner.c.id)
        .where(deliveries.c.id == delivery)
    ).one()
    return row.id, row.version


def wait(connection: Connection, *, delivery: int, more: int, returned: int = 0) -> None:
    """So many more (or fewer) lines of a delivery are open, and returned to the partner."""
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery)
        .values(waiting=deliveries.c.waiting + more, returned=deliveries.c.returned + returned)
    )


def not_as_they_came(connection: Connection, *, delivery: int) -> Lines:
    """The lines of a delivery of which nothing is stored, or other cells than came, in order."""
    rows = connection.execute(
        select(quarantine.c.line)
        .where(of_delivery(delivery), quarantine.c.state != LineState.ACCEPTED.value)
        .order_by(quarantine.c.id)
    )
    return np.fromiter(rows.scalars(), dtype=np.int64)


def find(connection: Connection, key: int) -> QuarantinedLine | None:
    """The line of that id."""
    row = connection.execute(_lines().where(quarantine.c.id == key)).one_or_none()
    return None if row is None else _line(row)


def listed(
    connection: Connection,
    *,
    partner_id: str | None = None,
    delivery: int | None = None,
    state: str | None = "open",
    code: str | None = None,
    after: int = 0,
    limit: int | None = None,
) -> tuple[QuarantinedLine, ...]:
    """Lines by delivery and line number, from the one that follows the id `after` on.

    Those with a `code` are lines of which this was found, now or before they were stored.
    """
    wanted = _lines().where(quarantine.c.id > after).order_by(quarantine.c.id)
    if partner_id is not None:
        wanted = wanted.where(deliveries.c.partner == partner_id)
    if delivery is not None:
        wanted = wanted.where(of_delivery(delivery))
    if state == "open":
        wanted = wanted.where(deliveries.c.waiting > 0)
    if state is not None:
        wanted = wanted.where(quarantine.c.state == state)
    if code is not None:
        had = false() if state == LineState.OPEN.value else _has_code([code], table=finding_history)
        wanted = wanted.where(or_(_has_code([code]), had))
    return tuple(_line(row) for row in connection.execute(wanted.limit(limit)))


def _lines() -> Select[tuple[object, ...]]:
    """Lines with their delivery's partner and feed, and the fingerprint they were judged by."""
    together = quarantine.join(deliveries, deliveries.c.id == quarantine.c.delivery).outerjoin(
        rule_set, rule_set.c.id == quarantine.c.rule_set
    )
    return select(
        quarantine, deliveries.c.partner, deliveries.c.feed, rule_set.c.fingerprint.label("rules")
    ).select_from(together)


def _has_code(codes: list[str], *, table: Table = finding, column: str | None = None) -> ColumnElement[bool]:
    of_line = (table.c.delivery == quarantine.c.delivery, table.c.line == quarantine.c.line)
    of_column = true() if column is None else table.c.column == column
    return exists().where(*of_line, table.c.code.in_(codes), of_column)


def worth_trying(
    connection: Connection,
    *,
    delivery: int,
    rules_now: str | None,
    code: str | None,
    changed_only: bool,
    unit: str | None = None,
) -> list[int]:
    """A delivery's open lines that may end otherwise now: register, readings or rules are others than when they failed.

    A line whose meter is still not in the register is not among them. `unit` is the heading of the column of units: an
    empty cell there is none too few once the register knows the meter as an allocator. `rules_now` is the fingerprint that judges this
    very delivery today (by the day it arrived); None if there is none any more. Asking whether a line's fingerprint is
    in force anywhere would be wrong: a version that is put between two others takes deliveries over from one that
    stays in force for the rest.
    """
    of_now = select(rule_set.c.id).where(rule_set.c.fingerprint == rules_now)
    other_rules = or_(quarantine.c.rule_set.is_(None), quarantine.c.rule_set.not_in(of_now))
    wanted = (
        select(quarantine.c.line)
        .join(deliveries, deliveries.c.id == quarantine.c.delivery)
        .join(partner, partner.c.id == deliveries.c.partner)
        .where(of_delivery(delivery), quarantine.c.state == "open")
        .order_by(quarantine.c.id)
    )
    if changed_only:
        owner = connection.execute(
            select(deliveries.c.partner).where(deliveries.c.id == delivery)
        ).scalar_one()
        wanted = wanted.where(or_(_register_grew(owner, unit=unit), _more_readings(owner), other_rules))
    if code is not None:
        wanted = wanted.where(_has_code([code]))
    return list(connection.execute(wanted).scalars())


def _register_grew(owner: str, *, unit: str | None) -> ColumnElement[bool]:
    """The register is another one, and knows the meter if that was what lacked."""
    known = union_all(
        select(device.c.serial_key).where(device.c.partner == owner),
        select(device.c.radio_key).where(device.c.partner == owner, device.c.radio_key.is_not(None)),
    )
    unknown = Code.READING_NOT_IN_REGISTER.value
    meter_known = or_(quarantine.c.serial_key.is_(None), quarantine.c.serial_key.in_(known))
    others = [code.value for code in REGISTER_CODES if code.value != unknown]
    return and_(
        partner.c.register_version != quarantine.c.register_version,
        or_(
            and_(_has_code([unknown]), meter_known),
            _has_code(others),
            false() if unit is None else _has_code([Code.CELL_MISSING.value], column=unit),
        ),
    )


def _more_readings(owner: str) -> ColumnElement[bool]:
    """The line was wrong beside other readings of its meter, and there are more of them since."""
    return and_(
        partner.c.version != quarantine.c.partner_version,
        _has_code([code.value for code in NEIGHBOUR_CODES]),
        or_(_told_since(owner), quarantine.c.serial_key.in_(_radios_read(owner))),
    )


def _told_since(owner: str) -> ColumnElement[bool]:
    """The meter has readings of this delivery or a later one, or of an earlier one whose lines were judged again."""
    origin = deliveries.alias()
    since = (
        select(reading.c.day)
        .join(device, and_(device.c.id == reading.c.device, device.c.partner == owner))
        .join(origin, origin.c.id == reading.c.delivery)
        .where(
            reading.c.partner == owner,
            device.c.serial_key == quarantine.c.serial_key,
            or_(reading.c.delivery >= quarantine.c.delivery, origin.c.revision > 1),
        )
    )
    return since.exists()


def _radios_read(owner: str) -> Select[tuple[str]]:
    """Radio numbers of meters that have readings: a line may name its meter by it. No line is asked for each of them."""
    read = exists().where(reading.c.partner == owner, reading.c.device == device.c.id)
    return select(device.c.radio_key).where(
        device.c.partner == owner, device.c.radio_key != device.c.serial_key, read
    )


def correct(connection: Connection, *, delivery: int, corrected: Mapping[int, bytes]) -> None:
    """Keeps the new bytes of lines, beside those that came."""
    for line, raw in corrected.items():
        connection.execute(
            update(quarantine)
            .where(quarantine.c.id == line_id(delivery=delivery, line=line))
            .values(corrected_raw=raw)
        )


def judged_again(connection: Connection, *, ids: list[int], rules: str, register_version: int) -> None:
    """Says by which rules, register and readings these lines (of one delivery) were last judged and stayed."""
    if not ids:
        return
    judged_by = rule_set_id(connection, rules)
    _, version = _sender(connection, ids[0] // LINES_A_DELIVERY)
    for some in portions(ids):
        connection.execute(
            update(quarantine)
            .where(quarantine.c.id.in_(some))
            .values(rule_set=judged_by, register_version=register_version, partner_version=version)
        )


def waiting(connection: Connection, *, delivery: int) -> Iterator[pd.DataFrame]:
    """The lines of a delivery that still wait for the partner or for us (line, raw), in blocks by line."""
    theirs = quarantine.c.state.in_([state.value for state in WITH_PARTNER])
    return _in_blocks(connection, of_delivery(delivery) & theirs)


def open_of(connection: Connection, *, delivery: int, wanted: Lines) -> Iterator[pd.DataFrame]:
    """Those of the wanted lines that are open (line, raw), in blocks by line."""
    ordered = np.unique(wanted)
    for some in portions(ordered.tolist()):
        within = quarantine.c.id.between(
            line_id(delivery=delivery, line=some[0]), line_id(delivery=delivery, line=some[-1])
        )
        for block in _in_blocks(connection, within & (quarantine.c.state == LineState.OPEN.value)):
            chosen = np.isin(block["line"].to_numpy(dtype=np.int64), ordered)
            if chosen.any():
                yield block.loc[chosen].reset_index(drop=True)


def _in_blocks(connection: Connection, chosen: ColumnElement[bool]) -> Iterator[pd.DataFrame]:
    rows = connection.execute(
        select(quarantine.c.line, quarantine.c.raw).where(chosen).order_by(quarantine.c.id),
        execution_options={"yield_per": _BLOCK},
    )
    for part in rows.partitions(_BLOCK):
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
        serial_key=row.serial_key,
        day=row.day,
        successor_delivery=row.successor_delivery,
        successor_line=row.successor_line,
    )
