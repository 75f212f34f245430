"""Receipts go from the outbox to the partners' folders: at least once, atomically, the same bytes each time."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from io import BufferedWriter
from pathlib import Path
from typing import Final

from meterdrop.dispatch.locks import Locks
from meterdrop.model.errors import TryAgain
from meterdrop.receive.originals import Originals
from meterdrop.receive.syncing import sync_together
from meterdrop.receive.tree import open_folder
from meterdrop.store import outbox
from meterdrop.store.database import Database, Store
from meterdrop.store.outbox import Letter
from meterdrop.usecases.checkpoint import Checkpoint
from meterdrop.usecases.receipt_troubles import Troubles

_WAIT: Final = 60.0
_TOGETHER: Final = 64
"""So many receipts are open and go to the disk at the same time."""
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE: Final = 0o644
"""Less the umask: never writable by the group, in which the partner may be."""

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
        """Writes all that waits for one partner, in the order it was asked for; how many. `TryAgain` as above.

        A folder that can't be written to holds up no other partner: its letters stay, in order, and are tried again later.
        """
        sent = 0
        with self.locks.hold(f"outbox-{partner}", wait=_WAIT):
            with self.database.reading() as store:
                troubles = Troubles.known(store, partner=partner, now=self.clock())
                letters = _waiting(store, partner, troubles=troubles)
            while letters:
                written = self._written(letters, troubles=troubles)
                self.at("outbox:written")
                with self.database.writing(lasting=False) as store:
                    outbox.mark_written(store, ids=[letter.id for letter in written], now=self.clock())
                    troubles.write_down(store)
                    letters = _waiting(store, partner, troubles=troubles, after=letters[-1].id)
                self.at("outbox:marked")
                sent += len(written)
        return sent

    def _written(self, letters: Sequence[Letter], *, troubles: Troubles) -> list[Letter]:
        """Those that are in the partner's folder now, and outlive a power cut; others are written again, the same bytes."""
        try:
            base, steps = self.folder_of(troubles.partner)
            # Made if it is missing; no link in its place is followed.
            with open_folder(base, *steps, make=True) as folder:
                placed = self._written_to(folder, letters, troubles=troubles)
        except OSError as error:
            troubles.of_folder(error)
            return []
        for letter in placed:
            troubles.is_written(letter)
        return placed

    def _written_to(self, folder: int, letters: Sequence[Letter], *, troubles: Troubles) -> list[Letter]:
        with ExitStack() as opened:
            filled: dict[Letter, BufferedWriter | None] = {}
            for letter in letters:
                if troubles.hold(letter):
                    continue
                try:
                    filled[letter] = self._filled(letter, folder=folder, opened=opened)
                except OSError as error:
                    troubles.of_letter(letter, error)
            try:
                sync_together([stream.fileno() for stream in filled.values() if stream is not None])
            except OSError:
                _drop(filled, folder=folder)
                raise
        placed = _placed(filled, folder=folder, troubles=troubles)
        os.fsync(folder)
        return placed

    def _filled(self, letter: Letter, *, folder: int, opened: ExitStack) -> BufferedWriter | None:
        """Always a new file: what lies there under this name was left by a killed process, or put there by others."""
        if letter.removes:
            return None
        temporary = _temporary(letter)
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        blocks = self._kept(str(letter.blob)) if letter.content is None else (letter.content,)
        stream = opened.enter_context(os.fdopen(os.open(temporary, _NEW_FILE, _MODE, dir_fd=folder), "wb"))
        try:
            stream.writelines(blocks)
            stream.flush()
        except OSError:
            # A half receipt would only take up what is left of a full disk.
            _drop([letter], folder=folder)
            raise
        return stream

    def _kept(self, blob: str) -> Iterator[bytes]:
        """What is kept like an original. If its store is away that is a fault of this letter: others need nothing of it."""
        try:
            yield from self.originals.chunks(blob)
        except TryAgain as away:
            raise OSError(errno.EREMOTEIO, str(away)) from away


def _waiting(store: Store, partner: str, *, troubles: Troubles, after: int = 0) -> tuple[Letter, ...]:
    """The next letters; none for a folder that rests."""
    if troubles.folder_rests():
        return ()
    return outbox.unwritten(store, partner=partner, after=after, limit=_TOGETHER)


def _placed(filled: Iterable[Letter], *, folder: int, troubles: Troubles) -> list[Letter]:
    """What could not get its name is not followed by later letters of that name: an older one must not come last."""
    placed, stuck = [], False
    for letter in filled:
        if stuck or troubles.name_rests(letter):
            _drop([letter], folder=folder)
            continue
        try:
            _place(letter, folder=folder)
        except OSError as error:
            stuck = troubles.of_letter(letter, error)
            _drop([letter], folder=folder)
        else:
            placed.append(letter)
    return placed


def _place(letter: Letter, *, folder: int) -> None:
    if letter.removes:
        with suppress(FileNotFoundError):
            os.unlink(letter.name, dir_fd=folder)
    else:
        os.rename(_temporary(letter), letter.name, src_dir_fd=folder, dst_dir_fd=folder)


def _temporary(letter: Letter) -> str:
    return f".{letter.id}.tmp"


def _drop(letters: Iterable[Letter], *, folder: int) -> None:
    for letter in letters:
        with suppress(OSError):
            os.unlink(_temporary(letter), dir_fd=folder)
