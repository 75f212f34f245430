"""Receipts go from the outbox to the partners' folders: at least once, atomically, the same bytes each time."""

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from meterdrop.receive.originals import Originals
from meterdrop.store import outbox
from meterdrop.store.database import Database
from meterdrop.store.outbox import Letter
from meterdrop.usecases.checkpoint import Checkpoint


@dataclass(frozen=True)
class SendReceipts:
    """Empties the outbox; safe to run twice or to be killed at any point."""

    database: Database
    originals: Originals
    folder: Path
    clock: Callable[[], datetime]
    at: Checkpoint
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> int:
        """Writes all that waits, in the order it was asked for; how many."""
        sent = 0
        with self._one_at_a_time:
            while letters := self._waiting():
                for letter in letters:
                    self._write(letter)
                self._sync({letter.partner for letter in letters})
                self.at("outbox:written")
                with self.database.writing() as store:
                    outbox.mark_written(store, ids=[letter.id for letter in letters], now=self.clock())
                self.at("outbox:marked")
                sent += len(letters)
        return sent

    def _waiting(self) -> tuple[Letter, ...]:
        with self.database.reading() as store:
            return outbox.unwritten(store)

    def _write(self, letter: Letter) -> None:
        folder = self.folder / letter.partner
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / letter.name
        if letter.removes:
            target.unlink(missing_ok=True)
            return
        temporary = folder / f".{letter.id}.tmp"
        with temporary.open("wb") as stream:
            for block in self._content(letter):
                stream.write(block)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.rename(target)

    def _content(self, letter: Letter) -> Iterable[bytes]:
        return [letter.content] if letter.content is not None else self.originals.chunks(str(letter.blob))

    def _sync(self, partners: set[str]) -> None:
        for partner in partners:
            handle = os.open(self.folder / partner, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
