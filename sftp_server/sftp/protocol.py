"""Which SFTP packets are answered, and what tells a real CLOSE from a lost connection?

This is the one place that leans on asyncssh's private names (`SFTPServerHandler` and its `_process_…`);
`tests/integration/door/test_asyncssh_is_as_we_know_it.py` fails when an upgrade changes them. The fallback
is safe: if `_process_close` were no longer called, uploads would stay parts and nothing would be handed over.
"""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import asyncssh
from asyncssh.constants import (
    FXP_CLOSE,
    FXP_FSETSTAT,
    FXP_FSTAT,
    FXP_LINK,
    FXP_LSTAT,
    FXP_MKDIR,
    FXP_NAME,
    FXP_OPEN,
    FXP_OPENDIR,
    FXP_READ,
    FXP_READDIR,
    FXP_READLINK,
    FXP_REALPATH,
    FXP_REMOVE,
    FXP_RENAME,
    FXP_RMDIR,
    FXP_SETSTAT,
    FXP_STAT,
    FXP_SYMLINK,
    FXP_WRITE,
)  # fmt: skip
from asyncssh.packet import PacketDecodeError, SSHPacket
from asyncssh.sftp import SFTPLimits, SFTPServerHandler
from asyncssh.stream import SSHServerStreamSession

from sftp_server.audit import Clock, warn
from sftp_server.refusals import CannotTake, Refused
from sftp_server.settings import Settings
from sftp_server.sftp.operations import MAX_READ, DoorSFTP
from sftp_server.visitors.channel import joined_if_small
from sftp_server.visitors.visits import Visit, Visits

_MAX_WRITE = 256 * 1024
_LONGEST_PACKET = _MAX_WRITE + 1024
_MOST_OF_OPENSSH = 255 * 1024
"""OpenSSH's sftp sends no more at once, whatever it is allowed."""
_SFTP_VERSION = 3
_NO_LINKS = "links can be neither made nor read here"

# asyncssh types its handlers' results as Any, one for each kind of answer.
_Answer = Callable[[Any, SSHPacket], Awaitable[Any]]


def _answering(process: _Answer) -> _Answer:
    """Turn our refusals into SFTP errors, and keep a bug's words from the client."""

    @functools.wraps(process)
    async def answer(handler: "DoorHandler", packet: SSHPacket) -> object:
        operation = process.__name__.removeprefix("_process_")
        try:
            return await process(handler, packet)
        except Refused as refusal:
            handler.door.visit.note("refused", operation=operation, reason=str(refusal))
            raise asyncssh.SFTPPermissionDenied(str(refusal)) from None
        except CannotTake as refusal:
            handler.door.visit.note("failed", operation=operation, reason=str(refusal))
            raise asyncssh.SFTPFailure(str(refusal)) from None
        except (asyncssh.SFTPError, OSError, PacketDecodeError, NotImplementedError):
            raise
        except Exception as bug:
            warn("bug", operation=operation, kind=type(bug).__name__, text=str(bug))
            raise asyncssh.SFTPFailure("the server made a mistake; it has been noted") from bug

    return answer


