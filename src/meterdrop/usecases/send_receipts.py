"""Receipts go from the outbox to the partners' folders: at least once, atomically, the same bytes each time."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from meterdrop.dispatch.locks import Locks
from meterdrop.receive.originals import Originals
from meterdrop.receive.tree import open_folder
from meterdrop.store import outbox
from meterdrop.store.database import Database
from meterdrop.store.outbox import Letter
from meterdrop.usecases.checkpoint import Checkpoint

_WAIT: Final = 60.0
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE: Final = 0o644
"""Less the umask: never writable by the group, in which the partner may be."""

log = structlog.get_logger()


ReceiptsFolder = tuple[Path, tuple[str, ...]]
"""A folder of ours, and the steps below it to a partner's receipts: others may write to those."""


@dataclass(frozen=True)
class SendReceipts:
    """Empties the outbox; safe to run twice or to be killed at any point.

    One process at a time, or an older receipt could be written over a newer one.
    """

    database: Database
    originals: Originals
    folder_of: Callable[[str], ReceiptsFolder]
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
        with self._opened(letter.partner) as folder:
            if letter.removes:
                with suppress(FileNotFoundError):
                    os.unlink(letter.name, dir_fd=folder)
                return
            temporary = f".{letter.id}.tmp"
            try:
                self._fill(temporary, letter=letter, folder=folder)
                os.rename(temporary, letter.name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                with suppress(OSError):
                    # A half receipt would only take up what is left of a full disk.
                    os.unlink(temporary, dir_fd=folder)
                raise

    def _opened(self, partner: str) -> AbstractContextManager[int]:
        """The partner's folder, made if it is missing; no link in its place is followed."""
        base, steps = self.folder_of(partner)
        return open_folder(base, *steps, make=True)

    def _fill(self, temporary: str, *, letter: Letter, folder: int) -> None:
        """Always a new file: what lies there under this name was left by a killed process, or put there by others."""
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        blocks = self.originals.chunks(str(letter.blob)) if letter.content is None else (letter.content,)
        with os.fdopen(os.open(temporary, _NEW_FILE, _MODE, dir_fd=folder), "wb") as stream:
            stream.writelines(blocks)
            stream.flush()
            os.fsync(stream.fileno())

    def _sync(self, partners: set[str]) -> None:
        for partner in partners:
            with self._opened(partner) as folder:
                os.fsync(folder)
