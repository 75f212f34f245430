"""How does the door close without dropping anybody? Who is in finishes; who has nothing open is sent home."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta

import asyncssh

from sftp_server.audit import Clock
from sftp_server.uploads.room import Room
from sftp_server.visitors.visits import Visit, Visits

_QUIET = 1.0
"""A session without open files that says nothing for so long has nothing more to do, not even a rename."""
_GRACE = 5.0
"""So long new files may still be opened by who is in: most sessions are over by then, and drop nothing."""
_LOOK_EVERY = 0.05
_LAST_WAIT = 5.0


async def drain(
    *, visits: Visits, rooms: Callable[[], Iterable[Room]], seconds: float, hurry: asyncio.Event, clock: Clock
) -> None:
    """Until all have gone, `seconds` have passed, or somebody is in a hurry; then whoever is left is sent home."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    grace = min(_GRACE, seconds / 2)
    await asyncio.sleep(_LOOK_EVERY)  # connections that were taken a moment ago show up
    while list(visits) and loop.time() - begun < seconds and not hurry.is_set():
        is_late = loop.time() - begun >= grace
        for room in rooms():
            room.draining = is_late
        for visit in visits:
            if _has_nothing_to_do(visit, clock=clock, is_late=is_late):
                send_home(visit)
        await asyncio.sleep(_LOOK_EVERY)
    for visit in visits:
        send_home(visit)
    await _wait_while_busy(rooms)


def _has_nothing_to_do(visit: Visit, *, clock: Clock, is_late: bool) -> bool:
    if visit.partner is None:
        return is_late
    return not visit.open_handles and clock() - visit.last_seen > timedelta(seconds=_QUIET)


def send_home(visit: Visit) -> None:
    """Say why, and close, once; parts of open uploads are kept."""
    if visit.ending is not None:
        return
    visit.ending = "the door closed"
    visit.connection.disconnect(asyncssh.DISC_BY_APPLICATION, "the server is shutting down")


async def _wait_while_busy(rooms: Callable[[], Iterable[Room]]) -> None:
    """Hand-overs that were begun end, and parts are put to rest."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _LAST_WAIT
    while any(room.is_busy for room in rooms()) and loop.time() < end:
        await asyncio.sleep(_LOOK_EVERY)