class DoorHandler(SFTPServerHandler):
    """Reads the packets of one session. No links, no locks, no copying on the server."""

    _extensions = [  # noqa: RUF012 - asyncssh's own form
        (b"posix-rename@openssh.com", b"1"),
        (b"fsync@openssh.com", b"1"),
        (b"lsetstat@openssh.com", b"1"),
        (b"limits@openssh.com", b"1"),
        (b"expand-path@openssh.com", b"1"),
    ]

    _return_types = {**SFTPServerHandler._return_types, b"expand-path@openssh.com": FXP_NAME}  # noqa: RUF012

    def __init__(
        self,
        door: DoorSFTP,
        reader: "asyncssh.SSHReader[bytes]",
        writer: "asyncssh.SSHWriter[bytes]",
        *,
        visits: Visits,
        settings: Settings,
        clock: Clock,
    ) -> None:
        super().__init__(door, reader, writer, _SFTP_VERSION)
        self.door = door
        self._visits = visits
        self._settings = settings
        self._opening = 0
        self._listed: dict[bytes, int] = {}
        self._clock = clock

    @property
    def open_handles(self) -> int:
        """How many files and folders this session has open."""
        return len(self._file_handles) + len(self._dir_handles) + self._opening

    @property
    def listed_names(self) -> int:
        """How many names the open folders hold in memory."""
        return sum(self._listed.values())

    async def _process_packet(self, pkttype: int, pktid: int, packet: SSHPacket) -> None:
        """Answer one packet; then wait until a slow client has taken the answers it has."""
        self.door.visit.last_seen = self._clock()
        await super()._process_packet(pkttype, pktid, packet)
        if self._writer is not None:
            with suppress(OSError, asyncssh.Error):
                await self._writer.drain()
        await self.door.visit.flow.taken()

    async def recv_packet(self) -> SSHPacket:
        """One packet; a longer one than OpenSSH would take ends the session (asyncssh takes 4 MiB)."""
        if self._reader is None:
            raise EOFError
        length = int.from_bytes(await self._reader.readexactly(4), "big")
        if length > _LONGEST_PACKET:
            raise asyncssh.SFTPBadMessage("the packet is too long")
        return SSHPacket(await self._reader.readexactly(length))

    @contextmanager
    def _one_handle_more(self) -> Iterator[None]:
        """As long as not too much is open, what is being opened included."""
        most = self._settings.handles_per_partner
        if self._visits.handles_of(self.door.visit.partner or "") >= most:
            raise CannotTake(f"no more than {most} files may be open at once")
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1

    async def _process_open(self, packet: SSHPacket) -> bytes:
        """OPEN, as long as not too much is open."""
        with self._one_handle_more():
            return await super()._process_open(packet)

    async def _process_close(self, packet: SSHPacket) -> None:
        """A real CLOSE: the only way to `finish`."""
        handle = packet.get_string()
        packet.check_end()
        opened = self._file_handles.pop(handle, None)
        if opened is not None:
            await self.door.finish(opened)
        elif self._dir_handles.pop(handle, None) is not None:
            self._listed.pop(handle, None)
        else:
            raise asyncssh.SFTPInvalidHandle("no such handle")

    async def _process_write(self, packet: SSHPacket) -> int:
        """WRITE; rclone up to 1.61 pads its last packet, so what follows the data is not looked at."""
        opened = self._file_handles.get(packet.get_string())
        offset = packet.get_uint64()
        content = packet.get_string()
        if opened is None:
            raise asyncssh.SFTPInvalidHandle("no such handle")
        return await self.door.write(opened, offset, content)

    async def _process_opendir(self, packet: SSHPacket) -> bytes:
        """OPENDIR takes the snapshot, so that a missing folder is told here and not at the first READDIR."""
        path = packet.get_string()
        packet.check_end()
        with self._one_handle_more():
            listing = await self.door.names_in(path)
            most = self._settings.names_per_partner
            held = self._visits.names_listed_for(self.door.visit.partner or "")
            if held and held + listing.count > most:
                raise CannotTake(
                    f"no more than {most} names may be listed at once; close other folders first"
                )
            handle = self._get_next_handle()
            self._dir_handles[handle] = _one_by_one(listing.names)
            self._listed[handle] = listing.count
        return handle

    async def _process_expand_path(self, packet: SSHPacket) -> tuple[list[asyncssh.SFTPName], bool]:
        """REALPATH for names with `~`."""
        path = packet.get_string()
        packet.check_end()
        return [asyncssh.SFTPName(await self.door.expand_path(path))], False

    async def _refuse_link(self, packet: SSHPacket) -> None:
        """Links are neither made nor read; said in words, for people who tried."""
        self.door.visit.note("refused", operation="link", reason=_NO_LINKS)
        raise asyncssh.SFTPOpUnsupported(_NO_LINKS)

    async def _process_limits(self, packet: SSHPacket) -> SFTPLimits:
        """How much at once suits us."""
        packet.check_end()
        self.door.block = min(_MAX_WRITE, _MOST_OF_OPENSSH)
        return SFTPLimits(_LONGEST_PACKET, MAX_READ, _MAX_WRITE, self._settings.handles_per_partner)

    _packet_handlers = {  # noqa: RUF012 - asyncssh's own form
        FXP_OPEN: _answering(_process_open),
        FXP_CLOSE: _answering(_process_close),
        FXP_READ: _answering(SFTPServerHandler._process_read),
        FXP_WRITE: _answering(_process_write),
        FXP_LSTAT: _answering(SFTPServerHandler._process_lstat),
        FXP_FSTAT: _answering(SFTPServerHandler._process_fstat),
        FXP_SETSTAT: _answering(SFTPServerHandler._process_setstat),
        FXP_FSETSTAT: _answering(SFTPServerHandler._process_fsetstat),
        FXP_OPENDIR: _answering(_process_opendir),
        FXP_READDIR: _answering(SFTPServerHandler._process_readdir),
        FXP_REMOVE: _answering(SFTPServerHandler._process_remove),
        FXP_MKDIR: _answering(SFTPServerHandler._process_mkdir),
        FXP_RMDIR: _answering(SFTPServerHandler._process_rmdir),
        FXP_REALPATH: _answering(SFTPServerHandler._process_realpath),
        FXP_STAT: _answering(SFTPServerHandler._process_stat),
        FXP_RENAME: _answering(SFTPServerHandler._process_rename),
        b"posix-rename@openssh.com": _answering(SFTPServerHandler._process_posix_rename),
        b"fsync@openssh.com": _answering(SFTPServerHandler._process_fsync),
        b"lsetstat@openssh.com": _answering(SFTPServerHandler._process_lsetstat),
        b"limits@openssh.com": _answering(_process_limits),
        b"expand-path@openssh.com": _answering(_process_expand_path),
        FXP_SYMLINK: _answering(_refuse_link),
        FXP_READLINK: _answering(_refuse_link),
        FXP_LINK: _answering(_refuse_link),
        b"hardlink@openssh.com": _answering(_refuse_link),
    }


