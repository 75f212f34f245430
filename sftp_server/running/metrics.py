"""How is the door doing, in numbers that Prometheus collects? Told from what the audit is told, and looked up when asked.

No label is ever something that a client said. Nothing here is done for each packet: bytes are counted by the connections
themselves, and read when somebody asks.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from sftp_server.audit import Clock, Facts
from sftp_server.uploads.room import Room
from sftp_server.visitors.bans import Bans
from sftp_server.visitors.visits import Visits

Families = Iterable[CounterMetricFamily | GaugeMetricFamily]

OUTCOMES: Final = ("finished", "set-aside", "lost", "refused", "dropped", "incomplete")
REASONS: Final = ("banned", "crowded", "too quick")
_HANDOVER_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@dataclass(frozen=True)
class Sights:
    """What can be looked at, from another thread: each look copies before it counts."""

    home: Path
    visits: Visits
    bans: Bans
    rooms: Callable[[], list[Room]]
    clock: Clock


class Metrics:
    """Counts what the audit is told. `registry` is our own: nothing is shared in the process."""

    def __init__(self, sights: Sights) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Looks(sights))
        ProcessCollector(registry=self.registry)
        self._logins = self._counter("logins", "Tries to log in, by what came of them", "result")
        self._uploads = self._counter("uploads", "Ends of uploads, by what came of them", "outcome")
        self._turned_away = self._counter("turned_away", "Connections closed before a word, by why", "reason")
        self._refusals = self._counter(
            "refusals", "Operations of partners that were refused or failed", "kind"
        )
        self._downloads = Counter("meterdrop_door_downloads", "Files that were read", registry=self.registry)
        self._bans = Counter("meterdrop_door_bans", "Addresses that were banned", registry=self.registry)
        self._handover = Histogram(
            "meterdrop_door_handover_seconds",
            "From the end of an upload to its hand-over, which the client waits for",
            buckets=_HANDOVER_SECONDS,
            registry=self.registry,
        )
        self._begin_at_zero()

    def _counter(self, name: str, meaning: str, label: str) -> Counter:
        return Counter(f"meterdrop_door_{name}", meaning, [label], registry=self.registry)

    def _begin_at_zero(self) -> None:
        """Numbers that are there from the start, so that the first event is a rise."""
        for counter, labels in (
            (self._logins, ("admitted", "refused")),
            (self._uploads, OUTCOMES),
            (self._turned_away, REASONS),
            (self._refusals, ("refused", "failed")),
        ):
            for label in labels:
                counter.labels(label)

    def watch(self, event: str, facts: Facts) -> None:
        """One event of the audit, whether its line is written or left out of a flood."""
        if event.startswith("upload."):
            self._uploads.labels(event.removeprefix("upload.")).inc()
            seconds = facts.get("seconds")
            if event == "upload.finished" and isinstance(seconds, float):
                self._handover.observe(seconds)
        elif event in ("login", "login.refused"):
            self._logins.labels("admitted" if event == "login" else "refused").inc()
        elif event == "turned-away":
            self._turned_away.labels(str(facts["reason"])).inc()
        elif event in ("refused", "failed"):
            self._refusals.labels(event).inc()
        elif event == "download":
            self._downloads.inc()
        elif event == "banned":
            self._bans.inc()


class _Looks(Collector):
    """Numbers that are looked up when somebody asks."""

    def __init__(self, sights: Sights) -> None:
        self._sights = sights

    def collect(self) -> Families:
        """All of them."""
        yield from self._connections()
        yield from self._files()
        sights = self._sights
        disk = os.statvfs(sights.home)
        yield _gauge("free_disk_bytes", "Room on the disk of the home", disk.f_bavail * disk.f_frsize)
        yield _gauge("banned", "Addresses that are banned now", len(sights.bans.running(now=sights.clock())))

    def _connections(self) -> Families:
        visits = list(self._sights.visits)
        inside = sum(visit.partner is not None for visit in visits)
        here = GaugeMetricFamily(
            "meterdrop_door_open_connections", "Connections that are open now", labels=["logged_in"]
        )
        here.add_metric(["yes"], inside)
        here.add_metric(["no"], len(visits) - inside)
        yield here
        yield _count("connections", "Connections that were let in", self._sights.visits.count)
        handles = sum(visit.open_handles for visit in visits)
        yield _gauge("open_handles", "Files and folders that partners have open", handles)

    def _files(self) -> Families:
        traffic = self._sights.visits.traffic
        yield _count("received_bytes", "Bytes of files that came", traffic.received)
        yield _count("sent_bytes", "Bytes of files that went out", traffic.sent)
        parts = [part for room in self._sights.rooms() for part in list(room.parts.values())]
        writing = sum(part.is_busy for part in parts)
        yield _gauge("open_uploads", "Uploads in flight", writing)
        yield _gauge("resting_parts", "Parts of uploads that wait for a resume", len(parts) - writing)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"meterdrop_door_{name}", meaning, value=value)


def _count(name: str, meaning: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"meterdrop_door_{name}", meaning, value=value)
