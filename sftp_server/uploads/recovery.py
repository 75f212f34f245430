"""What was left over? Decided hand-overs go forward, parts wait for a resume, old parts are given up."""

import asyncio
import os
from dataclasses import replace
from datetime import datetime, timedelta

from sftp_server.audit import warn
from sftp_server.refusals import Refused
from sftp_server.uploads.journal import WRITING, Journal, journal_file, load_journal, part_file
from sftp_server.uploads.room import Room
from sftp_server.uploads.staging import Part
from sftp_server.uploads.tidying import count, look_through


def recover(room: Room) -> None:
    """Before the door opens: bring a partner's staging into a consistent state after any kind of end."""
    for journal in _journals(room):
        if journal.state == WRITING:
            _take_up(room, journal)
        else:
            _push(room, journal)
    _clear_orphans(room)
    count(room, look_through(room))


def _journals(room: Room) -> list[Journal]:
    """All readable journals, oldest first; one that cannot be read is put aside and warned about."""
    found = []
    for file in sorted(room.staging.glob("*.json")):
        try:
            found.append(load_journal(file))
        except (ValueError, KeyError, TypeError) as error:
            warn("journal.unreadable", partner=room.partner, file=file.name, reason=type(error).__name__)
            file.rename(file.with_suffix(".bad"))
    return found


def _push(room: Room, journal: Journal) -> None:
    """What was decided; if the disk forbids it now, the sweep tries again."""
    try:
        room.finisher.roll_forward(journal)
        room.note_end(journal, after="restart")
    except (OSError, Refused) as error:
        warn("upload.not-finished", partner=room.partner, upload=journal.upload, reason=str(error))
        room.enter(Part(staging=room.staging, journal=journal))


def _take_up(room: Room, journal: Journal) -> None:
    """A part that waits for a resume: trusted as far as its journal says."""
    file = part_file(room.staging, journal.upload)
    if not file.exists():
        journal_file(room.staging, journal.upload).unlink()
        return
    earlier = room.parts.get(journal.name)
    if earlier is not None:
        room.drop(earlier, reason="sent again")
    sure = min(journal.bytes, file.stat().st_size)
    os.truncate(file, sure)
    part = Part(staging=room.staging, journal=replace(journal, bytes=sure))
    part.rest(now=journal.rested_at or room.clock())
    room.enter(part)


def _clear_orphans(room: Room) -> None:
    """Parts without a journal, and journals that were never put in place."""
    for file in [*room.staging.glob("*.part"), *room.staging.glob("*.json.tmp")]:
        if file.suffix == ".tmp" or not journal_file(room.staging, file.stem).exists():
            file.unlink()


async def sweep(room: Room) -> None:
    """Finish what hung, and give up parts that nobody went on with in time."""
    limit = room.clock() - timedelta(seconds=room.settings.part_expires)
    async with room.lock:
        for part in list(room.parts.values()):
            if part.is_busy:
                continue
            try:
                await _look_at(room, part, limit=limit)
            except (OSError, Refused) as error:  # the next sweep tries again
                warn(
                    "upload.not-finished", partner=room.partner, upload=part.journal.upload, reason=str(error)
                )


async def _look_at(room: Room, part: Part, *, limit: datetime) -> None:
    if part.journal.state == WRITING and (part.journal.rested_at or part.journal.opened_at) < limit:
        part.journal = await asyncio.to_thread(room.finisher.give_up, part.journal, finished_at=room.clock())
    await room.push_on(part.name)
