"""Which devices may a file's readings be of? Those that it names while they are few, else all of the partner's."""

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.store import partners, register
from meterdrop.store.database import Database, Store
from meterdrop.tables import Lines, only
from meterdrop.usecases.judging.device_ranges import DeviceRanges
from meterdrop.usecases.judging.last_readings import LastReadings
from meterdrop.usecases.judging.memory import OF_NO_VERSION, Memory, Remembered
from meterdrop.usecases.judging.rules import readings_changed, register_changed
from meterdrop.validate.arrays import arrow

_FEW: Final = 1000
"""So many names are looked up one by one: a hundred readings need not wait for a register of a million devices."""
_SMALL: Final = 5_000
"""So many devices are read in some 20 ms, once; the next file of a few readings asks for none of them."""
_QUICK: Final = 100_000
"""In so many devices that are remembered a few names are found as soon as by the database."""


class KnownDevices:
    """A partner's register as one delivery is judged by it, at one version; and how many rows each device has.

    With a `memory` the whole register and the last readings that were asked for are there for the next delivery.
    """

    def __init__(
        self, *, database: Database, partner: str, by_radio: bool, rows_together: int, memory: Memory
    ) -> None:
        """`by_radio`: a reading may name its device by the radio's number, by which none can be looked up."""
        self._database, self._partner, self._memory = database, partner, memory
        self._together = rows_together
        self._whole_from_the_start = by_radio
        with database.reading() as store:
            known = partners.find(store, partner)
        self.version = 0 if known is None else known.version
        self.register_version = 0 if known is None else known.register_version
        self._remembers = memory.is_for(partner)
        self._remembered = (
            memory.of(partner, version=self.version, register_version=self.register_version)
            if self._remembers
            else None
        )
        self._stores = False
        self.frame = register.nothing()
        self._is_whole = False
        self._first: pd.Series | None = None
        """The devices of the first block's rows, for as long as the file may be of that block alone."""
        self.ranges = DeviceRanges(_ids(self.frame), rows_together=rows_together)

    @property
    def remembered(self) -> Remembered | None:
        """What is remembered of the partner, as long as it is what was there at the beginning and what was stored since."""
        there = self._remembered
        is_true = there is not None and (self._stores or there.version == self.version)
        return there if is_true else None

    def bearing(self, names: pd.Series) -> pd.DataFrame:
        """The register, as far as rows of these names need it."""
        if not self._is_whole:
            keys = None
            if self._first is None and not self._whole_from_the_start:
                distinct = pc.unique(arrow(names).drop_null())
                keys = distinct if len(distinct) <= _FEW else None
            self._load(keys)
        return self.frame

    def count(self, device: pd.Series) -> None:
        """Rows that were judged: their devices, null where none was found."""
        if not self._is_whole:
            self._first = device
        self.ranges.count(device)

    def check(self, store: Store) -> None:
        """`TryAgain` if the register is not that of the beginning any more, or the readings that are remembered are not.

        What was read from the database itself is not changed by others meanwhile, but for old readings that are taken away.
        """
        now = partners.find(store, self._partner)
        if now is None:
            return
        if now.register_version != self.register_version:
            raise register_changed(self._partner)
        if self._remembered is not None and now.version != self.version:
            self._memory.pass_over(self._partner)
            raise readings_changed(self._partner)

    def _load(self, keys: pa.Array | None) -> None:
        self.frame = self._whole() if keys is None else self._bearing(keys)
        self._is_whole = keys is None
        self.ranges = DeviceRanges(_ids(self.frame), rows_together=self._together)
        if self._first is not None:
            self.ranges.count(self._first)
            self._first = None

    def _bearing(self, keys: pa.Array) -> pd.DataFrame:
        """The devices of these names, from what is remembered if they are found there as soon as by the database."""
        if self.remembered is not None or self._is_small():
            whole = self._whole()
            if len(whole) <= _QUICK:
                return only(whole, pc.is_in(arrow(whole["key"]), keys).to_numpy(zero_copy_only=False))
        return self._asked(keys.to_pylist())

    def _whole(self) -> pd.DataFrame:
        """All devices, to be remembered if there is room for so many."""
        if self.remembered is not None:
            return self.remembered.register
        frame = self._asked(None)
        remembered = Remembered(
            version=self.version,
            register_version=self.register_version,
            register=frame,
            last=LastReadings(_ids(frame)),
        )
        if self.version and self._remembers and self._memory.keep(self._partner, remembered):
            self._remembered = remembered
        return frame

    def _is_small(self) -> bool:
        """Whether the register is so small that all of it is learned rather than a few of its devices again and again."""
        if not self._remembers or self._memory.is_large(self._partner):
            return False
        with self._database.reading() as store:
            small = register.has_at_most(store, _SMALL, partner=self._partner)
        if not small:
            self._memory.note_large(self._partner)
        return small

    def _asked(self, keys: list[str] | None) -> pd.DataFrame:
        with self._database.reading() as store:
            self.check(store)
            return register.facts(store, partner=self._partner, keys=keys)

    def let_go(self) -> None:
        """Readings are being stored: what is remembered is nobody else's until that is committed."""
        self._memory.forget(self._partner)
        self._stores = True
        if self._remembered is not None:
            self._remembered.version = OF_NO_VERSION

    def move_on(self, rows: pd.DataFrame) -> None:
        """These readings were stored, in order of device and day; `remember` says when it is committed.

        A thread may call it while another asks for readings of other devices.
        """
        if self._remembered is not None:
            self._remembered.last.move_on(rows)

    def remember(self, *, version: int) -> None:
        """What was stored is committed, and the partner's row has this version."""
        if self._remembered is not None:
            self._remembered.version = version
            self._memory.keep(self._partner, self._remembered)


def _ids(frame: pd.DataFrame) -> Lines:
    return frame["device"].to_numpy(dtype=np.int64)
