"""Whose rows are stored, by whom and why? What every target writes beside them."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.store.quarantine import line_id
from meterdrop.tables import LINE, Lines


@dataclass(frozen=True)
class Publication:
    """Whose rows are stored, by whom and why (None: because they came), and which of its lines were in quarantine."""

    delivery: int
    partner: str
    who: str
    why: str | None
    now: datetime
    quarantined: Lines

    def quarantine_of(self, line: pd.Series) -> pd.Series:
        """The quarantined line that each of these lines was; null for one that was none."""
        numbers = line.to_numpy(dtype=np.int64)
        ids = pa.array(numbers + line_id(delivery=self.delivery, line=0))
        was = pa.array(np.isin(numbers, self.quarantined))
        return pd.Series(pc.if_else(was, ids, pa.scalar(None, pa.int64())), dtype=LINE, index=line.index)
