"""What does a worker remember of a partner from one delivery to the next? Its register and last readings, at one version."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import pandas as pd

from meterdrop.usecases.judging.last_readings import LastReadings

OF_NO_VERSION: Final = -1


@dataclass
class Remembered:
    """A partner's whole register, and the last readings as far as they were asked for, as they were at `version`.

    Every transaction that changes either raises the version in the partner's row; at another version the last readings
    are nothing, and at another `register_version` all of it is.
    """

    version: int
    register_version: int
    register: pd.DataFrame
    last: LastReadings

    @cached_property
    def nbytes(self) -> int:
        """How much memory this takes in the end: asked for after each delivery, and for all partners."""
        return self.last.nbytes + sum(int(self.register[name].nbytes) for name in self.register.columns)


class Memory:
    """What one process remembers of partners, within a number of bytes; the least recently used partner goes first."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._partners: OrderedDict[str, Remembered] = OrderedDict()
        self._passed_over: set[str] = set()
        self._large: set[str] = set()

    def of(self, partner: str, *, version: int, register_version: int) -> Remembered | None:
        """What is remembered of this partner, as far as it is true at these versions."""
        there = self._partners.get(partner)
        if there is None:
            return None
        if there.register_version != register_version:
            self.forget(partner)
            return None
        if there.version != version:  # another worker stored readings of theirs
            there = replace(there, version=version, last=LastReadings(there.last.devices))
            self._partners[partner] = there
        self._partners.move_to_end(partner)
        return there

    def keep(self, partner: str, remembered: Remembered) -> bool:
        """Whether it is kept: False where it alone takes more than there is room for."""
        self.forget(partner)
        if remembered.nbytes > self._most:
            return False
        self._partners[partner] = remembered
        while sum(one.nbytes for one in self._partners.values()) > self._most:
            self._partners.popitem(last=False)
        return True

    def pass_over(self, partner: str) -> None:
        """This partner's readings change while they are judged (old ones are thinned, say): its next file is judged without memory."""
        self.forget(partner)
        self._passed_over.add(partner)

    def is_for(self, partner: str) -> bool:
        """Whether a delivery of this partner may use it; False once after it was passed over."""
        if partner in self._passed_over:
            self._passed_over.discard(partner)
            return False
        return True

    def note_large(self, partner: str) -> None:
        """This partner has so many devices that a small file is no reason to learn them all."""
        self._large.add(partner)

    def is_large(self, partner: str) -> bool:
        """Whether that was noted."""
        return partner in self._large

    def forget(self, partner: str) -> None:
        """From here on nothing is remembered of this partner."""
        self._partners.pop(partner, None)
