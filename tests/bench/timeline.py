"""When does an upload reach which place? The kernel tells of names that come and go; the product knows nothing of it."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import Final

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)

from meterdrop.receive.bell import prompt_observer

HANDED_OVER: Final = "handed over"
TAKEN: Final = "taken"
BEGUN: Final = "begun"
PUBLISHED: Final = "published"
WRITTEN: Final = "receipt written"

PLACES: Final = (HANDED_OVER, TAKEN, BEGUN, PUBLISHED, WRITTEN)
"""In this order; `taken` may come late: the folder is put away after the partner was woken."""

_RESULT: Final = re.compile(r".*\.([0-9A-Za-z]{26})\.result\.json")


class _Names(FileSystemEventHandler):
    """Notes each name that came or went, and when."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, str, str]] = []
        self.lock = Lock()
        self.result = Event()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Only what `PLACES` are made of."""
        now = time.perf_counter()
        match event:
            case DirMovedEvent() | FileMovedEvent():
                what, path = "came", os.fsdecode(event.dest_path)
            case DirCreatedEvent():
                what, path = "came", os.fsdecode(event.src_path)
            case DirDeletedEvent():
                what, path = "went", os.fsdecode(event.src_path)
            case _:
                return
        with self.lock:
            self.seen.append((now, what, path))
        if _RESULT.fullmatch(path.rpartition("/")[2]):
            self.result.set()


class Timeline:
    """What the kernel told since the last question."""

    def __init__(self, names: _Names, home: Path) -> None:
        self._names = names
        self._landing, self._work = str(home / "landing"), str(home / "work")

    def forget(self) -> None:
        """Begins anew: for one upload at a time."""
        with self._names.lock:
            self._names.seen.clear()
            self._names.result.clear()

    def wait_for_result(self, seconds: float) -> None:
        """Until a result is there, or so long."""
        self._names.result.wait(seconds)

    def passed(self, upload: str) -> Mapping[str, float]:
        """When the upload came to which place; the judging is whoever's was at it, so let no others be."""
        found: dict[str, float] = {}
        with self._names.lock:
            seen = list(self._names.seen)
        for moment, what, path in seen:
            folder, _, name = path.rpartition("/")
            if folder == self._landing and name == upload:
                found.setdefault(HANDED_OVER if what == "came" else TAKEN, moment)
            elif folder == self._work and name.startswith("delivery-"):
                found.setdefault(BEGUN if what == "came" else PUBLISHED, moment)
            elif (told := _RESULT.fullmatch(name)) and told[1] == upload:
                found.setdefault(WRITTEN, moment)
        return found


@contextmanager
def timeline(home: Path, *, partner: str) -> Iterator[Timeline]:
    """Watches a home's doorstep and workbench, and one partner's receipts."""
    names = _Names()
    observer = prompt_observer()
    for folder in (home / "landing", home / "work", home / "receipts" / partner):
        folder.mkdir(parents=True, exist_ok=True)
        observer.schedule(names, str(folder), recursive=False)
    observer.start()
    try:
        yield Timeline(names, home)
    finally:
        observer.stop()
        observer.join()
