"""What does a partner see and change by name? Finished files, parts and receipts as one tree."""

import asyncio
import errno
import os
from contextlib import suppress
from dataclasses import replace

from sftp_server.files.jail import Entry
from sftp_server.files.names import (
    RECEIPTS,
    VirtualPath,
    check_place_for_file,
    check_place_for_folder,
    is_temporary,
    path_of,
)
from sftp_server.refusals import CannotTake, Refused
from sftp_server.uploads.journal import FINISHING, WRITING, Journal
from sftp_server.uploads.room import Room
from sftp_server.uploads.staging import Part, Sender
from sftp_server.uploads.usage import Change

_ROOT = VirtualPath(())


def _missing() -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "no such file")


class Tree:
    """The named things of one partner; a part stands under its own name, before any finished file of it."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._jail = room.jail

    # -- looking ---------------------------------------------------------------------------------------------

    def entry(self, path: VirtualPath) -> Entry:
        """What is there; `FileNotFoundError` if nothing is."""
        part = self._room.parts.get(path.text)
        waiting = _entry_of_part(part) if part is not None else None
        if waiting is not None:
            return waiting
        if path.parts == (RECEIPTS,):
            return self._receipts()
        found = self._jail.entry(path)
        return replace(found, name=path.name)

    def _receipts(self) -> Entry:
        """/receipts is always there, even before the first receipt."""
        found = self._jail.find(VirtualPath((RECEIPTS,)))
        return found or replace(self._jail.entry(_ROOT), name=RECEIPTS)

    def listing(self, path: VirtualPath) -> list[Entry]:
        """One snapshot of a folder; slow for large folders, so not on the event loop."""
        parts = {
            entry.name: entry
            for name, part in list(self._room.parts.items())
            if name.rpartition("/")[0] == path.text and (entry := _entry_of_part(part)) is not None
        }
        try:
            found = {entry.name: entry for entry in self._jail.listing(path)}
        except FileNotFoundError:
            if path.parts != (RECEIPTS,):
                raise
            found = {}
        if path == _ROOT:
            found[RECEIPTS] = self._receipts()
        return [*(found | parts).values()]

    def shown_end(self, path: VirtualPath) -> int | None:
        """Where a part at rest ends for who reads it; None for all else."""
        part = self._room.parts.get(path.text)
        return None if part is None or part.is_busy else part.size

    def open_to_read(self, path: VirtualPath) -> int:
        """A descriptor for reading a receipt, a finished file, or what has come of a part."""
        part = self._room.parts.get(path.text)
        if part is not None:
            with suppress(FileNotFoundError):  # it has just got its visible name
                return os.open(part.file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        if self.entry(path).is_folder:
            raise OSError(errno.EISDIR, "this is a folder")
        return self._jail.open_file(path)

    # -- changing --------------------------------------------------------------------------------------------

    async def make_folder(self, path: VirtualPath) -> None:
        """A folder inside /incoming."""
        if path.is_fixed:
            raise FileExistsError(errno.EEXIST, "the folder exists")
        check_place_for_folder(path)
        async with self._room.lock:
            if path.text in self._room.parts:
                raise FileExistsError(errno.EEXIST, "a file has this name")
            self._room.check_disk()
            self._room.usage.check_file()
            self._jail.make_folder(path)
            self._room.usage.add(Change(files=1))

    async def remove_folder(self, path: VirtualPath) -> None:
        """An empty folder inside /incoming."""
        _check_may_go(path)
        async with self._room.lock:
            if self._parts_below(path):
                raise OSError(errno.ENOTEMPTY, "an unfinished upload is in this folder")
            self._jail.remove_folder(path)
            self._room.usage.add(Change(files=-1))

    async def remove(self, path: VirtualPath) -> None:
        """A file's visible name and its part; what was handed over stays handed over."""
        _check_may_go(path)
        async with self._room.lock:
            await self._room.calm(path)
            await self._room.push_on(path.text)
            part = self._room.parts.get(path.text)
            visible = self._jail.find(path)
            if visible is not None and visible.is_folder:
                raise OSError(errno.EISDIR, "this is a folder")
            if part is None and visible is None:
                raise _missing()
            if part is not None:
                await part.settle()
                self._room.drop(part, reason="removed")
            if visible is not None:
                self._jail.remove_file(path)
                self._room.usage.add(Change(bytes=-visible.size, files=-1))

    async def set_size(self, path: VirtualPath, size: int) -> None:
        """SETSTAT of a size: cuts a part that nobody is writing; a finished file keeps its size."""
        async with self._room.lock:
            await self._room.calm(path)
            await self._room.push_on(path.text)
            part = self._room.parts.get(path.text)
            if part is not None and size <= part.written.prefix:
                await part.settle()
                part.set_size(size)
                if part.writer is None:
                    await self._room.rest(part)
                self._room.weigh(part)
            elif part is not None or self._jail.entry(path).size != size:
                raise Refused("a finished file keeps its size; send it again instead")

    def set_times(self, path: VirtualPath, times: tuple[float, float]) -> None:
        """SETSTAT of times: clients set them after the upload, and compare them later."""
        part = self._room.parts.get(path.text)
        if part is not None:
            os.utime(part.file, times, follow_symlinks=False)
        elif path.is_fixed or path.in_receipts:
            raise Refused("this is not yours to change")
        else:
            self._jail.entry(path)
            self._jail.set_times(path, times)

    # -- renaming --------------------------------------------------------------------------------------------

    async def rename(self, old: VirtualPath, new: VirtualPath, *, sender: Sender) -> None:
        """Give a file or folder another name, over an existing file if need be.

        From a temporary to a final name, a finished file is handed over; a part only changes its name.
        """
        _check_may_go(old)
        async with self._room.lock:
            await self._room.calm(old)
            await self._room.calm(new)
            await self._room.push_on(old.text)
            await self._room.push_on(new.text)
            part = self._room.parts.get(old.text)
            visible = self._jail.find(old)
            if part is None and visible is None:
                raise _missing()
            if visible is not None and visible.is_folder:
                await self._rename_folder(old, new)
                self._note("folder.renamed", old, new, sender)
            elif old != new:
                self._check_target(new)
                await self._rename_file(old, new, part=part, visible=visible, sender=sender)

    def _check_target(self, new: VirtualPath) -> None:
        check_place_for_file(new)
        with self._jail.folder(new.parent):
            pass  # the folder must be there
        there = self._jail.find(new)
        if there is not None and there.is_folder:
            raise OSError(errno.EISDIR, "a folder has this name")

    async def _rename_file(
        self, old: VirtualPath, new: VirtualPath, *, part: Part | None, visible: Entry | None, sender: Sender
    ) -> None:
        replaced = self._room.parts.get(new.text)
        if replaced is not None:
            await replaced.settle()
            self._room.drop(replaced, reason="another file was renamed onto it")
        if part is not None:
            await self._rename_part(part, new)
            if visible is not None:
                self._move_over(old, new)
            self._note("file.renamed", old, new, sender)
        elif is_temporary(old) and not is_temporary(new) and not self._room.finisher.was_handed_over(old):
            await self._hand_over(old, new, sender=sender)
        else:
            self._move_over(old, new)
            self._note("file.renamed", old, new, sender)

    def _move_over(self, old: VirtualPath, new: VirtualPath) -> None:
        """A visible file or folder gets another name; a file or empty folder that had the name is gone."""
        replaced = self._jail.find(new) if old != new else None
        self._jail.move(old, new)
        if replaced is not None:
            self._room.usage.add(Change(bytes=0 if replaced.is_folder else -replaced.size, files=-1))

    async def _rename_part(self, part: Part, new: VirtualPath) -> None:
        await part.settle()
        del self._room.parts[part.name]
        part.save(replace(part.journal, name=new.text))
        self._room.parts[new.text] = part

    async def _hand_over(self, old: VirtualPath, new: VirtualPath, *, sender: Sender) -> None:
        """The file was whole under its temporary name; the same journalled steps as at the end of an upload."""
        room = self._room
        now = room.clock()
        upload = room.new_id(now)
        part = await asyncio.to_thread(room.finisher.link_visible, old, upload=upload)
        try:
            sha256, size = await asyncio.to_thread(room.finisher.digest, part)
            journal = Journal(
                upload=upload, partner=room.partner, name=new.text, state=FINISHING, bytes=size, opened_at=now,
                finished_at=room.clock(), sha256=sha256, key=sender.key, address=sender.address,
                client=sender.client, source=old.text, connection=sender.connection,
            )  # fmt: skip
            await asyncio.to_thread(room.finisher.decide, journal)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        room.parts[new.text] = waiting = Part(staging=room.staging, journal=journal)
        room.usage.add(await asyncio.to_thread(room.finisher.complete, journal))
        room.forget(waiting)
        room.note_end(journal, seconds=room.seconds_since(now))

    async def _rename_folder(self, old: VirtualPath, new: VirtualPath) -> None:
        """Folders may be renamed and moved, but not deeper than they were."""
        check_place_for_folder(new)
        if new.is_fixed or new.below(old) or len(new.parts) > len(old.parts):
            raise Refused("a folder cannot be moved there")
        if new.text in self._room.parts or self._parts_below(new):
            raise FileExistsError(errno.EEXIST, "the name is taken")
        if any(part.journal.state != WRITING for part in self._parts_below(old)):
            raise CannotTake("an upload in this folder is being finished; try again in a minute")
        self._move_over(old, new)
        for part in self._parts_below(old):
            below = path_of(part.name).parts[len(old.parts) :]
            await self._rename_part(part, VirtualPath((*new.parts, *below)))

    def _parts_below(self, path: VirtualPath) -> list[Part]:
        return [part for name, part in self._room.parts.items() if name.startswith(path.text + "/")]

    def _note(self, event: str, old: VirtualPath, new: VirtualPath, sender: Sender) -> None:
        self._room.audit.note(
            event,
            partner=self._room.partner,
            name=old.text,
            to=new.text,
            key=sender.key,
            address=sender.address,
            client=sender.client,
            connection=sender.connection,
        )


def _check_may_go(path: VirtualPath) -> None:
    """The folders of the house stay, and receipts are read only."""
    if path.in_receipts:
        raise Refused("/receipts is read only")
    if path.is_fixed:
        raise Refused("this folder stays")


def _entry_of_part(part: Part) -> Entry | None:
    """How a part is listed; None when its file has just got its visible name."""
    try:
        status = part.file.stat()
    except FileNotFoundError:
        return None
    return Entry(part.name.rsplit("/", 1)[-1], part.size, status.st_mtime, status.st_atime, is_folder=False)
