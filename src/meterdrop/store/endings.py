"""How do many quarantined lines end at once? One statement for all of them, and the audit of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import pandas as pd
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Date,
    MetaData,
    ScalarSelect,
    Select,
    Table,
    Text,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from meterdrop.model.codes import Severity
from meterdrop.model.errors import TryAgain
from meterdrop.model.line_state import LineState, may_end
from meterdrop.store.bulk import portions
from meterdrop.store.columns import JsonText
from meterdrop.store.quarantine import line_id, of_delivery, rule_set_id, wait
from meterdrop.store.schema import LINES_A_DELIVERY, event, finding, quarantine
from meterdrop.store.temporary import temporary

_READING = Table(
    "reading_of_line",
    MetaData(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("device", BigInteger),
    Column("day", Date),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True)
class Chosen:
    """Which open lines of one delivery are meant: all, those with a finding, or these."""

    delivery: int
    code: str | None = None
    lines: Sequence[int] | None = None
    nothing_but: frozenset[str] | None = None
    """Only lines that have no other errors than of these codes."""

    def parts(self) -> Iterator[ColumnElement[bool]]:
        """Conditions that together name the lines: a statement takes only so many numbers."""
        these = of_delivery(self.delivery) & (quarantine.c.state == LineState.OPEN.value)
        if self.code is not None:
            these &= exists().where(
                finding.c.delivery == self.delivery,
                finding.c.line == quarantine.c.line,
                finding.c.code == self.code,
            )
        if self.nothing_but is not None:
            these &= ~exists().where(
                finding.c.delivery == self.delivery,
                finding.c.line == quarantine.c.line,
                finding.c.severity == Severity.ERROR.value,
                finding.c.code.not_in(self.nothing_but),
            )
        if self.lines is None:
            yield these
            return
        for some in portions([self.delivery * LINES_A_DELIVERY + line for line in self.lines]):
            yield these & quarantine.c.id.in_(some)


def count(connection: Connection, chosen: Chosen) -> int:
    """How many lines are meant."""
    return sum(
        connection.execute(select(func.count()).select_from(quarantine).where(part)).scalar_one()
        for part in chosen.parts()
    )


def numbers(connection: Connection, chosen: Chosen) -> list[int]:
    """The numbers of the lines that are meant, by line."""
    found = [
        line
        for part in chosen.parts()
        for line in connection.execute(select(quarantine.c.line).where(part)).scalars()
    ]
    return sorted(found)


def end(
    connection: Connection,
    chosen: Chosen,
    *,
    state: LineState,
    who: str,
    reason: str | None,
    now: datetime,
    partner: str,
    rules: str | None = None,
    cells: Mapping[str, tuple[str | None, str]] = MappingProxyType({}),
) -> int:
    """Ends the wait of these lines, each told in the audit; how many there were.

    `rules` is the fingerprint by which they were judged last, if they were judged for this; `cells` has what was
    changed in them by heading, before and after.
    """
    if not may_end(old=LineState.OPEN, new=state):
        raise ValueError(f"an open line can't become {state}")
    before = {"cells": {heading: old for heading, (old, _) in cells.items()}} if cells else {}
    after = {"cells": {heading: new for heading, (_, new) in cells.items()}} if cells else {}
    judged_by = {} if rules is None else {"rule_set": rule_set_id(connection, rules)}
    ended = 0
    for part in chosen.parts():
        tell_each(
            connection,
            select(quarantine).where(part),
            what=state,
            who=who,
            now=now,
            partner=partner,
            why=reason,
            before=literal({"state": LineState.OPEN.value, **before}, JsonText),
            after=literal({"state": state.value, **after}, JsonText),
        )
        ended += connection.execute(
            update(quarantine)
            .where(part)
            .values(
                state=state.value,
                version=quarantine.c.version + 1,
                resolved_at=now,
                resolved_by=who,
                reason=reason,
                **judged_by,
            )
        ).rowcount
    returned = ended if state is LineState.RETURNED else 0
    wait(connection, delivery=chosen.delivery, more=-ended, returned=returned)
    return ended


def refuse_changed(connection: Connection, *, delivery: int, versions: Mapping[int, int]) -> None:
    """`TryAgain` if a line (line -> version) is another one than it was when somebody looked at it, or ended."""
    for some in portions(sorted(versions)):
        ids = [line_id(delivery=delivery, line=line) for line in some]
        found = connection.execute(
            select(quarantine.c.line, quarantine.c.version).where(
                quarantine.c.id.in_(ids), quarantine.c.state == LineState.OPEN.value
            )
        )
        if {row.line: row.version for row in found} != {line: versions[line] for line in some}:
            raise TryAgain("a quarantined line was changed by someone else meanwhile: look at it again")


def link(connection: Connection, readings: pd.DataFrame) -> None:
    """Says which reading tells what these lines told: quarantined line `id`, its `device` and `day`."""
    with temporary(connection, _READING, readings):
        connection.execute(
            update(quarantine)
            .where(quarantine.c.id.in_(select(_READING.c.id)))
            .values(reading_device=of_its(_READING, "device"), reading_day=of_its(_READING, "day"))
        )


def of_its(table: Table, name: str) -> ScalarSelect[object]:
    """A quarantined line's cell of a table that has its id."""
    return select(table.c[name]).where(table.c.id == quarantine.c.id).scalar_subquery()


def tell_each(
    connection: Connection,
    lines: Select[tuple[object, ...]],
    *,
    what: LineState,
    who: str,
    now: datetime,
    partner: str,
    why: str | None,
    before: ColumnElement[object],
    after: ColumnElement[object],
) -> None:
    """The same end of many lines in the audit, each told by itself; `lines` selects from the quarantine."""
    told = lines.with_only_columns(
        literal(now, event.c.at.type),
        literal(who, Text),
        literal(f"quarantine.{what.value}", Text),
        literal(partner, Text),
        quarantine.c.delivery,
        quarantine.c.line,
        before,
        after,
        literal(why, Text),
    ).order_by(quarantine.c.id)
    names = ["at", "who", "what", "partner", "delivery", "line", "before", "after", "why"]
    connection.execute(insert(event).from_select(names, told))
