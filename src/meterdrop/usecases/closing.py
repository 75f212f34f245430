"""A corrected upload ends what it corrects: the quarantined lines of earlier deliveries in whose place its lines came."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from meterdrop.model.delivery import Delivery
from meterdrop.model.feed import Agreement, Target
from meterdrop.store import deliveries, successors
from meterdrop.store.bulk import number_column
from meterdrop.store.database import Store
from meterdrop.store.spool import Spool
from meterdrop.usecases.judging.rules import Rules
from meterdrop.usecases.judging.traces import corrected_by_key, corrected_by_line, linked, meters_of, ranks_of
from meterdrop.usecases.kept import kept_layout
from meterdrop.usecases.publish import Publisher
from meterdrop.usecases.resettle import resettle
from meterdrop.validate.repeats import ACTUAL

SENT_AGAIN: Final = "sent again in the rejects file"
TOLD_LATER: Final = "told by a later delivery"
"""Why a line was superseded, in the audit."""


@dataclass(frozen=True)
class Corrections:
    """The lines of one delivery that may have come in place of others, as judging left them in the spool."""

    agreement: Agreement
    rules: Rules
    spool: Spool
    traced: bool
    """Whether the meter and day of good lines were kept."""

    def close(self, store: Store, publisher: Publisher, *, settled: Delivery, now: datetime) -> None:
        """Ends what this delivery corrects and tells it anew, inside the transaction that stores the delivery.

        First line by line as a rejects file says it; then every line of an earlier delivery of the same feed whose
        meter and day are told now.
        """
        touched = {
            *self._close(store, self._by_line(store, settled), settled=settled, why=SENT_AGAIN, now=now),
            *self._close(store, self._by_key(store, settled), settled=settled, why=TOLD_LATER, now=now),
        }
        for key in sorted(touched):
            self._tell_anew(store, publisher, deliveries.get(store, key))

    def _by_line(self, store: Store, settled: Delivery) -> pd.DataFrame | None:
        if settled.parent is None or deliveries.get(store, settled.parent).feed != settled.feed:
            return None
        return corrected_by_line(self.spool, parent=settled.parent)

    def _by_key(self, store: Store, settled: Delivery) -> pd.DataFrame | None:
        if not self.traced:
            return None
        waiting = successors.keys_with_partner(
            store,
            partner=settled.partner,
            feed=str(settled.feed),
            before=settled.id,
            serial_keys=meters_of(self.spool),
        )
        pairs = corrected_by_key(self.spool, waiting=waiting, sender=settled.partner)
        return self._but_of_better_kind(store, pairs).drop(columns="kind_rank")

    def _but_of_better_kind(self, store: Store, pairs: pd.DataFrame) -> pd.DataFrame:
        """A reading ends no line of a better kind that is right by itself: that one takes its place in the end."""
        if len(pairs) == 0 or self.agreement.feed.target is not Target.READINGS:
            return pairs
        ranks = ranks_of(self.spool, lines=pairs["line"].to_numpy(dtype=np.int64))
        worse = ranks < pairs["kind_rank"].fillna(ACTUAL).to_numpy(dtype=np.int64)
        waiting = successors.that_may_come_in(store, ids=pairs.loc[worse, "id"].tolist())
        return pairs.loc[~(worse & pairs["id"].isin(waiting).to_numpy())].reset_index(drop=True)

    def _close(
        self, store: Store, pairs: pd.DataFrame | None, *, settled: Delivery, why: str, now: datetime
    ) -> tuple[int, ...]:
        if pairs is None or len(pairs) == 0:
            return ()
        readings = linked(self.rules, self.spool, lines=pairs["line"].to_numpy(dtype=np.int64))
        return successors.supersede(
            store,
            pairs.merge(readings, on="line", how="left").assign(
                delivery=number_column(settled.id, len(pairs))
            ),
            who=f"delivery:{settled.number}",
            reason=why,
            now=now,
            partner=settled.partner,
        )

    def _tell_anew(self, store: Store, publisher: Publisher, earlier: Delivery) -> None:
        layout = kept_layout(store, earlier.id, agreement=self.agreement)
        if layout is not None:
            resettle(
                store,
                publisher,
                delivery=earlier,
                lines=earlier.lines,
                layout=layout,
                language=self.agreement.language,
            )
