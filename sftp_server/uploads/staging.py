"""What has come of a file so far? A part grows in .staging, out of the pipeline's sight, and can be resumed."""

import asyncio
import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sftp_server.audit import warn
from sftp_server.refusals import CannotTake
from sftp_server.uploads.hashing import RunningHash
from sftp_server.uploads.journal import FINISHING, WRITING, Journal, journal_file, part_file, save_journal
from sftp_server.uploads.ranges import Ranges
from sftp_server.uploads.usage import Change

CHECKPOINT_BYTES = 16 * 1024 * 1024
"""After so many new bytes the part is synced and its journal says so."""
MAX_PIECES = 4096
HELD_BACK = 64
"""So many bytes at the end of a part are not shown: whoever goes on with it must send them again, and the same ones."""
PART_MODE = 0o600
"""Nobody else's, until it is handed over."""
_BLOCK = 1024 * 1024


@dataclass(frozen=True)
class Sender:
    """Whose connection an upload comes over."""

    key: str | None
    address: str | None
    client: str | None
    connection: int | None = None
    """Its number in the audit of this run of the door."""


class Part:
    """An upload that is not finished: its bytes, which of them came, and who may write now."""

    def __init__(self, *, staging: Path, journal: Journal) -> None:
        self.staging = staging
        self.journal = journal
        self.written = Ranges(upto=journal.bytes)
        self.attempted = journal.bytes
        """Where the last write, successful or not, should have ended; a finished file reaches as far."""
        self.promised = 0
        """No announced size makes the file shorter than this: a write up to here failed, or an earlier session came so far."""
        self.declared: int | None = None
        """The size that the client announced (FSETSTAT), if it did."""
        self.base: int | None = None
        """A descriptor of the finished file this upload changes; its bytes count until they are copied or cut."""
        self.base_size = 0
        self.descriptor: int | None = None
        self.writer: object | None = None
        self.closing = False
        self.tail = b""
        """What was not shown when the upload was gone on with, until it is sent again."""
        self._tail_at = 0
        self.closed_at: datetime | None = None
        """When its client said that it is whole."""
        self.weighed = Change()
        """What of it is counted against the partner's quota."""
        self._synced = journal.bytes
        self._journalled = False
        self._hash = RunningHash()
        self._checkpoint: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The name the partner gave it, without a leading slash."""
        return self.journal.name

    @property
    def file(self) -> Path:
        """Where its bytes lie."""
        return part_file(self.staging, self.journal.upload)

    @property
    def size(self) -> int:
        """The size its partner is shown: where it would go on."""
        if self.journal.state == FINISHING:
            return self.journal.bytes
        if self.descriptor is None:
            return max(self.written.prefix - HELD_BACK, 0)
        return max(self.written.end, self.base_size)

    @property
    def length(self) -> int:
        """How long its file is, shown or not."""
        return max(self.written.end, self._tail_at + len(self.tail)) if self.tail else self.written.end

    @property
    def final_size(self) -> int:
        """How long the file must be to be whole."""
        wanted = self.attempted if self.declared is None else max(self.declared, self.attempted)
        return max(wanted, self.base_size)

    @property
    def is_busy(self) -> bool:
        """Whether somebody writes it, or it is being finished."""
        return self.writer is not None or self.closing

    def open_for(self, writer: object, *, sender: Sender) -> None:
        """Let `writer` write from now on; an earlier writer is thereby fenced off. The records name who came last."""
        if self.descriptor is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self.descriptor = os.open(self.file, flags, PART_MODE)
        self._hold_back()
        self.writer = writer
        self.journal = replace(
            self.journal, key=sender.key, address=sender.address, client=sender.client, connection=sender.connection
        )  # fmt: skip

    def _hold_back(self) -> None:
        """What came before ends `HELD_BACK` bytes early, as it was shown; those bytes stay on disk, to be compared."""
        came = self.written.prefix
        self._tail_at = max(came - HELD_BACK, 0)
        self.tail = os.pread(self._opened(), came - self._tail_at, self._tail_at)
        self.written.cut(self._tail_at)

    def place_to_append(self, offset: int) -> int:
        """Where appended bytes go: behind what is shown, or where the client knows better how much had come."""
        if self.tail and self.size <= offset <= self._tail_at + len(self.tail):
            return offset
        return self.size

    def _meet_tail(self, offset: int, content: bytes) -> None:
        """The bytes that were not shown count again as far as `content` repeats them or begins behind them."""
        end = self._tail_at + len(self.tail)
        low, high = max(offset, self._tail_at), min(offset + len(content), end)
        if (
            low < high
            and content[low - offset : high - offset] != self.tail[low - self._tail_at : high - self._tail_at]
        ):
            raise CannotTake("this is not the file that was begun: send it from its start")
        if offset > self._tail_at:
            self.written.add(self._tail_at, min(offset, end))
        if offset + len(content) >= end:
            self.tail = b""

    def _give_back_tail(self) -> None:
        """Nobody goes on: what was not shown is there all the same."""
        if self.tail:
            self.written.add(self._tail_at, self._tail_at + len(self.tail))
        self.tail = b""

    def _opened(self) -> int:
        if self.descriptor is None:
            raise CannotTake("the file is not open any more")
        return self.descriptor

    def rewind(self) -> None:
        """Start over from nothing, keeping the base if there is one."""
        self._trust_no_more_than(0)
        os.ftruncate(self._opened(), 0)
        self._hash.changed_from(0)
        self.tail = b""
        self.written, self.attempted, self.promised, self.declared = Ranges(), 0, 0, None

    def write(self, offset: int, content: bytes) -> None:
        """All of `content` at `offset`, or an `OSError`; a failed write leaves the part unfinishable there."""
        descriptor = self._opened()
        end = offset + len(content)
        self.attempted = max(self.attempted, end)
        if self.tail:
            self._meet_tail(offset, content)
        self._hash.changed_from(offset)
        done = 0
        while done < len(content):
            done += os.pwrite(descriptor, memoryview(content)[done:], offset + done)
        self.written.add(offset, end)
        if self.written.pieces > MAX_PIECES:
            raise CannotTake("too many holes: send the file from its start to its end")

    def read(self, offset: int, size: int) -> bytes:
        """Bytes that came; nothing beyond what is shown as its size."""
        return os.pread(self._opened(), max(0, min(size, self.size - offset)), offset)

    def set_size(self, size: int) -> None:
        """The client cuts the file, or says how long it is going to be (FSETSTAT)."""
        self._trust_no_more_than(size)
        if self.descriptor is None:
            os.truncate(self.file, min(size, self.written.prefix))
        elif size < self.length:
            os.ftruncate(self.descriptor, size)
        self._hash.changed_from(size)
        self.written.cut(size)
        self.tail = self.tail[: max(size - self._tail_at, 0)]
        self.attempted = max(min(self.attempted, size), self.promised)
        self.base_size = min(self.base_size, size)
        self.declared = size

    def take_base(self, descriptor: int) -> None:
        """This upload changes a finished file: remember its bytes, copy them when it is clear which are needed."""
        self.base, self.base_size = descriptor, os.fstat(descriptor).st_size

    def fill_from_base(self) -> None:
        """Copy what the client left as it was; slow, so not on the event loop."""
        if self.base is None or self.descriptor is None:
            return
        for start, end in self.written.gaps(self.base_size):
            _copy(source=self.base, target=self.descriptor, start=start, end=end)
            self.written.add(start, end)
        self.attempted = max(self.attempted, self.base_size)
        self.drop_base()

    def drop_base(self) -> None:
        """Let go of the finished file."""
        if self.base is not None:
            os.close(self.base)
        self.base, self.base_size = None, 0

    def check_whole(self) -> None:
        """Raise `CannotTake` unless every byte up to the announced end has come; what lies behind it is cut off."""
        missing = sum(end - start for start, end in self.written.gaps(self.final_size))
        if missing:
            raise CannotTake(f"the file is not whole: {missing} of {self.final_size} bytes are missing")
        if os.fstat(self._opened()).st_size > self.final_size:  # a write that failed half-way, say
            os.ftruncate(self._opened(), self.final_size)

    def make_whole(self) -> None:
        """Nothing is missing any more, or `CannotTake`; slow, so not on the event loop."""
        self.fill_from_base()
        self.check_whole()

    def _trust_no_more_than(self, size: int) -> None:
        """Before bytes go that the journal tells of: a killed door must not take a hole, written later, for them."""
        self._synced = min(self._synced, size)
        if self.journal.bytes > size:
            self.save(replace(self.journal, bytes=size))

    def save(self, journal: Journal) -> None:
        """Keep this as the part's journal (not yet durable)."""
        save_journal(self.staging, journal)
        self.journal = journal
        self._journalled = True

    def journal_if_open(self) -> None:
        """The first journal of an upload that takes its time, so that a killed door knows of it."""
        if self.writer is not None and not self.closing and not self._journalled:
            with suppress(OSError):  # then there is none yet: as if the door were killed a moment earlier
                self.save(self.journal)

    def checkpoint_if_due(self) -> None:
        """Every so many bytes: sync in the background and note how far the part can be trusted."""
        prefix = self.written.prefix
        running = self._checkpoint is not None and not self._checkpoint.done()
        if prefix - self._synced < CHECKPOINT_BYTES or running or self.descriptor is None:
            return
        self._synced = prefix
        self._hash.reserve(prefix)
        self._checkpoint = asyncio.create_task(self._note_progress(os.dup(self.descriptor), prefix))

    async def _note_progress(self, descriptor: int, prefix: int) -> None:
        """Sync, then journal: never the other way round. What the disk refused did not come, for it says so only once."""
        try:
            await asyncio.to_thread(self._take_in, descriptor)
            if self._synced == prefix <= self.written.prefix:  # else it was cut meanwhile
                self.save(replace(self.journal, bytes=prefix))
        except OSError as error:
            warn("part.not-synced", upload=self.journal.upload, reason=error.strerror or "")
            self.written.cut(self.journal.bytes)
        finally:
            os.close(descriptor)

    def _take_in(self, descriptor: int) -> None:
        os.fdatasync(descriptor)
        self._hash.go_on(descriptor)

    def digest(self) -> tuple[str, int]:
        """sha256 (hex) and length of the whole file; slow if much of it was written twice, so not on the event loop."""
        return self._hash.finish(self._opened())

    async def settle(self) -> None:
        """Wait for a checkpoint that is under way."""
        if self._checkpoint is not None:
            await asyncio.wait([self._checkpoint])
            self._checkpoint = None

    async def bring_to_disk(self) -> None:
        """Before its rest, whose journal will say that all is there: a power cut must not leave zeros that a resume goes on behind."""
        if self.descriptor is None:
            return
        try:
            await asyncio.to_thread(os.fdatasync, self.descriptor)
        except OSError as error:
            warn("part.not-synced", upload=self.journal.upload, reason=error.strerror or "")
            self.tail = b""
            self.written.cut(self.journal.bytes)

    def rest(self, *, now: datetime) -> None:
        """The writer is gone: keep the bytes that came without a hole, for a later resume."""
        self.writer = None
        self.closing = False
        self._give_back_tail()
        self.drop_base()
        if self.descriptor is not None:
            os.ftruncate(self.descriptor, self.written.prefix)
            os.close(self.descriptor)
            self.descriptor = None
        self.written = Ranges(upto=self.written.prefix)
        self.attempted = self.written.prefix
        self.promised = 0
        self.declared = None
        self._synced = self.written.prefix
        self._hash = RunningHash()
        self.journal = replace(
            self.journal, bytes=self.written.prefix, rested_at=now
        )  # known here, if not on disk
        self.save(self.journal)

    def release(self) -> None:
        """Close its descriptors; the file itself stays or goes elsewhere."""
        self.writer = None
        self.drop_base()
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def remove(self) -> None:
        """Throw the part away; a writer that still holds it is fenced off."""
        self.release()
        self.file.unlink(missing_ok=True)
        journal_file(self.staging, self.journal.upload).unlink(missing_ok=True)


def new_part(*, staging: Path, partner: str, name: str, upload: str, now: datetime, sender: Sender) -> Part:
    """A part with nothing in it yet."""
    journal = Journal(
        upload=upload, partner=partner, name=name, state=WRITING, bytes=0, opened_at=now,
        key=sender.key, address=sender.address, client=sender.client, connection=sender.connection,
    )  # fmt: skip
    return Part(staging=staging, journal=journal)


def digest(file: Path) -> tuple[str, int]:
    """sha256 (hex) and length of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell()


def _copy(*, source: int, target: int, start: int, end: int) -> None:
    """Copy a stretch between two files at the same place."""
    while start < end:
        block = os.pread(source, min(_BLOCK, end - start), start)
        if not block:
            raise CannotTake("the earlier file became shorter meanwhile")
        start += os.pwrite(target, block, start)
