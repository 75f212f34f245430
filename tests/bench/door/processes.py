"""What do a server and all its children cost? As /proc counts it."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_LOOK_EVERY: Final = 0.1


def family(pid: int) -> list[int]:
    """A process and whoever descends from it."""
    children: dict[int, list[int]] = {}
    for place in _PROC.glob("[0-9]*"):
        fields = _stat(int(place.name))
        if fields:
            children.setdefault(int(fields[1]), []).append(int(place.name))
    found = [pid]
    for member in found:  # grows while we walk
        found.extend(children.get(member, ()))
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the family, those who ended (and were waited for) included."""
    return sum(sum(map(int, _stat(member)[11:15])) for member in family(pid)) / _TICKS


def wait_for_children(pid: int, *, at_most: int, seconds: float = 30) -> None:
    """Until no more than so many are left of the family, so that the time of the others has been counted."""
    end = time.monotonic() + seconds
    while len(family(pid)) > at_most and time.monotonic() < end:
        time.sleep(0.01)


def resident_mb(pid: int) -> float:
    """What one process holds, libraries included."""
    return _told(_PROC / str(pid) / "status", "VmRSS")


def shared_out_mb(pid: int) -> float:
    """What the family holds, shared pages counted once: the sum of proportional sizes (PSS)."""
    return sum(_told(_PROC / str(member) / "smaps_rollup", "Pss") for member in family(pid))


@contextmanager
def watching(pid: int) -> Iterator[list[float]]:
    """What the process holds, looked at ten times a second, as long as this lasts."""
    seen: list[float] = [resident_mb(pid)]
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_EVERY):
            seen.append(resident_mb(pid))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name (which may hold blanks); none if the process is gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def _told(file: Path, word: str) -> float:
    try:
        return int(file.read_text("ascii").split(f"{word}:")[1].split()[0]) / 1024
    except (OSError, IndexError):  # the process went away meanwhile
        return 0.0
