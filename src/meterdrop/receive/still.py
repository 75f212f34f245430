"""Has this file stopped changing? What tells one state of a file from another, and how long it has been so."""

import fcntl
import os
import signal
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

from ulid import ULID

from meterdrop.model.watched import Watched

_FINGERPRINT_BYTES: Final = 16
_RANDOM_BYTES: Final = 7
_MILLISECONDS: Final = (1 << 48) - 1
_PATIENCE: Final = 6
"""A file whose last byte ends no line is waited for so many times longer: its sender may only be pausing."""
_TAIL: Final = 4
"""As wide as a character of any encoding is."""


@dataclass(frozen=True, slots=True)
class FileState:
    """What changes whenever a file's bytes do. `ctime_ns` is the one that no client can set."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "FileState":
        """From what `stat` says."""
        return cls(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def changed_at(self, *, now: datetime) -> datetime:
        """When it became so by the file system's clock; not in the future."""
        return min(datetime.fromtimestamp(self.ctime_ns / 1_000_000_000, UTC), now)


@dataclass(frozen=True, slots=True)
class Seen:
    """A file in a partner's folder, in one state; `path` is as the partner sees it."""

    path: str
    state: FileState

    def fingerprint(self) -> str:
        """Of the path and the state: as long as it is the same, so is the file."""
        state = self.state
        return _hashed(f"{state.inode} {state.size} {state.mtime_ns} {state.ctime_ns} {self.path}")

    def watched(self) -> Watched:
        """What the ledger keeps of it."""
        state = self.state
        body = _hashed(f"{state.inode} {state.size} {state.mtime_ns}")
        return Watched(state=self.fingerprint(), body=body)

    def upload(self, partner: str) -> str:
        """Its upload id, always the same for the same state: handing it over twice is one delivery. Ids sort by time."""
        milliseconds, rest = divmod(max(0, self.state.ctime_ns), 1_000_000)
        text = f"{partner} {self.fingerprint()}".encode()
        return str(
            ULID.from_bytes(
                (milliseconds & _MILLISECONDS).to_bytes(6, "big")
                + rest.to_bytes(3, "big")
                + blake2b(text, digest_size=_RANDOM_BYTES).digest()
            )
        )


def _hashed(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=_FINGERPRINT_BYTES).hexdigest()


@dataclass(slots=True)
class _Wait:
    state: FileState
    since: float
    due: float
    is_open: bool = False


@dataclass
class Stillness:
    """The files of one partner that are not taken yet, and how long each has not changed. Times are monotonic seconds.

    Only what we saw ourselves counts: file times can be set by clients, and clocks of file servers differ.
    """

    quiet_for: float
    newcomers: int = 0
    """How many files of the last look nobody had seen before."""
    _waits: dict[str, _Wait] = field(default_factory=dict)

    def look(self, seen: list[Seen], *, now: float) -> list[Seen]:
        """Those that it is time to take, in the order in which they changed last; what is not among `seen` is forgotten."""
        before, self._waits = self._waits, {}
        self.newcomers = sum(one.path not in before for one in seen)
        due = []
        for one in seen:
            wait = before.get(one.path)
            if wait is None or wait.state != one.state:
                wait = _Wait(state=one.state, since=now, due=now + self.quiet_for)
            self._waits[one.path] = wait
            if wait.due <= now:
                due.append(one)
        return sorted(due, key=lambda one: one.state.ctime_ns)

    def waits(self, one: Seen) -> bool:
        """Whether it was there in this very state at the last look, and was not taken."""
        wait = self._waits.get(one.path)
        return wait is not None and wait.state == one.state

    def taken(self, one: Seen) -> None:
        """Nothing more to wait for."""
        self._waits.pop(one.path, None)

    def is_open(self, one: Seen, *, now: float) -> None:
        """Somebody has it open for writing: asked again after a while, however long it takes."""
        wait = self._waits[one.path]
        wait.is_open, wait.due = True, now + self.quiet_for

    def has_waited_for_its_end(self, one: Seen, *, now: float) -> bool:
        """Whether a file whose last line has no end was waited for long enough; else it is asked for again then."""
        wait = self._waits[one.path]
        end = wait.since + self.quiet_for * _PATIENCE
        if now >= end:
            return True
        wait.is_open, wait.due = False, end
        return False

    def later(self, one: Seen, *, now: float) -> None:
        """It could not be taken: tried again after a while."""
        if one.path in self._waits:
            self._waits[one.path].due = now + self.quiet_for

    def next_due(self) -> float | None:
        """When the next file may be taken if nothing changes."""
        return min((wait.due for wait in self._waits.values()), default=None)

    def counts(self) -> tuple[int, int]:
        """How many wait, and how many of them are open for writing."""
        return len(self._waits), sum(wait.is_open for wait in self._waits.values())

    def longest(self, *, now: float) -> float | None:
        """For how many seconds the one that waits longest has not changed."""
        return max((now - wait.since for wait in self._waits.values()), default=None)


def is_open_for_writing(descriptor: int) -> bool:
    """Whether the kernel knows of somebody who writes to this file; False where it won't tell us.

    A read lease is given only on a file that nobody has open for writing. It needs the file's owner or CAP_LEASE, and is
    let go of at once. SIGURG in place of SIGIO: whoever opens the file meanwhile must not end us.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:  # not ours, or a file system without leases
        return False
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def ends_a_line(descriptor: int, *, size: int) -> bool:
    """Whether the last character is the end of a line, in whatever encoding; an empty file has none."""
    tail = os.pread(descriptor, _TAIL, max(0, size - _TAIL)).rstrip(b"\0")
    return tail.endswith((b"\n", b"\r"))
