"""How much memory does this process hold? As the system counts it: all that is resident, libraries included."""

from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")
_RESET: Final = Path("/proc/self/clear_refs")
_FORGET_THE_PEAK: Final = "5"


def held_mb() -> float:
    """Now, in MB."""
    return _told("VmRSS")


def peak_mb() -> float:
    """The most since the start, or since the last call of this, in MB (getrusage would tell the parent's peak)."""
    peak = _told("VmHWM")
    _RESET.write_text(_FORGET_THE_PEAK, encoding="ascii")
    return peak


def _told(word: str) -> float:
    return int(_STATUS.read_text(encoding="ascii").split(f"{word}:")[1].split()[0]) / 1024
