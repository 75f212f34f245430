"""What a settled snapshot changes in the register, on its way from judging to the database."""

from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.store import devices, events, following
from meterdrop.store.bulk import number_column
from meterdrop.store.database import Store
from meterdrop.store.following import Followed
from meterdrop.store.spool import Spool
from meterdrop.tables import LINE, decimal_text
from meterdrop.usecases.judging.publication import Publication
from meterdrop.validate.arrays import Mask, Numbers, arrow
from meterdrop.validate.changes import Settled
from meterdrop.validate.matching import differing
from meterdrop.validate.periods import NOBODY
from meterdrop.validate.register import EXCHANGE_OUT
from meterdrop.validate.snapshot import FACTS
from meterdrop.validate.turnover import cause_of, day_column, renewed_numbers

_HISTORY: Final = [*FACTS, "installed_to"]
"""What the audit remembers of a device that changed."""
_BEFORE: Final = "before_"

_ADDED, _SEEN, _TOLD, _CHANGED = "devices-added", "devices-seen", "devices-told", "devices-changed"
"""Names in the spool: new devices; known ones that were named; those told otherwise; all that are otherwise now."""
_RENEWED: Final = "devices-renewed"
"""And numbers whose readings may belong to another service of theirs now."""


def keep(settled: Settled, *, spool: Spool) -> None:
    """Lays out what `publish` will write."""
    register = settled.register
    new = register.base == NOBODY
    frame = register.frame.assign(installed_to=day_column(settled.end))
    added = frame.loc[new].reset_index(drop=True)
    spool.add(_ADDED, added.assign(line=pd.Series(settled.lines[new], dtype=LINE)))
    spool.add(_SEEN, _known(settled, register.touched & ~new, frame=frame[["seen_on"]]))
    told = settled.facts_changed
    spool.add(_TOLD, _known(settled, told, frame=frame[[]]).assign(line=_lines(settled.lines[told])))
    changed = told | (~new & (settled.end != settled.before))
    then = settled.known[_HISTORY].iloc[register.base[changed]].reset_index(drop=True)
    now = _known(settled, changed, frame=frame[["partner", *_HISTORY]])
    both = pd.concat([now, then.add_prefix(_BEFORE)], axis="columns")
    line = np.where(told, settled.lines, cause_of(settled))
    spool.add(_CHANGED, both.assign(line=_lines(line[changed])))
    spool.add(_RENEWED, renewed_numbers(settled))


def _known(settled: Settled, chosen: Mask, *, frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of the chosen services, all of them known before, with their ids."""
    ids = settled.known["device"].iloc[settled.register.base[chosen]].reset_index(drop=True)
    columns = frame.loc[chosen].reset_index(drop=True)
    columns.insert(0, "device", ids)
    return columns


def _lines(line: Numbers) -> pd.Series:
    return pd.Series(pa.array(line, pa.int64(), mask=line == NOBODY), dtype=LINE)


def owners(spool: Spool) -> frozenset[str]:
    """Whose register is going to change."""
    return frozenset(
        str(owner)
        for name in (_ADDED, _CHANGED)
        for block in spool.blocks(name)
        for owner in set(block["partner"])
    )


def publish(store: Store, *, spool: Spool, publication: Publication) -> None:
    """Writes it down, with an event for each device that changed."""
    for block in spool.blocks(_SEEN):
        devices.change(store, block.assign(seen_in=number_column(publication.delivery, len(block))))
    for block in spool.blocks(_TOLD):
        devices.change(store, block.assign(delivery=number_column(publication.delivery, len(block))))
    for block in spool.blocks(_CHANGED):
        devices.change(store, block[["device", *_HISTORY]])
        events.tell_each(
            store,
            at=publication.now,
            who=publication.who,
            what="device.changed",
            delivery=publication.delivery,
            why=publication.why,
            acts=_acts(block),
        )
    for block in spool.blocks(_ADDED):
        delivery = number_column(publication.delivery, len(block))
        devices.add(store, block.assign(delivery=delivery, seen_in=delivery))
    for block in spool.blocks(_RENEWED):
        followed = following.follow(store, numbers=block, read_out=EXCHANGE_OUT)
        events.tell_each(
            store,
            at=publication.now,
            who=publication.who,
            what="device.readings-followed",
            delivery=publication.delivery,
            why=publication.why,
            acts=[_followed(one, delivery=publication.delivery) for one in followed],
        )


def _followed(one: Followed, *, delivery: int) -> dict[str, Any]:
    """Readings that went with their meter, on the line that told of its other service, if it is one of this delivery."""
    days = {"first": str(one.first), "last": str(one.last)}
    return {
        "partner": one.partner,
        "line": one.line if one.delivery == delivery else None,
        "before": {"device": one.before},
        "after": {"device": one.after, "readings": one.readings, **days},
    }


def _acts(changed: pd.DataFrame) -> list[dict[str, Any]]:
    """For each changed device what it was and what it is now: only what differs, as texts."""
    before: list[dict[str, object]] = [{} for _ in range(len(changed))]
    after: list[dict[str, object]] = [{} for _ in range(len(changed))]
    for name in _HISTORY:
        where = np.flatnonzero(differing(changed[_BEFORE + name], changed[name]))
        for told, column in ((before, changed[_BEFORE + name]), (after, changed[name])):
            for at, cell in zip(where, _texts(column.iloc[where]), strict=True):
                told[at][name] = cell
    lines = pa.array(changed["line"]).to_pylist()
    named = changed[["device", "partner"]].itertuples(index=False)
    return [
        {
            "partner": partner,
            "line": line,
            "before": {"device": device, **was},
            "after": {"device": device, **now},
        }
        for (device, partner), line, was, now in zip(named, lines, before, after, strict=True)
    ]


def _texts(column: pd.Series) -> list[object]:
    cells = arrow(column)
    if pa.types.is_decimal(cells.type):
        cells = decimal_text(cells)
    elif pa.types.is_date32(cells.type):
        cells = pc.cast(cells, pa.string())
    texts: list[object] = cells.to_pylist()
    return texts
