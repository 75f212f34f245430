"""What becomes of one partner's uploads, from the first byte to the hand-over?"""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import NoReturn

from sftp_server.audit import Audit, Clock, utc_now, warn
from sftp_server.crash import CrashPoints
from sftp_server.files.jail import Jail, open_folder
from sftp_server.files.names import INCOMING, VirtualPath, check_place_for_file, is_temporary, path_of
from sftp_server.refusals import CannotTake, Refused
from sftp_server.settings import MIB, Settings
from sftp_server.ulid import new_ulid
from sftp_server.uploads.doubts import Doubts
from sftp_server.uploads.finishing import Finisher
from sftp_server.uploads.journal import FINISHING, WRITING, Journal
from sftp_server.uploads.openings import OpenWish, Upload
from sftp_server.uploads.staging import Part, Sender, new_part
from sftp_server.uploads.syncing import Syncer
from sftp_server.uploads.usage import Change, Quota, Usage

_SLICE = 256 * 1024
"""As much is written at once on the event loop: it goes to the page cache, which is quicker than a thread."""
_LOOK_AT_DISK_EVERY = 8 * MIB
_JOURNAL_AFTER = 0.1
"""Seconds. An upload that is over sooner needs no journal but the one that decides."""
_TAKEN_OVER = "the name was taken over by another session, or removed; nothing that came here is handed over"


