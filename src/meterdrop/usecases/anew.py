"""A delivery is judged anew because a person wants it: what becomes of the lines that waited with it?"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from meterdrop.model.delivery import Delivery, State
from meterdrop.model.line_state import LineState
from meterdrop.store import anew, endings, events, successors
from meterdrop.store.bulk import number_column
from meterdrop.store.database import Store
from meterdrop.store.quarantine import line_id
from meterdrop.store.spool import Spool
from meterdrop.tables import LINE, Lines
from meterdrop.usecases.judging.rules import Rules
from meterdrop.usecases.judging.traces import linked

SAME_FILE: Final = "the same file was taken as another delivery"


@dataclass(frozen=True)
class Waited:
    """The lines that waited with a delivery until it was judged anew; and who wanted that, and why."""

    delivery: Delivery
    lines: Lines
    who: str
    why: str | None

    def end_stored(
        self, store: Store, *, still: Lines, rules: Rules, spool: Spool, fingerprint: str, now: datetime
    ) -> None:
        """Lines that are not set aside any more were accepted by whoever wanted the delivery judged."""
        key = self.delivery.id
        stored = np.setdiff1d(self.lines, still)
        endings.end(
            store,
            endings.Chosen(delivery=key, lines=stored.tolist()),
            state=LineState.ACCEPTED,
            who=self.who,
            reason=self.why,
            now=now,
            partner=self.delivery.partner,
            rules=fingerprint,
        )
        readings = linked(rules, spool, lines=stored)
        ids = readings["line"].to_numpy(dtype=np.int64) + line_id(delivery=key, line=0)
        endings.link(store, readings[["device", "day"]].assign(id=pd.Series(ids, dtype=LINE)))

    def end_with_file(self, store: Store, *, settled: Delivery, now: datetime) -> None:
        """The file as a whole came to nothing: its lines go back with it, or another delivery has them."""
        if settled.state is State.REFUSED:
            endings.end(
                store,
                endings.Chosen(delivery=settled.id),
                state=LineState.RETURNED,
                who=self.who,
                reason=self.why,
                now=now,
                partner=settled.partner,
            )
        elif settled.duplicate_of is not None:
            successors.supersede(
                store,
                pd.DataFrame(
                    {
                        "id": pd.Series(self.lines + line_id(delivery=settled.id, line=0), dtype=LINE),
                        "delivery": number_column(settled.duplicate_of, len(self.lines)),
                        "line": pd.Series(self.lines, dtype=LINE),
                    }
                ),
                who=f"delivery:{settled.number}",
                reason=SAME_FILE,
                now=now,
                partner=settled.partner,
            )


def waited(store: Store, delivery: Delivery) -> Waited | None:
    """What waited with a delivery that was judged before; None if it is judged for the first time.

    What was found then is forgotten: it will be told again as far as it still is so.
    """
    if delivery.revision == 0:
        return None
    lines = anew.open_lines(store, delivery=delivery.id)
    anew.forget_findings(store, delivery=delivery.id)
    who, why = events.who_wanted(store, delivery=delivery.id)
    return Waited(delivery=delivery, lines=lines, who=who, why=why)