async def _one_by_one(names: Iterator[asyncssh.SFTPName]) -> AsyncIterator[asyncssh.SFTPName]:
    for name in names:
        yield name


HandlerMaker = Callable[
    ["asyncssh.SSHServerChannel[bytes]", "asyncssh.SSHReader[bytes]", "asyncssh.SSHWriter[bytes]"],
    DoorHandler,
]


class DoorSession(SSHServerStreamSession[bytes]):
    """A channel that can become an SFTP session and nothing else."""

    def __init__(self, *, visit: Visit, make_handler: HandlerMaker) -> None:
        super().__init__(None)
        self._visit = visit
        self._make_handler = make_handler

    def subsystem_requested(self, subsystem: str) -> bool:
        """Only `sftp`; shell and exec are refused by the class above, which has nothing to run."""
        return subsystem == "sftp"

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Bytes of the client; small pieces that wait are joined."""
        super().data_received(data, datatype)
        waiting = self._recv_buf[datatype]
        if len(waiting) > 1 and isinstance(before := waiting[-2], bytes):
            joined = joined_if_small(before, data)
            if joined is not None:
                waiting[-2:] = [joined]

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is gone, whether a session began on it or not."""
        self._visit.channels -= 1
        super().connection_lost(exc)

    def session_started(self) -> None:
        """Serve until the client leaves or is lost."""
        if self._chan is None or self._conn is None:
            return
        reader = asyncssh.SSHReader[bytes](self, self._chan)
        writer = asyncssh.SSHWriter[bytes](self, self._chan)
        channel: asyncssh.SSHServerChannel[bytes] = self._chan  # type: ignore[assignment]  # ours is a server's
        handler = self._make_handler(channel, reader, writer)
        self._conn.create_task(self._serve(handler))

    async def _serve(self, handler: DoorHandler) -> None:
        self._visit.sessions.append(handler)
        try:
            with suppress(EOFError):
                await handler.run()
        finally:
            self._visit.sessions.remove(handler)
            await handler.door.lose_everything()
            handler.door.exit()

    def signal_received(self, signal: str) -> None:
        """A "signal" request ends the session as a lost connection does (asyncssh would skip the clean-up)."""
        self.eof_received()

    def break_received(self, msec: int) -> bool:
        """The same for a "break"."""
        self.eof_received()
        return True

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """There is no terminal."""
