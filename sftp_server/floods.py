"""Which audit lines may a stranger cause by the thousand? Those are written sparingly, and the rest are counted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

_MOST_SOURCES: Final = 2000
EVERYBODY: Final = "everybody else"
"""Who is named where too many have lines left out to name each."""


@dataclass(frozen=True)
class Pace:
    """So many lines of one source (a partner, or an address) at once, then so many a second; ten times that of all sources together."""

    at_once: int
    per_second: float


PACES: Final[Mapping[str, Pace]] = {
    "turned-away": Pace(at_once=2, per_second=0.2),
    "left": Pace(at_once=5, per_second=0.2),
    "login.refused": Pace(at_once=50, per_second=1),
    "refused": Pace(at_once=100, per_second=1),
    "failed": Pace(at_once=100, per_second=1),
}
"""All other lines are of somebody who has logged in and did something: each is written."""


@dataclass
class _Bucket:
    tokens: float
    looked: datetime
    left_out: int = 0

    def take(self, *, pace: Pace, times: int, now: datetime) -> bool:
        """Whether one more line keeps within the pace."""
        passed = max((now - self.looked).total_seconds(), 0)
        self.tokens = min(pace.at_once * times, self.tokens + passed * pace.per_second * times)
        self.looked = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Floods:
    """Counts lines by event and source. Times come in; nothing here looks at the clock."""

    def __init__(self, paces: Mapping[str, Pace] = PACES) -> None:
        self._paces = paces
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._of_all: dict[str, _Bucket] = {}

    def admit(self, event: str, source: str, *, now: datetime) -> int | None:
        """How many lines were left out before this one; None if this one is left out, too."""
        pace = self._paces.get(event)
        if pace is None:
            return 0
        bucket = self._bucket(event, source, pace=pace, now=now)
        everybody = self._of_all.setdefault(event, _Bucket(tokens=10 * pace.at_once, looked=now))
        if bucket.take(pace=pace, times=1, now=now) and everybody.take(pace=pace, times=10, now=now):
            left_out, bucket.left_out = bucket.left_out, 0
            return left_out
        bucket.left_out += 1
        return None

    def _bucket(self, event: str, source: str, *, pace: Pace, now: datetime) -> _Bucket:
        """The bucket of a source, newest last; the one not seen for longest falls out, and its count goes to everybody."""
        bucket = self._buckets.pop((event, source), None) or _Bucket(tokens=pace.at_once, looked=now)
        self._buckets[(event, source)] = bucket
        if len(self._buckets) > _MOST_SOURCES:
            oldest = next(iter(self._buckets))
            gone = self._buckets.pop(oldest)
            if gone.left_out:
                self._of_all[oldest[0]].left_out += gone.left_out
        return bucket

    def take_left_out(self, *, most: int = 20) -> Iterator[tuple[str, str, int]]:
        """Event, source and count of lines that were left out and not told yet; of few sources, and of everybody else."""
        told = 0
        for (event, source), bucket in list(self._buckets.items()):
            if not bucket.left_out:
                continue
            if told < most:
                told += 1
                yield event, source, bucket.left_out
            else:
                self._of_all[event].left_out += bucket.left_out
            bucket.left_out = 0
        for event, everybody in self._of_all.items():
            if everybody.left_out:
                yield event, EVERYBODY, everybody.left_out
                everybody.left_out = 0
