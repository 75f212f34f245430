"""Who works on other machines, and what waits for them?"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class WorkerSeen:
    """One `meterdrop worker`, as it last said of itself."""

    name: str
    host: str
    pid: int
    concurrency: int
    """How many partners it loads at once."""
    since: datetime
    seen_at: datetime


@dataclass(frozen=True)
class JobQueue:
    """Jobs of one kind: that wait, that are being done, and that failed for a reason nobody foresaw."""

    name: str
    waiting: int
    doing: int
    failed: int
