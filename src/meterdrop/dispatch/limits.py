"""How much time and memory may one delivery take, and how is a process held to it?"""

import ctypes
import faulthandler
import resource
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

OUT_OF_MEMORY: Final = 71
"""Exit code of a worker that reached its limit of memory."""
BROKEN: Final = 70
"""Exit code of a worker that met a bug."""
GONE: Final = 72
"""Exit code of a worker whose service is gone."""

RETIRES_AT_MB: Final = 400
"""A worker that still holds so much between two deliveries is replaced: what is in pieces comes back to the system
only with the end of the process. Warm it holds some 190 MB, after a million lines some 220; and what it may remember
of partners."""

_WORTH_MB: Final = 50
"""To look for what can be given back takes some milliseconds: worth it if so much more is held than the last time."""

_MB: Final = 1024 * 1024
_BACKSTOP: Final = 30.0
_STATUS: Final = Path("/proc/self/status")
_OOM: Final = Path("/proc/self/oom_score_adj")


@dataclass(frozen=True)
class Limits:
    """What one delivery may take: seconds, and MB beyond what its worker holds when it begins."""

    seconds: float
    megabytes: int
    remembers: int = 0
    """So many MB may the worker hold between deliveries besides what each does: it remembers partners."""


def hold_to(limits: Limits) -> None:
    """From here on this process must not take more.

    Memory: RLIMIT_DATA counts what a process can write to and shares with no one (Linux 4.7), which is close to
    what it holds. RLIMIT_AS would count libraries, mapped files and addresses that were only reserved as well:
    more than twice as much as is held.
    Time is the parent's to watch. Should it be dead, and we so deep in a library that even the end of our stdin
    can't be noticed, a thread that needs nothing of Python ends this process a little later.
    """
    allowed = _held("VmData") + limits.megabytes * _MB
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        allowed = min(allowed, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))
    faulthandler.dump_traceback_later(limits.seconds + _BACKSTOP, exit=True, file=2)


def let_go() -> None:
    """The delivery is over: no limit until the next one."""
    faulthandler.cancel_dump_traceback_later()
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


class GivingBack:
    """Gives back to the system what this process's allocators keep for later, whenever they may keep much."""

    def __init__(self) -> None:
        self._held = held_mb()

    def __call__(self) -> None:
        """Between two deliveries."""
        if held_mb() > self._held + _WORTH_MB:
            if (arrow := sys.modules.get("pyarrow")) is not None:
                arrow.default_memory_pool().release_unused()
            with suppress(AttributeError):  # another library than glibc
                ctypes.CDLL(None).malloc_trim(0)
            self._held = held_mb()


def be_first_to_go() -> None:
    """If the whole machine runs out of memory, the kernel ends this process rather than its parent."""
    with suppress(OSError):
        _OOM.write_text("500", encoding="ascii")


def held_mb() -> int:
    """How much memory this process holds."""
    return _held("VmRSS") // _MB


def _held(what: str) -> int:
    """A line of /proc/self/status, in bytes."""
    for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"{_STATUS} has no {what}")
