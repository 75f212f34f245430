"""Which rows of a large file are settled together? All of a device's, and of its neighbours by id, so many at a time."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from meterdrop.store.spool import Spool, part
from meterdrop.tables import Lines
from meterdrop.validate.arrays import places

ROWS_TOGETHER: Final = 100_000
"""So many rows are settled at once, if no device has more: memory follows this, not the file."""


class DeviceRanges:
    """Counts rows by device while a file is read, and then cuts the devices into ranges of about so many rows."""

    def __init__(self, devices: Lines, *, rows_together: int) -> None:
        """`devices` are all ids there can be, ascending."""
        self._devices = devices
        self._rows = np.zeros(len(devices), dtype=np.int64)
        self._together = rows_together

    def count(self, device: pd.Series) -> None:
        """Rows that were read: their devices, null where none was found."""
        known = device.dropna().to_numpy(dtype=np.int64)
        self._rows += np.bincount(places(known, among=self._devices), minlength=len(self._devices))

    @property
    def are_many(self) -> bool:
        """Whether what was counted makes more than one range."""
        return len(self._bounds()) > 0

    def parts(self, spool: Spool, *, name: str, columns: list[str]) -> Iterator[str]:
        """Names in the spool under which the rows of each range are, in order of devices; a small file has one.

        The parts of a larger one have these columns only, and are removed once the next is asked for.
        """
        bounds = self._bounds()
        if len(bounds) == 0:
            yield name
            return
        for block in spool.blocks(name, columns=columns):
            _spread(block, bounds=bounds, name=name, spool=spool)
        for each in spool.parts(name):
            yield each
            spool.forget(each)

    def _bounds(self) -> Lines:
        """The first device of every range but the first."""
        before = np.cumsum(self._rows) - self._rows
        new = np.flatnonzero(np.diff(before // self._together)) + 1
        return self._devices[new]


def _spread(block: pd.DataFrame, *, bounds: Lines, name: str, spool: Spool) -> None:
    range_ = np.searchsorted(bounds, block["device"].to_numpy(dtype=np.int64), side="right")
    order = np.argsort(range_, kind="stable")
    numbers, first = np.unique(range_[order], return_index=True)
    sorted_block = block.take(order)
    for number, start, end in zip(numbers, first, [*first[1:], len(block)], strict=True):
        spool.add(part(name, int(number)), sorted_block.iloc[start:end].reset_index(drop=True))
