"""The SFTP operations that exist here, each translated into words of the house."""

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import asyncssh
from asyncssh.sftp import SFTPServer

from sftp_server.audit import warn
from sftp_server.files.jail import Entry
from sftp_server.files.names import VirtualPath, canonical_path, expand_home, parse_path
from sftp_server.refusals import Refused
from sftp_server.sftp.tree import Tree
from sftp_server.uploads.openings import OpenWish, Upload
from sftp_server.uploads.room import Room
from sftp_server.visitors.visits import Visit

MAX_READ = 256 * 1024
_WRITING = asyncssh.FXF_WRITE | asyncssh.FXF_APPEND
_AS_SFTP = (
    asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC,
    asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_APPEND,
)
"""How `put` and `reput` open a file."""
_BLOCK = 32 * 1024
"""What OpenSSH's sftp sends at once, if it does not ask how much suits us."""


class Reading:
    """A handle open for reading."""

    def __init__(self, *, path: VirtualPath, descriptor: int, end: int | None) -> None:
        self.path = path
        self.end = end
        """Where it ends for the reader: a part is not shown to its last byte."""
        self.descriptor = descriptor
        self.sent = 0


@dataclass(frozen=True)
class Listing:
    """The names in a folder, made one by one, and how many there are."""

    count: int
    names: Iterator[asyncssh.SFTPName]