class Room:
    """One partner's files, parts and receipts. `lock` guards which part has which name."""

    def __init__(
        self, *, settings: Settings, partner: str, audit: Audit, crash: CrashPoints, syncer: Syncer | None = None,
        clock: Clock = utc_now,
    ) -> None:  # fmt: skip
        home = settings.home
        self.partner = partner
        self.settings = settings
        self.audit = audit
        self.clock = clock
        self.jail = Jail(home=home, partner=partner)
        self.staging = home / "partners" / partner / ".staging"
        self.finisher = Finisher(
            staging=self.staging, landing=home / "landing", jail=self.jail, syncer=syncer or Syncer(), crash=crash
        )  # fmt: skip
        self.usage = Usage(Quota(bytes=settings.bytes_per_partner, files=settings.files_per_partner))
        self.parts: dict[str, Part] = {}
        self.lock = asyncio.Condition()
        self.looking = asyncio.Lock()
        """Held while a folder is listed: one partner must not take all threads for its listings."""
        self.draining = False
        self._doubts = Doubts()
        self._not_looked = 0
        """How many bytes were written, over all uploads, since the disk was last looked at."""

    def prepare(self) -> None:
        """Make the partner's folders, if they are not there."""
        for steps in (("files", INCOMING), (".staging",)):
            with open_folder(self.settings.home / "partners", (self.partner, *steps), make=True):
                pass

    @property
    def is_busy(self) -> bool:
        """Whether an upload is in flight or being finished."""
        return self.lock.locked() or any(part.is_busy for part in self.parts.values())

    async def calm(self, path: VirtualPath) -> None:
        """Wait (holding the lock) until nothing at or below `path` is being finished."""

        def nothing_closing() -> bool:
            return not any(
                part.closing and (name == path.text or name.startswith(path.text + "/"))
                for name, part in self.parts.items()
            )

        await self.lock.wait_for(nothing_closing)

    # -- opening ---------------------------------------------------------------------------------------------

    async def open_upload(self, path: VirtualPath, *, wish: OpenWish, sender: Sender) -> Upload:
        """A handle to write `path`; earlier writers of the name are fenced off."""
        check_place_for_file(path)
        if self.draining:
            raise CannotTake("the server is shutting down; try again in a minute")
        async with self.lock:
            await self.calm(path)
            self.check_disk()
            await self.push_on(path.text)
            part = await self._part_to_go_on_with(path, wish=wish)
            if part is not None:
                upload = Upload(part=part, wish=wish, created=False)
                if wish.append:  # OpenSSH's reput says how far it came, also when it came nowhere
                    part.promised = part.attempted
            else:
                part = self._new_part(path, wish=wish, sender=sender)
                upload = Upload(part=part, wish=wish, created=True)
            part.open_for(upload, sender=sender)
            asyncio.get_running_loop().call_later(_JOURNAL_AFTER, part.journal_if_open)
            return upload

    async def _part_to_go_on_with(self, path: VirtualPath, *, wish: OpenWish) -> Part | None:
        """The earlier part of this name, if it is to be resumed; raises what the flags forbid."""
        with self.jail.folder(path.parent):
            pass  # the folder must be there
        visible = self.jail.find(path)
        part = self.parts.get(path.text)
        if visible is not None and visible.is_folder:
            raise OSError(errno.EISDIR, "this is a folder")
        if wish.exclusive and (part is not None or visible is not None):
            raise FileExistsError(errno.EEXIST, "the file exists")
        if not wish.create and part is None and visible is None:
            raise FileNotFoundError(errno.ENOENT, "no such file")
        if part is None:
            return None
        await part.settle()
        if wish.truncate:
            self.drop(part, reason="sent again")
            return None
        if part.descriptor is not None:
            await self.rest(part)
        return part

    def _new_part(self, path: VirtualPath, *, wish: OpenWish, sender: Sender) -> Part:
        now = self.clock()
        is_there = self.jail.find(path) is not None
        self.usage.check_bytes(1)
        if not is_there:
            self.usage.check_file()
        part = new_part(
            staging=self.staging,
            partner=self.partner,
            name=path.text,
            upload=self.new_id(now),
            now=now,
            sender=sender,
        )
        if not wish.truncate and is_there:
            part.take_base(self.jail.open_file(path))
        self.enter(part)
        return part

    def new_id(self, now: datetime) -> str:
        """The id of a new upload."""
        return new_ulid(milliseconds=int(now.timestamp() * 1000))

    # -- bytes -----------------------------------------------------------------------------------------------

    async def write(self, upload: Upload, offset: int, content: bytes) -> None:
        """All of `content`, or an error that makes the upload unfinishable until the bytes are sent again."""
        part = upload.part
        self._check_writer(upload)
        if not upload.touched:
            await self._prepare_first_write(upload, at_start=offset == 0)
        self._check_writer(upload)
        start = part.place_to_append(offset) if upload.append else offset
        upload.count_write(len(content))
        for place in range(0, len(content), _SLICE):
            if place:
                await asyncio.sleep(0)
                self._check_writer(upload)
            try:
                self._write_slice(part, start + place, content[place : place + _SLICE])
            except (CannotTake, OSError):
                part.promised = part.attempted
                raise
        part.checkpoint_if_due()

    def _write_slice(self, part: Part, offset: int, content: bytes) -> None:
        if offset + len(content) > self.settings.max_file_bytes:
            part.attempted = self.settings.max_file_bytes + 1
            raise CannotTake(f"the file is larger than {self.settings.max_file_bytes} bytes")
        part.attempted = max(part.attempted, offset + len(content))
        more = offset + len(content) - part.length
        if more > 0:
            self.usage.check_bytes(more)
        self._not_looked += len(content)
        if self._not_looked >= _LOOK_AT_DISK_EVERY:
            self.check_disk()
            self._not_looked = 0
        part.write(offset, content)
        if more > 0:
            self.weigh(part)

    async def _prepare_first_write(self, upload: Upload, *, at_start: bool) -> None:
        """A resume goes on behind what is there; writing from byte 0 onto a part starts it over."""
        upload.touched = True
        if upload.append or not at_start:
            await self._fill_from_base(upload.part)
        elif not upload.created:
            upload.part.rewind()
            self.weigh(upload.part)

    async def _fill_from_base(self, part: Part) -> None:
        if part.base is not None:
            self._check_room_for_base(part)
            async with self._undisturbed(part):
                await asyncio.to_thread(part.fill_from_base)
            self.weigh(part)

    def _check_room_for_base(self, part: Part) -> None:
        """A copy of a finished file takes room like bytes that come."""
        more = part.base_size - part.length
        if more > 0:
            self.check_disk()
            self.usage.check_bytes(more)

    async def read(self, upload: Upload, offset: int, size: int) -> bytes:
        """Bytes of the file being written, for clients that open it both ways."""
        self._check_writer(upload)
        await self._fill_from_base(upload.part)
        self._check_writer(upload)
        return upload.part.read(offset, size)

    def set_size(self, upload: Upload, size: int) -> None:
        """FSETSTAT: cuts the file and announces its length."""
        self._check_writer(upload)
        if size > self.settings.max_file_bytes:
            raise CannotTake(f"the file is larger than {self.settings.max_file_bytes} bytes")
        part = upload.part
        upload.touched = upload.touched or upload.is_changed_by(size)
        part.set_size(size)
        self.weigh(part)

    def _check_writer(self, upload: Upload) -> None:
        if upload.is_fenced():
            raise CannotTake(_TAKEN_OVER)

    # -- the end of an upload --------------------------------------------------------------------------------

    async def finish(self, upload: Upload) -> None:
        """The client closed the file: hand it over, and answer only when that is done."""
        part = upload.part
        self._check_writer(upload)
        async with self._undisturbed(part):
            part.closed_at = self.clock()
            await part.settle()
            async with self.lock:  # who was at it before is through now; who comes later waits for us
                if upload.changed_nothing:
                    self.drop(part, reason=None)
                    return
            self._check_writer(upload)
            try:
                upload.check_went_on()
                self._doubts.check(upload)
                self._check_room_for_base(part)
                await self._put_through(part)
            except (CannotTake, Refused, OSError) as error:
                await self._keep(part, error)

    async def _put_through(self, part: Part) -> None:
        """By its name (which nobody can change now): hand over or set aside. One thread takes all the steps."""
        temporary = is_temporary(path_of(part.name))
        self.usage.add(await asyncio.to_thread(self._set_aside if temporary else self._hand_over, part))
        self.forget(part)
        if temporary:
            self.note("upload.set-aside", part.journal)
        else:
            self.note_end(part.journal, seconds=self.seconds_since(part.closed_at))

    def _set_aside(self, part: Part) -> Change:
        """A temporary name: the file becomes visible, its rename to a final name will hand it over."""
        part.make_whole()
        part.journal = replace(part.journal, bytes=part.size, finished_at=self.clock())
        change = self.finisher.set_aside(part.file, as_path=path_of(part.name))
        part.remove()
        return change

    def _hand_over(self, part: Part) -> Change:
        part.make_whole()
        sha256, size = part.digest()
        self.finisher.hashed()
        journal = replace(part.journal, state=FINISHING, bytes=size, sha256=sha256, finished_at=self.clock())
        self.finisher.decide(journal)
        part.journal = journal
        part.release()
        return self.finisher.complete(journal)

    def seconds_since(self, moment: datetime | None) -> float | None:
        """How long ago that was: from the end of an upload to its hand-over."""
        return None if moment is None else round((self.clock() - moment).total_seconds(), 3)

    async def _keep(self, part: Part, error: CannotTake | Refused | OSError) -> NoReturn:
        """The file cannot be finished: keep what is good of it for a resume, and tell the client."""
        reason = (error.strerror if isinstance(error, OSError) else str(error)) or "input/output error"
        self.note("upload.refused", part.journal, reason=reason)
        if part.journal.state == WRITING:  # else the decision stands, and the sweep tries again
            async with self.lock:
                await self.rest(part)
        raise error

    async def lose(self, upload: Upload) -> None:
        """The connection went without closing the file: keep the part, hand nothing over."""
        if upload.is_fenced():
            return
        part = upload.part
        await part.settle()
        async with self.lock:
            if upload.is_fenced():
                return
            if upload.changed_nothing:
                self.drop(part, reason=None)
                return
            await self.rest(part)
            self.note("upload.lost", part.journal)

    @asynccontextmanager
    async def _undisturbed(self, part: Part) -> AsyncIterator[None]:
        """While this lasts, whoever wants to open, rename or remove the name waits."""
        part.closing = True
        try:
            yield
        finally:
            part.closing = False
            async with self.lock:
                self.lock.notify_all()

    # -- parts -----------------------------------------------------------------------------------------------

    async def push_on(self, name: str) -> None:
        """Finish what was decided and could not be done (a full disk, say) before the name is used again."""
        part = self.parts.get(name)
        if part is not None and part.journal.state != WRITING:
            self.usage.add(await asyncio.to_thread(self.finisher.roll_forward, part.journal))
            self.forget(part)
            self.note_end(part.journal)

    def enter(self, part: Part) -> None:
        """A part that its partner sees from now on."""
        self.parts[part.name] = part
        self.weigh(part)

    def weigh(self, part: Part) -> None:
        """Count what has come of a part, and is still there, against the quota."""
        if self.parts.get(part.name) is part:
            now = Change(bytes=part.length, files=1)
            self.usage.add(Change(bytes=now.bytes - part.weighed.bytes, files=now.files - part.weighed.files))
            part.weighed = now

    async def rest(self, part: Part) -> None:
        """Nobody writes a part any more: keep it for a resume."""
        part.writer = None
        await part.bring_to_disk()
        try:
            part.rest(now=self.clock())
        except OSError as error:  # a full disk, say: it can be resumed all the same, until the door is closed
            warn(
                "part.not-kept", partner=self.partner, upload=part.journal.upload, reason=error.strerror or ""
            )
        self.weigh(part)

    def forget(self, part: Part) -> None:
        """The part is no longer one: finished, or thrown away."""
        if self.parts.get(part.name) is part:
            del self.parts[part.name]
        self.usage.add(Change(bytes=-part.weighed.bytes, files=-part.weighed.files))
        part.weighed = Change()
        part.writer = None

    def drop(self, part: Part, *, reason: str | None) -> None:
        """Throw a part away; its writer, if any, is fenced off."""
        self.forget(part)
        part.remove()
        if reason is not None:
            self.note("upload.dropped", part.journal, reason=reason)

    def check_disk(self) -> None:
        """Raise ENOSPC when the disk is nearly full, while there is still room for the pipeline to work."""
        disk = os.statvfs(self.staging)
        if disk.f_bavail * disk.f_frsize < self.settings.free_disk_floor:
            raise OSError(errno.ENOSPC, "the server's disk is nearly full; try again later")

    def note_end(self, journal: Journal, **more: str | float | None) -> None:
        """One audit line: a decision was carried out."""
        if journal.state == FINISHING:
            self.note("upload.finished", journal, **more)
        else:
            self.note("upload.incomplete", journal, **more)

    def note(self, event: str, journal: Journal, **more: str | float | None) -> None:
        """One audit line about an upload; `connection` is the one that wrote it last."""
        self.audit.note(
            event, partner=self.partner, upload=journal.upload, name=journal.name, bytes=journal.bytes,
            sha256=journal.sha256, key=journal.key, address=journal.address, client=journal.client,
            connection=journal.connection, **more,
        )  # fmt: skip
