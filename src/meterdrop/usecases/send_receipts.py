"""Receipts go from the outbox to the partners' folders: at least once, atomically, the same bytes each time."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from io import BufferedWriter
from pathlib import Path
from typing import Final

import structlog

from meterdrop.dispatch.locks import Locks
from meterdrop.receive.originals import Originals
from meterdrop.receive.syncing import sync_together
from meterdrop.receive.tree import open_folder
from meterdrop.store import outbox
from meterdrop.store.database import Database
from meterdrop.store.outbox import Letter
from meterdrop.usecases.checkpoint import Checkpoint

_WAIT: Final = 60.0
_TOGETHER: Final = 64
"""So many receipts are open and go to the disk at the same time."""
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE: Final = 0o644
"""Less the umask: never writable by the group, in which the partner may be."""

log = structlog.get_logger()


ReceiptsFolder = tuple[Path, tuple[str, ...]]
"""A folder of ours, and the steps below it to a partner's receipts: others may write to those."""


@dataclass(frozen=True)
class SendReceipts:
    """Empties the outbox; safe to run twice or to be killed at any point.

    One process at a time for each partner, or an older receipt could be written over a newer one. Receipts of one
    call reach the disk together; those that power cuts make us forget to have written are written once more.
    """

    database: Database
    originals: Originals
    folder_of: Callable[[str], ReceiptsFolder]
    clock: Callable[[], datetime]
    locks: Locks
    at: Checkpoint

    def __call__(self) -> int:
        """Writes all that waits; how many. `TryAgain` if others are long at it."""
        with self.database.reading() as store:
            partners = outbox.partners_waiting(store)
        return sum(map(self.to, partners))

    def to(self, partner: str) -> int:
        """Writes all that waits for one partner, in the order it was asked for; how many. `TryAgain` as above."""
        sent, last = 0, 0
        failed: set[str] = set()
        with self.locks.hold(f"outbox-{partner}", wait=_WAIT):
            while letters := self._waiting(partner, after=last):
                written = self._written(letters, partner=partner, failed=failed)
                self.at("outbox:written")
                with self.database.writing(lasting=False) as store:
                    outbox.mark_written(store, ids=[letter.id for letter in written], now=self.clock())
                self.at("outbox:marked")
                sent, last = sent + len(written), letters[-1].id
        return sent

    def _waiting(self, partner: str, *, after: int) -> tuple[Letter, ...]:
        with self.database.reading() as store:
            return outbox.unwritten(store, partner=partner, after=after, limit=_TOGETHER)

    def _written(self, letters: Sequence[Letter], *, partner: str, failed: set[str]) -> list[Letter]:
        """Those that are in the partner's folder now. What can't be written holds up no other name and no other partner."""
        try:
            base, steps = self.folder_of(partner)
            # Made if it is missing; no link in its place is followed.
            with open_folder(base, *steps, make=True) as folder:
                return self._written_to(folder, letters, failed=failed)
        except OSError as error:
            _tell_failed(letters[0], error)
            return []

    def _written_to(self, folder: int, letters: Sequence[Letter], *, failed: set[str]) -> list[Letter]:
        with ExitStack() as opened:
            filled: dict[Letter, BufferedWriter | None] = {}
            for letter in letters:
                with _noting(letter, failed=failed):
                    filled[letter] = self._filled(letter, folder=folder, opened=opened)
            sync_together([stream.fileno() for stream in filled.values() if stream is not None])
        placed = [letter for letter in filled if _placed(letter, folder=folder, failed=failed)]
        os.fsync(folder)
        return placed

    def _filled(self, letter: Letter, *, folder: int, opened: ExitStack) -> BufferedWriter | None:
        """Always a new file: what lies there under this name was left by a killed process, or put there by others."""
        if letter.removes:
            return None
        temporary = _temporary(letter)
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        blocks = self.originals.chunks(str(letter.blob)) if letter.content is None else (letter.content,)
        stream = opened.enter_context(os.fdopen(os.open(temporary, _NEW_FILE, _MODE, dir_fd=folder), "wb"))
        try:
            stream.writelines(blocks)
            stream.flush()
        except OSError:
            _drop(temporary, folder=folder)  # a half receipt would only take up what is left of a full disk
            raise
        return stream


def _placed(letter: Letter, *, folder: int, failed: set[str]) -> bool:
    """Once a name could not be written, later letters of that name wait with it: an older one must not come last."""
    with _noting(letter, failed=failed):
        if letter.name in failed:
            pass
        elif letter.removes:
            with suppress(FileNotFoundError):
                os.unlink(letter.name, dir_fd=folder)
        else:
            os.rename(_temporary(letter), letter.name, src_dir_fd=folder, dst_dir_fd=folder)
    if letter.name in failed:
        _drop(_temporary(letter), folder=folder)
        return False
    return True


def _temporary(letter: Letter) -> str:
    return f".{letter.id}.tmp"


def _drop(temporary: str, *, folder: int) -> None:
    with suppress(OSError):
        os.unlink(temporary, dir_fd=folder)


@contextmanager
def _noting(letter: Letter, *, failed: set[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _tell_failed(letter, error)
        failed.add(letter.name)


def _tell_failed(letter: Letter, error: OSError) -> None:
    log.error("receipt.not-written", partner=letter.partner, letter=letter.id, why=str(error.strerror))
