"""Does what is counted against a partner's quota stay what is there, whatever the partner does?"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sftp_server.audit import Audit
from sftp_server.crash import CrashPoints
from sftp_server.files.names import path_of
from sftp_server.refusals import CannotTake, Refused
from sftp_server.settings import Settings
from sftp_server.sftp.tree import Tree
from sftp_server.uploads.openings import OpenWish
from sftp_server.uploads.recovery import recover
from sftp_server.uploads.room import Room
from sftp_server.uploads.staging import Sender
from sftp_server.uploads.syncing import Syncer
from sftp_server.uploads.tidying import count, look_through
from sftp_server.uploads.usage import Change, Quota, Usage

SENDER = Sender(key=None, address=None, client=None)
NAMES = [
    "a.csv",
    "incoming/a.csv",
    "incoming/b.csv",
    "incoming/b.csv.part",
    "incoming/x/a.csv",
    "incoming/x/b.csv.tmp",
]
FOLDERS = ["incoming/x", "incoming/y"]


def _room(home: Path) -> Room:
    for name in ("partners", "landing", "audit"):
        (home / name).mkdir(exist_ok=True)
    room = Room(
        settings=Settings(home=home, free_disk_floor=0), partner="techem", audit=Audit(home / "audit" / "door.jsonl"),
        syncer=Syncer(), crash=CrashPoints(), clock=lambda: datetime(2026, 11, 24, 12, tzinfo=UTC),
    )  # fmt: skip
    room.prepare()
    recover(room)
    return room


async def _send(room: Room, dice: random.Random) -> None:
    """Open somehow, write some pieces, and close or be lost."""
    wish = OpenWish(truncate=dice.random() < 0.4, append=dice.random() < 0.4)
    upload = await room.open_upload(path_of(dice.choice(NAMES)), wish=wish, sender=SENDER)
    with suppress(CannotTake, OSError):
        for _ in range(dice.randrange(4)):
            await room.write(upload, dice.choice([0, 40, 100]), bytes(dice.choice([1, 40, 100])))
        if dice.random() < 0.3:
            room.set_size(upload, dice.choice([0, 50, 140]))
        if dice.random() < 0.2:
            upload = await room.open_upload(path_of(upload.part.name), wish=OpenWish(), sender=SENDER)
        await (room.finish(upload) if dice.random() < 0.7 else room.lose(upload))
    await room.lose(upload)


async def _change(room: Room, dice: random.Random) -> None:
    tree = Tree(room)
    one, other = path_of(dice.choice(NAMES)), path_of(dice.choice(NAMES))
    folder, another = path_of(dice.choice(FOLDERS)), path_of(dice.choice(FOLDERS))
    acts: list[Callable[[], Awaitable[None]]] = [
        lambda: tree.remove(one), lambda: tree.rename(one, other, sender=SENDER), lambda: tree.make_folder(folder),
        lambda: tree.remove_folder(folder), lambda: tree.rename(folder, another, sender=SENDER),
        lambda: tree.set_size(one, dice.choice([0, 30])),
    ]  # fmt: skip
    await dice.choice(acts)()


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_done_what_is_counted_is_what_is_there(tmp_path: Path, seed: int) -> None:
    async def story() -> None:
        dice = random.Random(seed)  # noqa: S311 - dice for a test
        room = _room(tmp_path)
        for step in range(60):
            with suppress(CannotTake, Refused, OSError):
                await dice.choice([_send, _change])(room, dice)
            counted = (room.usage.bytes, room.usage.files)
            count(room, look_through(room))
            parts = sum(file.stat().st_size for file in room.staging.glob("*.part"))
            assert parts == sum(part.weighed.bytes for part in room.parts.values()), f"step {step}"
            assert counted == (room.usage.bytes, room.usage.files), f"step {step}"
        room = _room(tmp_path)
        assert (room.usage.bytes, room.usage.files) == counted

    asyncio.run(story())


def test_a_quota_of_0_is_none() -> None:
    usage = Usage(Quota(bytes=0, files=0))
    usage.add(Change(bytes=1 << 60, files=1 << 60))
    usage.check_bytes(1)
    usage.check_file()
