"""Who knocks too often? A score for each address, and bans that outlive a restart and can be seen and lifted."""

import ipaddress
import json
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sftp_server.audit import timestamp, warn
from sftp_server.networks import holds, source_of
from sftp_server.settings import Settings

WRONG_KEY = 1
NO_SUCH_PARTNER = 2
TOO_MANY_TRIES = 3
BY_THE_DOOR = "door"
_EARNED_BY_THE_IMPATIENT = 0.4
"""How much of the rate is left to an address that knocks too quickly: a neighbour behind the same router must get in."""
_MOST_ADDRESSES = 10_000
"""How many addresses are remembered at once: an attacker with many must not fill the memory."""
_MOST_BANS = 5_000
"""The same for bans; the one that would end first makes room."""


@dataclass(frozen=True)
class Ban:
    """A source that has to wait: until when, since when, why, and who said so."""

    source: str
    until: datetime
    since: datetime
    reason: str
    by: str

    def document(self) -> dict[str, str]:
        """As it is written down for the operator."""
        return {
            "address": self.source, "until": timestamp(self.until), "since": timestamp(self.since),
            "reason": self.reason, "by": self.by,
        }  # fmt: skip

    @classmethod
    def of(cls, document: dict[str, str]) -> "Ban":
        """From what was written down; ValueError, KeyError or TypeError if it is nothing of ours."""
        until, since = (datetime.fromisoformat(document[name]) for name in ("until", "since"))
        if until.tzinfo is None or since.tzinfo is None:
            raise ValueError("a time without its zone")
        return cls(str(document["address"]), until, since, str(document["reason"]), str(document["by"]))


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
        self._never = [ipaddress.ip_network(network) for network in settings.never_banned]
        self._records: dict[str, _Record] = {}
        self._bans: dict[str, Ban] = {}

    def load(self) -> None:
        """Take up the bans that a former run left."""
        try:
            found = [Ban.of(document) for document in json.loads(self._file.read_text("utf-8"))["bans"]]
            self._bans = {ban.source: ban for ban in found}
        except FileNotFoundError:
            return
        except (OSError, ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
            warn("bans.unreadable", reason=str(error))

    def running(self, *, now: datetime) -> list[Ban]:
        """The bans that hold now."""
        return [ban for ban in list(self._bans.values()) if now < ban.until]

    def is_never_banned(self, address: str) -> bool:
        """Whether the operator said that this address is not to be banned: many partners behind one router, say."""
        return holds(self._never, address.removesuffix("/64"))

    def is_banned(self, address: str, *, now: datetime) -> bool:
        """Whether this address has to wait."""
        ban = self._bans.get(source_of(address))
        return ban is not None and now < ban.until and not self.is_never_banned(address)

    def may_connect(self, address: str, *, now: datetime) -> bool:
        """Whether another new connection keeps within the rate; twice the rate may come at once.

        Whoever goes on knocking too quickly is let in at a part of the rate, and so is who shares the address.
        """
        rate = self._settings.connections_per_second
        record = self._record(source_of(address))
        rest = 2 * rate if record.last_knock is None else record.tokens
        passed = 0.0 if record.last_knock is None else (now - record.last_knock).total_seconds()
        earned = max(passed, 0.0) * rate
        tokens = min(2 * rate, rest + earned)
        record.last_knock = now
        if tokens < 1:
            record.tokens = rest + earned * _EARNED_BY_THE_IMPATIENT
            return False
        record.tokens = tokens - 1
        return True

    def add(self, address: str, points: int, *, now: datetime) -> bool:
        """Count points against an address; True if that banned it."""
        if self.is_never_banned(address):
            return False
        source = source_of(address)
        record = self._record(source)
        record.points.append((now, points))
        oldest = now - timedelta(seconds=self._settings.ban_window)
        while record.points and record.points[0][0] < oldest:
            record.points.popleft()
        if sum(score for _, score in record.points) < self._settings.ban_score:
            return False
        self.ban(
            source, seconds=self._settings.ban_time, reason="too many failed logins", by=BY_THE_DOOR, now=now
        )
        return True

    def ban(self, address: str, *, seconds: float, reason: str, by: str, now: datetime) -> None:
        """Ban an address from now on; a ban that is there already is replaced."""
        source = source_of(address)
        self._record(source).points.clear()
        self._bans[source] = Ban(source, now + timedelta(seconds=seconds), now, reason, by)
        self._save(now)

    def lift(self, address: str, *, now: datetime) -> bool:
        """End a ban and forget the points; whether there was one."""
        source = source_of(address)
        self._record(source).points.clear()
        ban = self._bans.pop(source, None)
        self._save(now)
        return ban is not None and now < ban.until

    def _record(self, source: str) -> _Record:
        """The record of a source, newest last; the one not seen for longest falls out when there are too many."""
        record = self._records.pop(source, None) or _Record()
        self._records[source] = record
        if len(self._records) > _MOST_ADDRESSES:
            del self._records[next(iter(self._records))]
        return record

    def _save(self, now: datetime) -> None:
        """Keep the running bans; a ban that cannot be kept still holds until the door ends."""
        lasting = sorted(self.running(now=now), key=lambda ban: ban.until)[-_MOST_BANS:]
        self._bans = {ban.source: ban for ban in lasting}
        new = self._file.with_suffix(".json.tmp")
        try:
            new.write_text(json.dumps({"bans": [ban.document() for ban in lasting]}, indent=1), "utf-8")
            new.chmod(0o640)  # for the operators of our group to read
            new.rename(self._file)
        except OSError as error:
            warn("bans.not-saved", reason=error.strerror or "")
