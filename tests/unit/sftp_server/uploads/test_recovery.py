"""What does the door do with what its last run left in staging?"""

import asyncio
import errno
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sftp_server.audit import Audit
from sftp_server.crash import CrashPoints
from sftp_server.files.names import path_of
from sftp_server.refusals import Refused
from sftp_server.settings import Settings
from sftp_server.sftp.tree import Tree
from sftp_server.uploads.openings import OpenWish
from sftp_server.uploads.recovery import recover, sweep
from sftp_server.uploads.room import Room
from sftp_server.uploads.staging import CHECKPOINT_BYTES, Sender

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SENDER = Sender(key=None, address=None, client=None)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home without a door."""
    for name in ("partners", "landing", "audit"):
        (tmp_path / name).mkdir()
    return tmp_path


def room_in(home: Path) -> Room:
    """A partner's room as after a start."""
    settings = Settings(home=home, free_disk_floor=0)
    room = Room(
        settings=settings, partner="techem", audit=Audit(home / "audit" / "door.jsonl"), crash=CrashPoints(), clock=lambda: NOW
    )  # fmt: skip
    room.prepare()
    recover(room)
    return room


async def write(room: Room, content: bytes, *, close: bool) -> None:
    """Send something, and close it or lose the connection."""
    upload = await room.open_upload(path_of("incoming/a.csv"), wish=OpenWish(truncate=True), sender=SENDER)
    await room.write(upload, 0, content)
    await (room.finish(upload) if close else room.lose(upload))


def test_parts_wait_and_orphans_go(home: Path) -> None:
    asyncio.run(write(room_in(home), b"half" * 25, close=False))
    staging = home / "partners" / "techem" / ".staging"
    (staging / "01JDEF0000000000000000000A.part").write_bytes(b"nobody's")
    (staging / "01JDEF0000000000000000000B.json.tmp").write_text("{")
    room = room_in(home)
    assert {name: part.size for name, part in room.parts.items()} == {"incoming/a.csv": 36}
    assert sorted(file.suffix for file in staging.iterdir()) == [".json", ".part"]


