"""What does the door do with what its last run left in staging?"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sftp_server.audit import Audit
from sftp_server.crash import CrashPoints
from sftp_server.names import path_of
from sftp_server.recovery import recover, sweep
from sftp_server.room import OpenWish, Room
from sftp_server.settings import Settings
from sftp_server.staging import Sender

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
    asyncio.run(write(room_in(home), b"half", close=False))
    staging = home / "partners" / "techem" / ".staging"
    (staging / "01JDEF0000000000000000000A.part").write_bytes(b"nobody's")
    (staging / "01JDEF0000000000000000000B.json.tmp").write_text("{")
    room = room_in(home)
    assert {name: part.size for name, part in room.parts.items()} == {"incoming/a.csv": 4}
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


def test_a_hand_over_that_the_disk_forbids_is_finished_by_a_later_sweep(home: Path) -> None:
    async def story() -> None:
        room = room_in(home)
        landing = home / "landing"
        landing.rename(home / "away")
        with pytest.raises(OSError, match="No such file"):
            await write(room, b"whole\n", close=True)
        assert [part.journal.state for part in room.parts.values()] == ["finishing"]
        await sweep(room)
        (home / "away").rename(landing)
        await sweep(room)
        assert room.parts == {}

    asyncio.run(story())
    (content,) = (home / "landing").glob("*/content")
    assert content.read_bytes() == b"whole\n"
    assert (home / "partners" / "techem" / "files" / "incoming" / "a.csv").samefile(content)


def test_a_new_upload_of_the_same_name_first_finishes_what_was_decided(home: Path) -> None:
    async def story() -> None:
        room = room_in(home)
        (home / "landing").rename(home / "away")
        with pytest.raises(OSError, match="No such file"):
            await write(room, b"first\n", close=True)
        (home / "away").rename(home / "landing")
        await write(room, b"second\n", close=True)

    asyncio.run(story())
    assert {content.read_bytes() for content in (home / "landing").glob("*/content")} == {
        b"first\n",
        b"second\n",
    }
