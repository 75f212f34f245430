"""Who knocks too often? A score for each address, and a ban that outlives a restart."""

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sftp_server.audit import timestamp, warn
from sftp_server.networks import source_of
from sftp_server.settings import Settings

WRONG_KEY = 1
NO_SUCH_PARTNER = 2
TOO_MANY_TRIES = 3
_MOST_ADDRESSES = 10_000
"""How many addresses are remembered at once: an attacker with many must not fill the memory."""


@dataclass
class _Record:
    points: deque[tuple[datetime, int]] = field(default_factory=deque)
    tokens: float = 0
    last_knock: datetime | None = None


class Bans:
    """Scores, connection rates and bans. Times come in; nothing here looks at the clock."""

    def __init__(self, *, file: Path, settings: Settings) -> None:
        self._file = file
        self._settings = settings
        self._records: dict[str, _Record] = {}
        self._until: dict[str, datetime] = {}

    def load(self) -> None:
        """Take up the bans that a former run left."""
        try:
            found = json.loads(self._file.read_text("utf-8"))
            self._until = {source: datetime.fromisoformat(until) for source, until in found.items()}
        except FileNotFoundError:
            return
        except (ValueError, AttributeError, TypeError) as error:
            warn("bans.unreadable", reason=str(error))

    def is_banned(self, address: str, *, now: datetime) -> bool:
        """Whether this address has to wait."""
        until = self._until.get(source_of(address))
        return until is not None and now < until

    def running(self, *, now: datetime) -> int:
        """How many bans run now."""
        return sum(until > now for until in list(self._until.values()))

    def may_connect(self, address: str, *, now: datetime) -> bool:
        """Whether another new connection keeps within the rate; twice the rate may come at once."""
        rate = self._settings.connections_per_second
        record = self._record(source_of(address))
        rest = 2 * rate if record.last_knock is None else record.tokens
        passed = 0.0 if record.last_knock is None else (now - record.last_knock).total_seconds()
        tokens = min(2 * rate, rest + max(passed, 0.0) * rate)
        record.last_knock = now
        record.tokens = max(tokens - 1, 0)
        return tokens >= 1

    def add(self, address: str, points: int, *, now: datetime) -> bool:
        """Count points against an address; True if that banned it."""
        source = source_of(address)
        record = self._record(source)
        record.points.append((now, points))
        oldest = now - timedelta(seconds=self._settings.ban_window)
        while record.points and record.points[0][0] < oldest:
            record.points.popleft()
        if sum(score for _, score in record.points) < self._settings.ban_score:
            return False
        record.points.clear()
        self._until[source] = now + timedelta(seconds=self._settings.ban_time)
        self._save(now)
        return True

    def _record(self, source: str) -> _Record:
        """The record of a source, newest last; the one not seen for longest falls out when there are too many."""
        record = self._records.pop(source, None) or _Record()
        self._records[source] = record
        if len(self._records) > _MOST_ADDRESSES:
            del self._records[next(iter(self._records))]
        return record

    def _save(self, now: datetime) -> None:
        """Keep the running bans; a ban that cannot be kept still holds until the door ends."""
        self._until = {source: until for source, until in self._until.items() if until > now}
        new = self._file.with_suffix(".json.tmp")
        try:
            new.write_text(
                json.dumps({source: timestamp(until) for source, until in self._until.items()}), "utf-8"
            )
            new.rename(self._file)
        except OSError as error:
            warn("bans.not-saved", reason=error.strerror or "")
