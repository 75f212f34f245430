"""How much of a part may be trusted after a kill, a power cut, or a disk that refuses?"""

import asyncio
import errno
import os
from pathlib import Path

import pytest

from sftp_server.files.names import path_of
from sftp_server.refusals import CannotTake
from sftp_server.uploads import staging
from sftp_server.uploads.journal import Journal, save_journal
from sftp_server.uploads.openings import OpenWish, Upload
from sftp_server.uploads.room import Room
from sftp_server.uploads.usage import Quota
from tests.unit.sftp_server.uploads.test_recovery import SENDER, room_in, write

PLACE = path_of("incoming/a.csv")
BLOCK = 256 * 1024


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home without a door."""
    for name in ("partners", "landing", "audit"):
        (tmp_path / name).mkdir()
    return tmp_path


async def _open(room: Room, *, truncate: bool = False) -> Upload:
    return await room.open_upload(PLACE, wish=OpenWish(truncate=truncate), sender=SENDER)


async def _change(room: Room, upload: Upload, offset: int) -> None:
    await room.write(upload, offset, b"changed")
    await room.finish(upload)


@pytest.mark.parametrize("starts_over", ["by writing byte 0", "by a size"])
def test_a_hole_written_after_starting_over_is_not_taken_for_bytes_that_came_before(
    home: Path, starts_over: str
) -> None:
    async def scene() -> None:
        room = room_in(home)
        await write(room, bytes(range(256)) * 1024, close=False)
        upload = await _open(room)
        if starts_over == "by a size":
            room.set_size(upload, 0)
        await room.write(upload, 0, b"new")
        await room.write(upload, BLOCK // 2, b"behind a hole")

    asyncio.run(scene())  # and the door is killed
    assert room_in(home).parts["incoming/a.csv"].written.prefix == 0


def test_what_the_journal_of_a_resting_part_tells_of_was_brought_to_the_disk_before(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    sync = os.fdatasync

    def noted_sync(descriptor: int) -> None:
        steps.append(("synced", os.fstat(descriptor).st_size))
        sync(descriptor)

    def noted_save(folder: Path, journal: Journal) -> None:
        steps.append(("journalled", journal.bytes))
        save_journal(folder, journal)

    monkeypatch.setattr("sftp_server.uploads.staging.os.fdatasync", noted_sync)
    monkeypatch.setattr("sftp_server.uploads.staging.save_journal", noted_save)
    asyncio.run(write(room_in(home), bytes(BLOCK), close=False))
    assert steps == [("synced", BLOCK), ("journalled", BLOCK)]


def test_what_the_disk_refuses_when_a_part_comes_to_rest_did_not_come(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_descriptor: int) -> None:
        raise OSError(errno.EIO, "input/output error")

    async def scene() -> int:
        room = room_in(home)
        await write(room, bytes(1000), close=False)
        monkeypatch.setattr("sftp_server.uploads.staging.os.fdatasync", refuse)
        upload = await _open(room)
        await room.write(upload, 1000 - staging.HELD_BACK, bytes(500))
        await room.lose(upload)
        return room.parts["incoming/a.csv"].written.prefix

    assert asyncio.run(scene()) == 1000


@pytest.mark.parametrize("offset", [0, 10])
def test_the_copy_of_a_finished_file_that_is_changed_counts_against_the_quota(
    home: Path, offset: int
) -> None:
    async def scene() -> None:
        room = room_in(home)
        await write(room, bytes(1000), close=True)
        room.usage.quota = Quota(bytes=1500)
        upload = await _open(room)
        with pytest.raises(CannotTake, match="your folder is full"):
            await _change(room, upload, offset)
        assert room.usage.bytes <= 1500
        room.usage.quota = Quota(bytes=2500)
        upload = await _open(room, truncate=True)
        await room.write(upload, 0, b"all of it")
        await room.finish(upload)

    asyncio.run(scene())
