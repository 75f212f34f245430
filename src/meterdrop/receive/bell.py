"""Did something arrive? watchdog is the bell only; the sweep is the truth."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

_APART: Final = 0.01
"""Seconds in which both halves of a rename are told."""


def prompt_observer() -> BaseObserver:
    """An observer that tells of a rename at once.

    Where watchdog has read the first half of a rename and not the second one yet, it sleeps for half a second, whatever comes:
    once in some hundred uploads, which then wait for it.
    """
    if sys.platform == "linux":
        from watchdog.observers.inotify_move_event_grouper import InotifyMoveEventGrouper

        InotifyMoveEventGrouper.delay = _APART
    return Observer()


class _Bell(FileSystemEventHandler):
    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring

    def on_any_event(self, event: FileSystemEvent) -> None:
        # A folder renamed in from outside the watch shows as created, one renamed within it as moved.
        if isinstance(event, DirCreatedEvent | DirMovedEvent):
            self._ring()


def watch(landing: Path, *, ring: Callable[[], None]) -> BaseObserver:
    """Starts to call `ring` (from a thread of its own) whenever a folder comes to the doorstep."""
    observer = prompt_observer()
    observer.schedule(_Bell(ring), str(landing), recursive=False)
    observer.start()
    return observer


class _PartnersBell(FileSystemEventHandler):
    """Tells the first folder below the watched one: a partner's."""

    def __init__(self, folder: Path, *, ring: Callable[[str], None]) -> None:
        self._depth = len(folder.parts)
        self._ring = ring

    def on_any_event(self, event: FileSystemEvent) -> None:
        for path in (event.src_path, event.dest_path):
            parts = Path(os.fsdecode(path)).parts if path else ()
            if len(parts) > self._depth:
                self._ring(parts[self._depth])


_TELLING: Final[list[type[FileSystemEvent]]] = [
    FileCreatedEvent,
    FileMovedEvent,
    FileClosedEvent,
    DirCreatedEvent,
    DirMovedEvent,
]
"""Not each write: an upload has thousands, and its end rings."""


def watch_tree(folder: Path, *, ring: Callable[[str], None]) -> BaseObserver:
    """Starts to call `ring` (from a thread of its own) with the partner in whose folder something came or ended."""
    observer = prompt_observer()
    observer.schedule(_PartnersBell(folder, ring=ring), str(folder), recursive=True, event_filter=_TELLING)
    observer.start()
    return observer
