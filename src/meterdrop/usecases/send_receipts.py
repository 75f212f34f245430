"""Receipts go from the outbox to the partners' folders: at least once, atomically, the same bytes each time."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from meterdrop.dispatch.locks import Locks
from meterdrop.receive.originals import Originals
from meterdrop.store import outbox
from meterdrop.store.database import Database
from meterdrop.store.outbox import Letter
from meterdrop.usecases.checkpoint import Checkpoint

_WAIT: Final = 60.0

log = structlog.get_logger()


@dataclass(frozen=True)
class SendReceipts:
    """Empties the outbox; safe to run twice or to be killed at any point.

    One process at a time, or an older receipt could be written over a newer one.
    """

    database: Database
    originals: Originals
    folder: Path
    clock: Callable[[], datetime]
    locks: Locks
    at: Checkpoint

    def __call__(self) -> int:
        """Writes all that waits, in the order it was asked for; how many. `TryAgain` if others are long at it."""
        sent, last = 0, 0
        failed: set[tuple[str, str]] = set()
        with self.locks.hold("outbox", wait=_WAIT):
            while letters := self._waiting(after=last):
                written = [letter for letter in letters if self._written(letter, failed=failed)]
                self._sync({letter.partner for letter in written})
                self.at("outbox:written")
                with self.database.writing() as store:
                    outbox.mark_written(store, ids=[letter.id for letter in written], now=self.clock())
                self.at("outbox:marked")
                sent, last = sent + len(written), letters[-1].id
        return sent

    def _waiting(self, *, after: int) -> tuple[Letter, ...]:
        with self.database.reading() as store:
            return outbox.unwritten(store, after=after)

    def _written(self, letter: Letter, *, failed: set[tuple[str, str]]) -> bool:
        """One folder that can't be written to holds up no other partner; its letters stay, in order."""
        name = (letter.partner, letter.name)
        if name in failed:
            return False
        try:
            self._write(letter)
        except OSError as error:
            log.error(
                "receipt.not-written", partner=letter.partner, letter=letter.id, why=str(error.strerror)
            )
            failed.add(name)
            return False
        return True

    def _write(self, letter: Letter) -> None:
        folder = self.folder / letter.partner
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / letter.name
        if letter.removes:
            target.unlink(missing_ok=True)
            return
        temporary = folder / f".{letter.id}.tmp"
        try:
            self._fill(temporary, letter=letter)
            temporary.rename(target)
        except OSError:
            temporary.unlink(missing_ok=True)  # a half receipt would only take up what is left of a full disk
            raise

    def _fill(self, temporary: Path, *, letter: Letter) -> None:
        if letter.content is not None:
            temporary.write_bytes(letter.content)
        else:
            self.originals.copy(str(letter.blob), to=temporary)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())

    def _sync(self, partners: set[str]) -> None:
        for partner in partners:
            handle = os.open(self.folder / partner, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
