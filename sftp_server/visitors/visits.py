"""Who is here now? Connections with their partner, key and last sign of life."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import asyncssh

from sftp_server.audit import Audit, Fact
from sftp_server.logins.accounts import NOTHING_YET, Proofs
from sftp_server.networks import source_of
from sftp_server.settings import Settings
from sftp_server.uploads.staging import Sender
from sftp_server.visitors.flow import Flow
from sftp_server.visitors.small_talk import SmallTalk


class CountsHandles(Protocol):
    """An SFTP session, as far as the limit of open handles is concerned."""

    @property
    def open_handles(self) -> int:
        """How many files and folders it has open."""

    @property
    def listed_names(self) -> int:
        """How many names its open folders hold in memory."""


@dataclass
class Traffic:
    """Bytes of files, both ways."""

    received: int = 0
    sent: int = 0


@dataclass(eq=False)
class Visit:
    """One connection. `partner` and `fingerprint` are set once it has logged in; `proofs` is what it has shown so far."""

    number: int
    address: str
    connection: asyncssh.SSHServerConnection
    audit: Audit
    last_seen: datetime
    flow: Flow
    small_talk: SmallTalk
    begun: datetime
    all_traffic: Traffic
    """That of all connections since the door opened."""
    traffic: Traffic = field(default_factory=Traffic)
    partner: str | None = None
    fingerprint: str | None = None
    proofs: Proofs = NOTHING_YET
    user: str | None = None
    """Who the client says it is; set by its first try to log in."""
    tries: int = 0
    points: int = 0
    debts: int = 0
    """Points for other names than the last: they count even if that one logs in."""
    channels: int = 0
    """How many channels are open; a session begins on each only when the client says so."""
    sessions: list[CountsHandles] = field(default_factory=list)
    ending: str | None = None
    """Why we end it, if we do."""

    @property
    def client(self) -> str:
        """What the client says it is; for the records, not to be believed, and nothing that steers a terminal."""
        told = str(self.connection.get_extra_info("client_version") or "")[:255]
        return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in told)

    @property
    def open_handles(self) -> int:
        """How many files and folders it has open."""
        return sum(session.open_handles for session in self.sessions)

    @property
    def sender(self) -> Sender:
        """Who uploads come from, for tickets."""
        return Sender(key=self.fingerprint, address=self.address, client=self.client, connection=self.number)

    def count_received(self, size: int) -> None:
        """Bytes of a file that came."""
        self.traffic.received += size
        self.all_traffic.received += size

    def count_sent(self, size: int) -> None:
        """Bytes of a file that went out."""
        self.traffic.sent += size
        self.all_traffic.sent += size

    def end(self, *, error: Exception | None, now: datetime) -> dict[str, Fact]:
        """For the last line about this connection: how long it was, what went through, and how it ended.

        The words of a client's goodbye are not written down, only what kind it was.
        """
        how = self.ending or ("closed by the client" if error is None else _kind(error))
        seconds = round((now - self.begun).total_seconds(), 3)
        return {"seconds": seconds, "received": self.traffic.received, "sent": self.traffic.sent, "how": how}

    def note(self, event: str, **facts: Fact) -> None:
        """One audit line about this connection."""
        self.audit.note(
            event, connection=self.number, partner=self.partner, key=self.fingerprint, address=self.address,
            client=self.client, **facts,
        )  # fmt: skip


def _kind(error: Exception) -> str:
    """`lost` is a client that went without a word."""
    return "lost" if isinstance(error, asyncssh.ConnectionLost | OSError) else type(error).__name__


class Visits:
    """All connections there are."""

    def __init__(self) -> None:
        self._visits: set[Visit] = set()
        self.count = 0
        """How many connections were let in since the door opened."""
        self.traffic = Traffic()

    def __iter__(self) -> Iterator[Visit]:
        return iter(list(self._visits))

    def next_number(self) -> int:
        """A number for a new connection."""
        self.count += 1
        return self.count

    def add(self, visit: Visit) -> None:
        """Somebody connected."""
        self._visits.add(visit)

    def remove(self, visit: Visit) -> None:
        """Somebody is gone."""
        self._visits.discard(visit)

    def who_makes_room(self, address: str, *, settings: Settings) -> "Visit | None":
        """When all places before the login are taken: who waits longest of the source that took most, if more than the newcomer's."""
        waiting = [visit for visit in self._visits if visit.partner is None]
        if len(waiting) < settings.connections_before_login:
            return None
        held = Counter(source_of(visit.address) for visit in waiting)
        greedy, most = held.most_common(1)[0]
        if most <= held[source_of(address)] + 1:
            return None
        return min(
            (visit for visit in waiting if source_of(visit.address) == greedy), key=lambda visit: visit.number
        )

    def are_crowded(self, address: str, *, settings: Settings) -> bool:
        """Whether too many wait to log in, in all or from one source: nobody may take all the places."""
        waiting = [visit.address for visit in self._visits if visit.partner is None]
        source = source_of(address)
        if (
            sum(source_of(other) == source for other in waiting)
            >= settings.connections_before_login_per_address
        ):
            return True
        full = len(waiting) >= settings.connections_before_login
        return full and self.who_makes_room(address, settings=settings) is None

    def connections_of(self, partner: str) -> int:
        """How many connections a partner has."""
        return sum(visit.partner == partner for visit in self._visits)

    def channels_of(self, partner: str) -> int:
        """How many channels a partner has, over all its connections."""
        return sum(visit.channels for visit in self._visits if visit.partner == partner)

    def names_listed_for(self, partner: str) -> int:
        """How many names a partner's open folders hold in memory."""
        return sum(
            session.listed_names
            for visit in self._visits
            if visit.partner == partner
            for session in visit.sessions
        )

    def handles_of(self, partner: str) -> int:
        """How many files and folders a partner has open, over all its connections."""
        return sum(visit.open_handles for visit in self._visits if visit.partner == partner)
