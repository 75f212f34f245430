"""A delivery is judged anew: which of its quarantined lines wait on, which are new among them, which end?"""

import numpy as np
import pandas as pd
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    Integer,
    MetaData,
    Table,
    Text,
    delete,
    select,
    update,
)

from meterdrop.model.line_state import LineState
from meterdrop.store import finding_history
from meterdrop.store import quarantine as lines_of_all
from meterdrop.store.quarantine import NAMES, line_id, of_delivery, wait
from meterdrop.store.schema import finding, quarantine
from meterdrop.store.temporary import temporary
from meterdrop.tables import LINE, TEXT, Lines

# No primary key: SQLite goes through these rows and looks each line up.
_NAMED = Table(
    "named_anew",
    MetaData(),
    Column("id", BigInteger, nullable=False),
    Column("serial_key", Text),
    Column("day", Date),
    Column("owner", Text),
    Column("kind_rank", Integer),
    prefixes=["TEMPORARY"],
)


def open_lines(connection: Connection, *, delivery: int) -> Lines:
    """The numbers of a delivery's open lines, in order."""
    rows = connection.execute(
        select(quarantine.c.line)
        .where(of_delivery(delivery), quarantine.c.state == LineState.OPEN.value)
        .order_by(quarantine.c.id)
    )
    return np.fromiter(rows.scalars(), dtype=np.int64)


def reopen(connection: Connection, *, delivery: int) -> None:
    """Lines that were returned with their delivery wait again with it."""
    again = connection.execute(
        update(quarantine)
        .where(of_delivery(delivery), quarantine.c.state == LineState.RETURNED.value)
        .values(
            state=LineState.OPEN.value,
            version=quarantine.c.version + 1,
            resolved_at=None,
            resolved_by=None,
            reason=None,
        )
    ).rowcount
    wait(connection, delivery=delivery, more=again, returned=-again)


def forget_findings(connection: Connection, *, delivery: int) -> None:
    """What was said of a delivery and its lines when it was judged before; of lines set aside it is remembered."""
    finding_history.keep_all(connection, delivery=delivery)
    connection.execute(delete(finding).where(finding.c.delivery == delivery))


def set_aside(
    connection: Connection, *, rows: pd.DataFrame, delivery: int, rules: str, register_version: int
) -> None:
    """Sets lines aside, some of which may be set aside already; `rows` as of `quarantine.add`, in order of line."""
    if len(rows) == 0:
        return
    numbers = rows["line"].to_numpy(dtype=np.int64)
    known = _known(connection, delivery=delivery, first=int(numbers[0]), last=int(numbers[-1]))
    again = np.isin(numbers, known)
    lines_of_all.add(
        connection,
        rows=rows.loc[~again].reset_index(drop=True),
        delivery=delivery,
        rules=rules,
        register_version=register_version,
    )
    _rename(connection, rows.loc[again], delivery=delivery)
    lines_of_all.judged_again(
        connection,
        ids=[line_id(delivery=delivery, line=int(line)) for line in numbers[again]],
        rules=rules,
        register_version=register_version,
    )


def _known(connection: Connection, *, delivery: int, first: int, last: int) -> Lines:
    rows = connection.execute(
        select(quarantine.c.line).where(
            quarantine.c.id.between(
                line_id(delivery=delivery, line=first), line_id(delivery=delivery, line=last)
            )
        )
    )
    return np.fromiter(rows.scalars(), dtype=np.int64)


def _rename(connection: Connection, rows: pd.DataFrame, *, delivery: int) -> None:
    """Another profile may tell another meter and day."""
    if len(rows) == 0 or "serial_key" not in rows.columns:
        return
    ids = rows["line"].to_numpy(dtype=np.int64) + line_id(delivery=delivery, line=0)
    named = rows.reindex(columns=list(NAMES)).astype({"owner": TEXT, "kind_rank": LINE})
    named = named.reset_index(drop=True).assign(id=pd.Series(ids, dtype=LINE))
    with temporary(connection, _NAMED, named):
        connection.execute(
            update(quarantine)
            .values({name: _NAMED.c[name] for name in NAMES})
            .where(quarantine.c.id == _NAMED.c.id)
        )
