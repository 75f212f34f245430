"""Which devices may a file's readings be of? Those that it names while they are few, else all of the partner's."""

from typing import Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from meterdrop.store import partners, register
from meterdrop.store.database import Database
from meterdrop.tables import Lines
from meterdrop.usecases.judging.device_ranges import DeviceRanges
from meterdrop.usecases.judging.rules import register_changed
from meterdrop.validate.arrays import arrow

_FEW: Final = 1000
"""So many names are looked up one by one: a hundred readings need not wait for a register of a million devices."""


class KnownDevices:
    """A partner's register as one delivery is judged by it, at one version; and how many rows each device has."""

    def __init__(self, *, database: Database, partner: str, by_radio: bool, rows_together: int) -> None:
        """`by_radio`: a reading may name its device by the radio's number, by which none can be looked up."""
        self._database, self._partner = database, partner
        self._together = rows_together
        self._whole_from_the_start = by_radio
        with database.reading() as store:
            self.version = partners.register_version(store, partner)
        self.frame = register.nothing()
        self._is_whole = False
        self._first: pd.Series | None = None
        """The devices of the first block's rows, for as long as the file may be of that block alone."""
        self.ranges = DeviceRanges(_ids(self.frame), rows_together=rows_together)

    def bearing(self, names: pd.Series) -> pd.DataFrame:
        """The register, as far as rows of these names need it."""
        if not self._is_whole:
            keys = None
            if self._first is None and not self._whole_from_the_start:
                distinct = pc.unique(arrow(names).drop_null())
                keys = distinct.to_pylist() if len(distinct) <= _FEW else None
            self._load(keys)
        return self.frame

    def count(self, device: pd.Series) -> None:
        """Rows that were judged: their devices, null where none was found."""
        if not self._is_whole:
            self._first = device
        self.ranges.count(device)

    def _load(self, keys: list[str] | None) -> None:
        with self._database.reading() as store:
            version = partners.register_version(store, self._partner)
            if version != self.version:
                raise register_changed(self._partner)
            self.frame = register.facts(store, partner=self._partner, keys=keys)
        self._is_whole = keys is None
        self.ranges = DeviceRanges(_ids(self.frame), rows_together=self._together)
        if self._first is not None:
            self.ranges.count(self._first)
            self._first = None


def _ids(frame: pd.DataFrame) -> Lines:
    return frame["device"].to_numpy(dtype=np.int64)
