"""Did something arrive? watchdog is the bell only; the sweep is the truth."""

from collections.abc import Callable
from pathlib import Path

from watchdog.events import DirCreatedEvent, DirMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver


class _Bell(FileSystemEventHandler):
    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring

    def on_any_event(self, event: FileSystemEvent) -> None:
        # A folder renamed in from outside the watch shows as created, one renamed within it as moved.
        if isinstance(event, DirCreatedEvent | DirMovedEvent):
            self._ring()


def watch(landing: Path, *, ring: Callable[[], None]) -> BaseObserver:
    """Starts to call `ring` (from a thread of its own) whenever a folder comes to the doorstep."""
    observer = Observer()
    observer.schedule(_Bell(ring), str(landing), recursive=False)
    observer.start()
    return observer
