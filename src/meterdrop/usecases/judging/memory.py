"""What does a worker remember of a partner from one delivery to the next? Its register and last readings, at one version."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import pandas as pd

from meterdrop.usecases.judging.last_readings import LastReadings

OF_NO_VERSION: Final = -1


@dataclass
class Remembered:
    """A partner's whole register, and the last readings as far as they were asked for, as they were at `version`.

    Every transaction that changes either raises the version in the partner's row; at another version this is nothing.
    """

    version: int
    register: pd.DataFrame
    last: LastReadings

    @property
    def nbytes(self) -> int:
        """How much memory this takes in the end."""
        return self.last.nbytes + sum(int(self.register[name].nbytes) for name in self.register.columns)


class Memory:
    """What one process remembers of partners, within a number of bytes; the least recently used partner goes first."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._partners: OrderedDict[str, Remembered] = OrderedDict()
        self._passed_over: set[str] = set()

    def of(self, partner: str, *, version: int) -> Remembered | None:
        """What is remembered of this partner, if it is true at this version."""
        there = self._partners.get(partner)
        if there is None:
            return None
        if there.version != version:
            self.forget(partner)
            return None
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

    def forget(self, partner: str) -> None:
        """From here on nothing is remembered of this partner."""
        self._partners.pop(partner, None)