class DoorSFTP(SFTPServer):
    """One SFTP session of one partner. Whatever asyncssh would do by itself on the disk is overridden here."""

    def __init__(self, chan: "asyncssh.SSHServerChannel[bytes]", *, visit: Visit, room: Room) -> None:
        super().__init__(chan)
        self.visit = visit
        self._room = room
        self._tree = Tree(room)
        self._handles: set[Upload | Reading] = set()
        self.block = _BLOCK
        self._asked_where = False
        """Whether the client began as OpenSSH's `sftp` does, whose prompt needs to know the folder it is in."""

    # -- open, read, write, close ----------------------------------------------------------------------------

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open a file; the attributes a client wishes for new files are ours to decide."""
        place = parse_path(path)
        handle: Upload | Reading
        if pflags & _WRITING:
            self._check_is_file_name(path)
            wish = OpenWish(
                append=bool(pflags & asyncssh.FXF_APPEND),
                create=bool(pflags & asyncssh.FXF_CREAT),
                truncate=bool(pflags & asyncssh.FXF_TRUNC),
                exclusive=bool(pflags & asyncssh.FXF_EXCL),
                block=self._block_of(pflags, attrs),
                announces=self._is_lftp(pflags, attrs),
            )
            handle = await self._room.open_upload(place, wish=wish, sender=self.visit.sender)
        else:
            end = self._tree.shown_end(place)
            handle = Reading(path=place, descriptor=self._tree.open_to_read(place), end=end)
        self._handles.add(handle)
        return handle

    def _block_of(self, pflags: int, attrs: asyncssh.SFTPAttrs) -> int | None:
        """How much OpenSSH's `sftp` sends at once, by its ways; scp, lftp, sshfs and Perl over OpenSSH have others."""
        opens_so = pflags in _AS_SFTP and attrs.permissions is not None and attrs.size is None
        is_sftp = opens_so and self._asked_where
        return self.block if is_sftp and self.visit.client.startswith("SSH-2.0-OpenSSH") else None

    def _is_lftp(self, pflags: int, attrs: asyncssh.SFTPAttrs) -> bool:
        """lftp over OpenSSH: it asks where it is, and opens without any attribute."""
        opens_so = (
            pflags | asyncssh.FXF_TRUNC == _AS_SFTP[0] and attrs.permissions is None and attrs.size is None
        )
        return opens_so and self._asked_where and self.visit.client.startswith("SSH-2.0-OpenSSH")

    def _check_is_file_name(self, path: bytes) -> None:
        """`incoming/2026/` is a folder, there or not: no file gets the name `2026` because the folder is missing."""
        if path.endswith(b"/") and not self._tree.entry(parse_path(path)).is_folder:
            raise NotADirectoryError(errno.ENOTDIR, "not a folder")

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Some bytes, fewer than asked for if that is a lot."""
        if offset >= 1 << 62:
            return b""
        wanted = min(size, MAX_READ)
        if isinstance(file_obj, Upload):
            return await self._room.read(file_obj, offset, wanted)
        if not isinstance(file_obj, Reading):
            raise asyncssh.SFTPInvalidHandle("no such handle")
        if file_obj.end is not None:
            wanted = max(0, min(wanted, file_obj.end - offset))
        content = os.pread(file_obj.descriptor, wanted, offset)
        file_obj.sent += len(content)
        self.visit.count_sent(len(content))
        return content

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """All the bytes, or an error: asyncssh would answer OK to a short write."""
        await self._room.write(_upload(file_obj), offset, data)
        self.visit.count_received(len(data))
        return len(data)

    async def finish(self, file_obj: object) -> None:
        """A real CLOSE. Only this ever hands anything over."""
        if isinstance(file_obj, Upload):
            await self._room.finish(file_obj)  # if a bug stops it, the end of the session keeps the part
        self._handles.discard(file_obj)
        if isinstance(file_obj, Reading):
            self._end_reading(file_obj)

    async def close(self, file_obj: object) -> None:
        """What asyncssh calls for a lost connection (and would for a CLOSE): keep the part. Never raises."""
        self._handles.discard(file_obj)
        if isinstance(file_obj, Reading):
            self._end_reading(file_obj)
        elif isinstance(file_obj, Upload):
            try:
                await self._room.lose(file_obj)
            except OSError as error:
                warn("part.not-kept", partner=self._room.partner, reason=error.strerror or "")

    def _end_reading(self, reading: Reading) -> None:
        os.close(reading.descriptor)
        self.visit.note("download", name=reading.path.text, bytes=reading.sent)

    async def lose_everything(self) -> None:
        """The session is over: whatever is still open was cut."""
        for handle in list(self._handles):
            await self.close(handle)

    def exit(self) -> None:
        """Tell the client that all went well: OpenSSH's scp exits 1 without it."""
        with suppress(OSError):  # the channel may be gone already, and with it whoever wanted to know
            self.channel.exit(0)

    async def fsync(self, file_obj: object) -> None:
        """Allowed and needless: everything is synced before CLOSE is answered."""

    # -- looking ---------------------------------------------------------------------------------------------

    async def realpath(self, path: bytes) -> bytes:
        """The path, cleaned; nothing is looked up."""
        self._asked_where = self._asked_where or path == b"."
        return canonical_path(path)

    async def expand_path(self, path: bytes) -> bytes:
        """The same for `~partner/…`, as OpenSSH's scp asks."""
        return canonical_path(expand_home(path, partner=self._room.partner))

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """What is there; there are no links, so this is LSTAT as well."""
        return _attrs(self._tree.entry(parse_path(path)))

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """The same as STAT."""
        return await self.stat(path)

    async def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        """What is open; an upload has the size of what came."""
        if isinstance(file_obj, Reading):
            status = os.fstat(file_obj.descriptor)
            entry = Entry.of(file_obj.path.name, status)
            return _attrs(entry if file_obj.end is None else replace(entry, size=file_obj.end))
        part = _upload(file_obj).part
        status = part.file.stat()
        entry = Entry("", part.size, status.st_mtime, status.st_atime, is_folder=False)
        return _attrs(entry)

    async def names_in(self, path: bytes) -> Listing:
        """A folder as one snapshot, so that a vanishing file cannot spoil the listing; one folder of a partner at a time."""
        place = parse_path(path)
        if not self._tree.entry(place).is_folder:
            raise NotADirectoryError(20, "not a folder")
        async with self._room.looking:
            found = await asyncio.to_thread(self._tree.listing, place)
        here = self._tree.entry(place)
        dots = [replace(here, name="."), replace(here, name="..")]
        return Listing(count=len(found), names=(_listed(entry) for entry in [*dots, *found]))

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """The snapshot, name by name."""
        for name in (await self.names_in(path)).names:
            yield name

    def format_user(self, uid: int | None) -> str:
        """Owners are shown by the partner's own name."""
        return self._room.partner

    def format_group(self, gid: int | None) -> str:
        """Groups too."""
        return self._room.partner

    # -- changing --------------------------------------------------------------------------------------------

    async def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Times are kept; sizes only cut parts; modes and owners are ours and quietly left alone."""
        place = parse_path(path)
        self._tree.entry(place)
        if attrs.size is not None:
            await self._tree.set_size(place, attrs.size)
        if attrs.atime is not None and attrs.mtime is not None:
            self._tree.set_times(place, (attrs.atime, attrs.mtime))

    async def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """The same as SETSTAT, for there are no links."""
        await self.setstat(path, attrs)

    async def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """A size cuts the upload and announces its length; times are kept."""
        if isinstance(file_obj, Reading):
            raise Refused("the file is open for reading")
        upload = _upload(file_obj)
        if attrs.size is not None:
            self._room.set_size(upload, attrs.size)
        if attrs.atime is not None and attrs.mtime is not None and not upload.is_fenced():
            os.utime(upload.part.file, (attrs.atime, attrs.mtime), follow_symlinks=False)

    async def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """A folder inside /incoming."""
        place = parse_path(path)
        await self._tree.make_folder(place)
        self.visit.note("folder.made", name=place.text)

    async def rmdir(self, path: bytes) -> None:
        """An empty folder inside /incoming."""
        place = parse_path(path)
        await self._tree.remove_folder(place)
        self.visit.note("folder.removed", name=place.text)

    async def remove(self, path: bytes) -> None:
        """A file's visible name or its part."""
        place = parse_path(path)
        await self._tree.remove(place)
        self.visit.note("file.removed", name=place.text)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """A new name; from a temporary to a final one it hands over. An existing file is replaced."""
        if not self._tree.entry(parse_path(oldpath)).is_folder:
            self._check_is_file_name(newpath)
        await self._tree.rename(parse_path(oldpath), parse_path(newpath), sender=self.visit.sender)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """The same as RENAME."""
        await self.rename(oldpath, newpath)


