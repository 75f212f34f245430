"""How do several files and folders reach the disk at the price of one? By being synced at the same time."""

import os
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path

_AT_ONCE = 32
"""Threads that do nothing but wait for the disk; a filesystem commits for all who wait together."""


def threads_for_files() -> ThreadPoolExecutor:
    """Where files are finished, hashed and synced: with asyncio's own few, 20 large uploads would hold up a small one."""
    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="files")


class Syncer:
    """Syncs together what must be on the disk together. For threads: it blocks."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sync")

    def sync(self, *places: Path | int) -> None:
        """Bring all these files and folders (or descriptors) to the disk; raises the first `OSError` of them."""
        with ExitStack() as opened:
            descriptors = []
            for place in places:
                if isinstance(place, Path):
                    place = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
                    opened.callback(os.close, place)
                descriptors.append(place)
            others = [self._pool.submit(os.fsync, descriptor) for descriptor in descriptors[1:]]
            try:
                os.fsync(descriptors[0])
            finally:
                wait(others)
            for other in others:
                other.result()
