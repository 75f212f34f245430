"""Receipts reach the partners' folders in order, and one bad folder holds up nobody else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from meterdrop.bootstrap import House
from meterdrop.settings import read_settings
from meterdrop.store import outbox
from tests.homes import Homes

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def house(homes: Homes, tmp_path: Path) -> House:
    home = tmp_path / "home"
    homes.make(home)
    made = House(settings=read_settings(home))
    for partner in ("blocked", "open"):
        made.partners.add(partner, name=partner, group=1, keys=[], networks=[], who="test")
        given = home / "work" / f"{partner}.csv"
        given.write_text("nothing to read\n", encoding="utf-8")
        made.take_files([given], partner=partner, feed=None)
    return made


def later(house: House, *, seconds: float) -> int:
    """Empties the outbox as if it were so much later."""
    return replace(house.send_receipts, clock=lambda: datetime.now(UTC) + timedelta(seconds=seconds))()


def _put(house: House, partner: str, content: bytes) -> None:
    with house.database.writing() as store:
        delivery = 1 if partner == "blocked" else 2
        outbox.put(store, partner=partner, delivery=delivery, name="r.json", now=NOW, content=content)


def test_folder_that_cannot_be_written_to_holds_up_no_other_partner(house: House) -> None:
    folder = house.home / "receipts" / "blocked"
    aside = folder.rename(folder.with_name("aside"))
    folder.write_text("a file where the folder should be", encoding="utf-8")
    for content in (b"older", b"newer"):
        _put(house, "blocked", content)
        _put(house, "open", content)

    house.send_receipts()

    assert (house.home / "receipts" / "open" / "r.json").read_bytes() == b"newer"
    with house.database.reading() as store:
        assert outbox.count_unwritten(store) == 2
    folder.unlink()
    aside.rename(folder)
    assert house.send_receipts() == 0, "it rests for a while"
    assert later(house, seconds=3) == 2
    assert (folder / "r.json").read_bytes() == b"newer"
