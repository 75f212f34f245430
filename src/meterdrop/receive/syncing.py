"""How do several files and folders reach the disk at the price of one? By being synced at the same time."""

import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Final

_AT_ONCE: Final = 16
"""Threads that do nothing but wait for the disk."""


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sync")


def sync_together(places: Collection[Path | int]) -> None:
    """Brings all these files and folders, or open descriptors of them, to the disk; raises the first OSError."""
    if len(places) == 1:
        for place in places:
            _sync(place)
        return
    for done in [_threads().submit(_sync, place) for place in places]:
        done.result()


def _sync(place: Path | int) -> None:
    if isinstance(place, int):
        os.fsync(place)
        return
    handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