def test_a_journal_without_its_bytes_goes(home: Path) -> None:
    asyncio.run(write(room_in(home), b"half", close=False))
    next((home / "partners" / "techem" / ".staging").glob("*.part")).unlink()
    assert room_in(home).parts == {}


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"upload": 1}'])
def test_a_spoilt_journal_is_put_aside_and_told(
    home: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    room_in(home)
    staging = home / "partners" / "techem" / ".staging"
    (staging / "01JDEF0000000000000000000A.json").write_text(text)
    assert room_in(home).parts == {}
    assert [file.name for file in staging.iterdir()] == ["01JDEF0000000000000000000A.bad"]
    assert "journal.unreadable" in capsys.readouterr().err


def test_a_hand_over_that_the_disk_forbids_is_finished_by_a_later_sweep(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        room = room_in(home)
        landing = home / "landing"
        with monkeypatch.context() as broken:
            _forbid(room, "complete", broken)
            with pytest.raises(OSError, match="broken disk"):
                await write(room, b"whole\n", close=True)
        landing.rename(home / "away")
        assert [part.journal.state for part in room.parts.values()] == ["finishing"]
        await sweep(room)
        (home / "away").rename(landing)
        await sweep(room)
        assert room.parts == {}

    asyncio.run(story())
    (content,) = (home / "landing").glob("*/content")
    assert content.read_bytes() == b"whole\n"
    assert (home / "partners" / "techem" / "files" / "incoming" / "a.csv").samefile(content)


def test_a_new_upload_of_the_same_name_first_finishes_what_was_decided(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        room = room_in(home)
        with monkeypatch.context() as broken:
            _forbid(room, "complete", broken)
            with pytest.raises(OSError, match="broken disk"):
                await write(room, b"first\n", close=True)
        await write(room, b"second\n", close=True)

    asyncio.run(story())
    assert {content.read_bytes() for content in (home / "landing").glob("*/content")} == {
        b"first\n",
        b"second\n",
    }


def test_a_file_that_landing_cannot_take_stays_a_part(home: Path) -> None:
    async def story() -> None:
        room = room_in(home)
        (home / "landing").rename(home / "away")
        with pytest.raises(OSError, match="No such file"):
            await write(room, b"whole\n", close=True)
        (home / "away").rename(home / "landing")
        assert [part.journal.state for part in room.parts.values()] == ["writing"]
        await write(room, b"whole\n", close=True)

    asyncio.run(story())
    assert [content.read_bytes() for content in (home / "landing").glob("*/content")] == [b"whole\n"]
    assert (
        list((home / "landing").glob(".*"))
        == list((home / "partners" / "techem" / ".staging").iterdir())
        == []
    )


def test_an_upload_that_takes_its_time_is_known_after_a_kill(home: Path) -> None:
    async def story() -> None:
        room = room_in(home)
        upload = await room.open_upload(
            path_of("incoming/a.csv"), wish=OpenWish(truncate=True), sender=SENDER
        )
        await room.write(upload, 0, b"slow")
        assert list(room.staging.glob("*.json")) == []
        while not list(room.staging.glob("*.json")):
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(story(), timeout=5))
    assert [*room_in(home).parts] == ["incoming/a.csv"]


def _forbid(room: Room, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **words: object) -> None:
        raise OSError(errno.EIO, "broken disk")

    monkeypatch.setattr(room.finisher, step, fail)


def test_a_whole_file_whose_close_failed_looks_shorter(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """paramiko's put() does not look at the answer of CLOSE, but compares sizes."""
    room = room_in(home)
    _forbid(room, "decide", monkeypatch)
    with pytest.raises(OSError, match="broken disk"):
        asyncio.run(write(room, b"whole", close=True))
    assert Tree(room).entry(path_of("incoming/a.csv")).size == 0
    assert list((home / "landing").iterdir()) == []


def test_a_decided_hand_over_cannot_be_cut_by_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = room_in(home)
    with monkeypatch.context() as broken:
        _forbid(room, "_finish", broken)
        with pytest.raises(OSError, match="broken disk"):
            asyncio.run(write(room, b"whole", close=True))
    with pytest.raises(Refused):
        asyncio.run(Tree(room).set_size(path_of("incoming/a.csv"), 2))
    (content,) = (home / "landing").glob("*/content")
    assert content.read_bytes() == b"whole"


def test_removing_a_part_leaves_nothing_behind(home: Path) -> None:
    async def remove_while_syncing(room: Room) -> None:
        path = path_of("incoming/a.csv")
        upload = await room.open_upload(path, wish=OpenWish(truncate=True), sender=SENDER)
        await room.write(upload, 0, bytes(CHECKPOINT_BYTES))
        await Tree(room).remove(path)
        await upload.part.settle()

    asyncio.run(remove_while_syncing(room_in(home)))
    assert list((home / "partners" / "techem" / ".staging").iterdir()) == []


def test_the_disk_is_looked_at_over_all_uploads_together(home: Path) -> None:
    async def write_many(room: Room) -> None:
        room.settings = replace(room.settings, free_disk_floor=1 << 62)
        for _ in range(9):
            await room.write(upload, 0, bytes(1024 * 1024))

    room = room_in(home)
    upload = asyncio.run(room.open_upload(path_of("incoming/a.csv"), wish=OpenWish(), sender=SENDER))
    with pytest.raises(OSError, match="nearly full"):
        asyncio.run(write_many(room))


def test_a_rename_to_a_final_name_during_close_still_hands_over(home: Path) -> None:
    async def rename_while_hashing(room: Room) -> None:
        path = path_of("incoming/a.csv.part")
        upload = await room.open_upload(path, wish=OpenWish(truncate=True), sender=SENDER)
        await room.write(upload, 0, b"whole")
        async with room.lock:  # as a rename that was let in just before this CLOSE
            finishing = asyncio.create_task(room.finish(upload))
            await asyncio.sleep(0.2)
            del room.parts[upload.part.name]
            upload.part.save(replace(upload.part.journal, name="incoming/a.csv"))
            room.parts["incoming/a.csv"] = upload.part
        await finishing

    asyncio.run(rename_while_hashing(room_in(home)))
    (ticket,) = (home / "landing").glob("*/ticket.json")
    assert json.loads(ticket.read_text())["name"] == "incoming/a.csv"
