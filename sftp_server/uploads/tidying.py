"""What has lain in a partner's folder for too long? Counts what is there, tells of files forgotten under a temporary name, and ends retention."""

import asyncio
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sftp_server.audit import warn
from sftp_server.files.names import INCOMING, VirtualPath, is_temporary
from sftp_server.refusals import Refused
from sftp_server.uploads.room import Room
from sftp_server.uploads.staging import PART_MODE
from sftp_server.uploads.usage import Change


@dataclass(frozen=True)
class Lying:
    """One visible file or folder as it was seen. `since`: nothing a client says can set it, so it is never too early."""

    path: VirtualPath
    size: int
    mode: int
    since: datetime
    mark: tuple[int, int]
    """Inode and time of change: whether it is still the same, untouched."""

    @property
    def is_forgotten(self) -> bool:
        """Whether it is a whole upload under a temporary name that its rename would hand over."""
        return stat.S_ISREG(self.mode) and stat.S_IMODE(self.mode) == PART_MODE and is_temporary(self.path)


def look_through(room: Room) -> list[Lying]:
    """Everything a partner's folder holds but the folders of the house; slow, so not on the event loop."""
    return [
        Lying(
            path=path, size=0 if stat.S_ISDIR(status.st_mode) else status.st_size, mode=status.st_mode,
            since=datetime.fromtimestamp(status.st_ctime, tz=UTC), mark=(status.st_ino, status.st_ctime_ns),
        )
        for path, status in room.jail.walk(VirtualPath(()))
        if path.parts != (INCOMING,)
    ]  # fmt: skip


def count(room: Room, lying: Iterable[Lying]) -> None:
    """Set right how much is used: what was seen, and the parts."""
    seen = [Change(bytes=one.size, files=1) for one in lying]
    parts = [part.weighed for part in room.parts.values()]
    room.usage.set_right(sum([*seen, *parts], Change()))


async def tidy(room: Room) -> None:
    """One look through the folder, and what follows from it."""
    changes = room.usage.changes
    lying = await asyncio.to_thread(look_through, room)
    if room.usage.changes == changes:
        count(room, lying)
    for one in _too_old(room, lying):
        try:
            await (_tell_forgotten(room, one) if one.is_forgotten else _expire(room, one))
        except (OSError, Refused) as error:  # the next look tries again
            warn("file.not-tidied", partner=room.partner, name=one.path.text, reason=str(error))


def _too_old(room: Room, lying: Iterable[Lying]) -> Iterator[Lying]:
    now, settings = room.clock(), room.settings
    forgotten = now - timedelta(seconds=settings.part_expires)
    expired = now - timedelta(days=settings.keep_files) if settings.keep_files else None
    for one in lying:
        if stat.S_ISDIR(one.mode):
            continue
        if (one.is_forgotten and one.since < forgotten) or (
            expired is not None and one.since < expired and not one.is_forgotten
        ):
            yield one


async def _tell_forgotten(room: Room, one: Lying) -> None:
    """A whole file that was never given its final name: the partner is told once; the file stays, and may still be renamed."""
    async with room.lock:
        await room.calm(one.path)
        if one.path.text not in room.parts and _is_untouched(room, one):
            journal = await asyncio.to_thread(room.finisher.tell_forgotten, one.path, now=room.clock())
            room.note("upload.incomplete", journal, reason="it was never given a final name")


async def _expire(room: Room, one: Lying) -> None:
    """The end of retention: the visible name goes. What was handed over is elsewhere."""
    async with room.lock:
        await room.calm(one.path)
        if _is_untouched(room, one):
            room.jail.remove_file(one.path)
            room.usage.add(Change(bytes=-one.size, files=-1))
            room.audit.note("file.expired", partner=room.partner, name=one.path.text, bytes=one.size)


def _is_untouched(room: Room, one: Lying) -> bool:
    """Whether it is the file that was seen, under the same name, not changed since."""
    try:
        status = room.jail.status(one.path)
    except FileNotFoundError:
        return False
    return (status.st_ino, status.st_ctime_ns) == one.mark
