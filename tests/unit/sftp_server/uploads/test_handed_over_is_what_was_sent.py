"""Whatever order bytes come in, are cut, lost, resumed or killed: is what is handed over what was sent, with its sha256?"""

import asyncio
import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from sftp_server.files.names import path_of
from sftp_server.refusals import CannotTake
from sftp_server.uploads import staging
from sftp_server.uploads.openings import OpenWish, Upload
from sftp_server.uploads.room import Room
from tests.unit.sftp_server.uploads.test_recovery import SENDER, room_in

PLACE = path_of("incoming/a.csv")
OFTEN = ("go on", "go on", "write at", "pause")
SELDOM = ("put", "reput", "write", "size", "size", "leave a hole", "close", "close", "lose", "kill")
STEPS = 80


class Client:
    """One client that remembers what it sent, and how the file should look by that."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.room: Room = room_in(home)
        self.upload: Upload | None = None
        self.file = bytearray()
        self.missing: set[int] = set()
        self.handed_over: set[str] = set()
        self.sent = 0

    async def open(self, how: str) -> None:
        """A file anew, or what there is of it, as far as it came."""
        if self.upload is not None:
            await self.room.lose(self.upload)
        wish = OpenWish(truncate=how == "put", append=how == "reput")
        self.upload = await self.room.open_upload(PLACE, wish=wish, sender=SENDER)
        part = self.upload.part
        old = part.base if part.base is not None else part.descriptor
        assert old is not None
        self.file = bytearray(os.pread(old, 100_000, 0))
        self.missing.clear()

    async def write(self, offset: int, length: int) -> None:
        """Fresh bytes; but what was held back is repeated."""
        assert self.upload is not None
        upload, part = self.upload, self.upload.part
        place = part.place_to_append(offset) if upload.append else offset
        starts_over = not (upload.touched or upload.append or upload.created or offset)
        self.sent += 1
        fresh = hashlib.sha256(str(self.sent).encode()).digest() * 30
        known = bytes(self.file[place : place + length]) if part.tail and not starts_over else b""
        content = (known + fresh)[:length]
        await self.room.write(upload, offset, content)
        if starts_over:
            self.cut(0)
        self.missing.update(range(len(self.file), place))
        self.missing.difference_update(range(place, place + length))
        self.file.extend(bytes(max(0, place + length - len(self.file))))
        self.file[place : place + length] = content

    def cut(self, size: int) -> None:
        """Nothing behind it is there any more, nor missing."""
        del self.file[size:]
        self.missing = {place for place in self.missing if place < size}

    async def close(self) -> None:
        """If it is taken, one more was handed over, and it is the file as it should look."""
        assert self.upload is not None
        upload, self.upload = self.upload, None
        nothing_done = upload.changed_nothing
        await self.room.finish(upload)
        new = {folder.name for folder in (self.home / "landing").iterdir()} - self.handed_over
        self.handed_over |= new
        assert new == (set() if nothing_done else {upload.part.journal.upload})
        for name in new:
            content = (self.home / "landing" / name / "content").read_bytes()
            ticket = json.loads((self.home / "landing" / name / "ticket.json").read_text())
            assert content == self.file
            assert not self.missing
            assert ticket["sha256"] == hashlib.sha256(content).hexdigest()
            assert ticket["bytes"] == len(content)

    async def kill(self) -> None:
        """The door, not the client: nothing is closed, and the next door finds what is there."""
        for part in self.room.parts.values():
            await part.settle()
            part.release()
        self.upload, self.room = None, room_in(self.home)

    async def do(self, step: str, dice: Random) -> None:
        """One step, as far as the door takes it."""
        if step == "kill":
            await self.kill()
        elif step == "pause":
            await asyncio.sleep(0.001)
        elif step in ("put", "reput", "write") or self.upload is None:
            await self.open(step)
        elif step == "close":
            await self.close()
        elif step == "lose":
            await self.room.lose(self.upload)
            self.upload = None
        elif step == "size":
            size = dice.randint(0, len(self.file))
            self.room.set_size(self.upload, size)
            self.cut(size)
        elif step == "write at":
            await self.write(dice.randint(0, len(self.file)), 100)
        else:
            behind = dice.randint(1, 900) if step == "leave a hole" else 0
            await self.write(self.upload.part.size + behind, dice.randint(1, 900))


@pytest.mark.parametrize("seed", range(30))
def test_what_is_handed_over_is_what_was_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    async def scene() -> None:
        dice = Random(seed)  # noqa: S311 - a test that can be repeated
        client = Client(tmp_path)
        for _ in range(STEPS):
            step = dice.choice(OFTEN if dice.random() < 0.8 else SELDOM)
            with suppress(CannotTake):
                await client.do(step, dice)
        await client.kill()

    monkeypatch.setattr(staging, "CHECKPOINT_BYTES", 700)
    for name in ("partners", "landing", "audit"):
        (tmp_path / name).mkdir()
    asyncio.run(scene())