def _upload(file_obj: object) -> Upload:
    if not isinstance(file_obj, Upload):
        raise Refused("the file is open for reading")
    return file_obj


def _listed(entry: Entry) -> asyncssh.SFTPName:
    """One line of a listing; made only when it is sent, for it is large and a folder may hold many."""
    return asyncssh.SFTPName(entry.name.encode(), attrs=_attrs(entry))


def _attrs(entry: Entry) -> asyncssh.SFTPAttrs:
    """Size and times as they are; modes as we say.

    Receipts have the modes of all other files: clients copy a mode with a file or folder, and could not fetch the next receipt into
    a folder, nor a changed one onto a file, that they had made read only.
    """
    kind = stat.S_IFDIR if entry.is_folder else stat.S_IFREG
    mode = 0o750 if entry.is_folder else 0o640
    return asyncssh.SFTPAttrs(
        type=asyncssh.FILEXFER_TYPE_DIRECTORY if entry.is_folder else asyncssh.FILEXFER_TYPE_REGULAR,
        size=entry.size, uid=0, gid=0, permissions=kind | mode,
        atime=_seconds(entry.atime), mtime=_seconds(entry.mtime),
    )  # fmt: skip


def _seconds(moment: float) -> int:
    """As SFTP version 3 writes times: 32 bits, from 1970 to 2106."""
    return max(0, min(int(moment), 0xFFFFFFFF))
