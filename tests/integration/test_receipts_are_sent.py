"""The outbox is emptied at least once, in order, whole files only, whatever happens in between."""

import errno
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from meterdrop.bootstrap import House
from meterdrop.receive.originals import Originals
from meterdrop.settings import read_settings
from meterdrop.store import outbox
from tests.homes import Homes
from tests.integration.command_line import READINGS_HEADER
from tests.integration.test_send_receipts import later

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


class PowerCut(BaseException):
    """The end of a process, without one."""


@pytest.fixture
def house(homes: Homes, furnished_home: Path, tmp_path: Path) -> Iterator[House]:
    """A house with one delivery, whose own receipts are sent."""
    home = tmp_path / "home"
    homes.copy(furnished_home, home)
    made = House(settings=read_settings(home))
    path = tmp_path / "r.csv"
    path.write_text(f"{READINGS_HEADER}\n10001;1;m3;2026-10-31\n", encoding="utf-8")
    made.take_files([path], partner="anyone", feed=None)
    yield made
    made.database.close()


def put(house: House, name: str, *, content: bytes | None = None, blob: str | None = None) -> None:
    with house.database.writing() as store:
        outbox.put(store, partner="anyone", delivery=1, name=name, now=NOW, content=content, blob=blob)


def folder(house: House) -> Path:
    return house.home / "receipts" / "anyone"


def test_files_are_written_and_taken_away_in_order(house: House) -> None:
    put(house, "a.json", content=b"first")
    put(house, "a.json", content=b"second")
    put(house, "b.json", content=b"gone soon")
    put(house, "b.json")
    assert house.send_receipts() == 4
    assert (folder(house) / "a.json").read_bytes() == b"second"
    assert not (folder(house) / "b.json").exists()
    assert house.send_receipts() == 0


def test_half_of_a_receipt_does_not_stay_on_a_full_disk(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "rejects"
    kept.write_bytes(b"line;_code")
    sha256 = hashlib.sha256(b"line;_code").hexdigest()
    house.originals.keep(content=kept, sha256=sha256)
    put(house, "r.rejects.csv", blob=sha256)

    def full(_originals: Originals, _sha256: str) -> Iterator[bytes]:
        yield b"line"
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(Originals, "chunks", full)
        house.send_receipts()
    assert not [left.name for left in folder(house).iterdir() if left.name.startswith(".")]
    assert later(house, seconds=3) == 1
    assert (folder(house) / "r.rejects.csv").read_bytes() == b"line;_code"


def test_file_kept_like_an_original_is_written_byte_for_byte(house: House, tmp_path: Path) -> None:
    content = bytes(range(256)) * 40_000
    kept = tmp_path / "rejects"
    kept.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    house.originals.keep(content=kept, sha256=sha256)
    put(house, "r.rejects.csv", blob=sha256)
    house.send_receipts()
    assert (folder(house) / "r.rejects.csv").read_bytes() == content


def test_removal_of_what_was_never_there_is_done(house: House) -> None:
    put(house, "never.json")
    assert house.send_receipts() == 1


@pytest.mark.parametrize("point", ["outbox:written", "outbox:marked"])
def test_process_that_ends_between_writing_and_marking_writes_the_same_bytes_again(
    house: House, point: str
) -> None:
    put(house, "a.json", content=b"told")

    def cut(passed: str) -> None:
        if passed == point:
            raise PowerCut

    with pytest.raises(PowerCut):
        replace(house.send_receipts, at=cut)()
    assert (folder(house) / "a.json").read_bytes() == b"told"
    assert house.send_receipts() == (1 if point == "outbox:written" else 0)
    assert (folder(house) / "a.json").read_bytes() == b"told"
    assert [path.name for path in folder(house).glob(".*")] == []


def test_two_at_once_write_every_letter_once(house: House) -> None:
    for number in range(200):
        put(house, f"{number % 10}.json", content=b"%d" % number)
    sent: list[int] = []
    others = [House(settings=house.settings) for _ in range(3)]
    threads = [threading.Thread(target=lambda one=one: sent.append(one.send_receipts())) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(sent) == 200
    assert [(folder(house) / f"{n}.json").read_bytes() for n in range(10)] == [
        b"%d" % (190 + n) for n in range(10)
    ]
    for one in others:
        one.database.close()


def test_folder_that_can_not_be_written_to_holds_up_no_other_letter(house: House) -> None:
    (folder(house) / "a.json").mkdir()
    put(house, "a.json", content=b"first")
    put(house, "b.json", content=b"other")
    put(house, "a.json", content=b"second")
    assert house.send_receipts() == 1
    assert (folder(house) / "b.json").read_bytes() == b"other"
    (folder(house) / "a.json").rmdir()
    assert later(house, seconds=3) == 2
    assert (folder(house) / "a.json").read_bytes() == b"second"
