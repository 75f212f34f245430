"""A settled delivery changed: its counts, findings, receipt and rejects file are told anew."""

from collections.abc import Iterator
from typing import Final

import pandas as pd

from meterdrop.model.delivery import Delivery, LineCounts, State
from meterdrop.model.layout import Layout
from meterdrop.store import deliveries, findings, quarantine
from meterdrop.store.database import Store
from meterdrop.store.deliveries import Judgement
from meterdrop.usecases.publish import Publisher

_TOLD_ANEW: Final = frozenset({State.PARTLY_ACCEPTED, State.HELD})


def resettle(
    store: Store,
    publisher: Publisher,
    *,
    delivery: Delivery,
    lines: LineCounts,
    layout: Layout,
    language: str,
) -> Delivery:
    """Writes the new counts and asks for a new receipt, inside the caller's transaction.

    A held delivery stays held, whatever becomes of its lines. One that was refused or set aside has no rejects file,
    and one that is being loaded anew is settled by whoever loads it: nothing to tell.
    """
    if delivery.state not in _TOLD_ANEW:
        return delivery
    taken = State.ACCEPTED if lines.quarantined == 0 else State.PARTLY_ACCEPTED
    state = State.HELD if delivery.state is State.HELD else taken
    judgement = Judgement(
        state=state,
        lines=lines,
        findings_by_code=findings.counts_by_code(store, delivery=delivery.id),
        feed=delivery.feed,
        rules=delivery.rules,
        parent=delivery.parent,
    )
    settled = deliveries.settle(store, delivery_before=delivery, judgement=judgement, now=publisher.clock())
    blob = publisher.keep_rejects(_waiting(store, delivery=delivery.id), layout=layout, language=language)
    publisher.tell(store, settled, before=delivery, language=language, rejects_blob=blob)
    return settled


def _waiting(store: Store, *, delivery: int) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    for rows in quarantine.waiting(store, delivery=delivery):
        first, last = int(rows["line"].iloc[0]), int(rows["line"].iloc[-1])
        yield rows, findings.frame_of_lines(store, delivery=delivery, first=first, last=last)
