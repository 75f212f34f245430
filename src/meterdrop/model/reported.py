"""What does a report tell of a quarantined line, and of a partner's day?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from meterdrop.model.delivery import LineCounts
from meterdrop.model.finding import Finding


@dataclass(frozen=True, slots=True)
class ReportedLine:
    """A quarantined line, why it was set aside, and what became of it.

    `raw` has the line's bytes as they came, `corrected` the ones a reviewer put in their place. `serial` and `day`
    name the reading that came of it; the successor is the line that came in its place.
    """

    id: int
    line: int
    raw: bytes
    corrected: bytes | None
    state: str
    resolved_at: datetime | None
    resolved_by: str | None
    reason: str | None
    serial: str | None
    day: date | None
    successor_delivery: int | None
    successor_line: int | None
    findings: tuple[Finding, ...]
    found_before: tuple[Finding, ...] = ()
    """What was found before the line was stored."""

    @property
    def every_finding(self) -> tuple[Finding, ...]:
        """Why the line was set aside, and what else is said of it now: each code once, as it was found first."""
        known = {one.code for one in self.found_before}
        return (*self.found_before, *(one for one in self.findings if one.code not in known))


@dataclass(frozen=True)
class DayOfDelivery:
    """A delivery of a day, in short. `state` is the one it has now."""

    delivery: str
    file: str
    feed: str | None
    state: str
    accepted: int
    quarantined: int


@dataclass(frozen=True)
class PartnerDay:
    """What came from a partner on one day (Europe/Prague), and what became of its lines in quarantine.

    `deliveries` are those that came on the day; `by_state`, `lines` and `findings_by_code` are theirs, added up.
    `corrections` counts readings that were replaced on the day, `acts` what was done to quarantined lines on the
    day (`quarantine.corrected` and so on), whatever day they came. The `open…` ones are as of now.
    """

    partner: str
    name: str
    deliveries: tuple[DayOfDelivery, ...]
    by_state: Mapping[str, int]
    lines: LineCounts
    findings_by_code: Mapping[str, int]
    corrections: int
    acts: Mapping[str, int]
    open_lines: int
    oldest_open: "OldestOpen | None"
    last_received: datetime | None
    silent: bool


@dataclass(frozen=True)
class OldestOpen:
    """The quarantined line that waits longest: where it is, and since when."""

    delivery: str
    file: str
    line: int
    since: datetime
