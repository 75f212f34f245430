"""What is stored around a file's readings? What is remembered tells it of newer ones, the database of all others."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from meterdrop.store import neighbours
from meterdrop.store.database import Database
from meterdrop.tables import only
from meterdrop.usecases.judging.known_devices import KnownDevices
from meterdrop.usecases.judging.last_readings import LastReadings


@dataclass(frozen=True)
class StoredReadings:
    """The stored readings of one partner, for the rules."""

    database: Database
    partner: str
    known: KnownDevices
    delta: bool
    without: int | None
    """Readings that this delivery stored count as not stored."""

    def around(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The stored readings at these rows' devices and days and next to them; see `neighbours.around`."""
        if self.known.remembered is None or self.without is not None:
            return self._asked(rows)
        last = self.known.remembered.last
        self._learn(last, rows)
        newer = last.newer(rows, delta=self.delta)
        if newer.all():
            return last.of(rows["device"].to_numpy(dtype=np.int64))
        asked = self._asked(only(rows, ~newer))
        beside = last.of(rows["device"].to_numpy(dtype=np.int64)[newer])
        return pd.concat([beside, asked], ignore_index=True)

    def _learn(self, last: LastReadings, rows: pd.DataFrame) -> None:
        devices = last.not_asked(rows["device"].to_numpy(dtype=np.int64))
        if len(devices) == 0:
            return
        with self.database.reading() as store:
            self.known.check(store)
            found = neighbours.last(store, partner=self.partner, devices=devices)
        last.learn(devices, found=found)

    def _asked(self, rows: pd.DataFrame) -> pd.DataFrame:
        with self.database.reading() as store:
            self.known.check(store)
            return neighbours.around(
                store, partner=self.partner, keys=rows, delta=self.delta, without=self.without
            )
