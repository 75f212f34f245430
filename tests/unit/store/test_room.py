"""What would fill the disk waits, and says how much room it needs."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from meterdrop.model.delivery import LineCounts
from meterdrop.model.errors import TryAgain
from meterdrop.store.room import Room, needed_for

MB = 1024 * 1024


class Usage(NamedTuple):
    """As `shutil.disk_usage` tells it."""

    total: int
    used: int
    free: int


def free(monkeypatch: pytest.MonkeyPatch, megabytes: dict[str, int]) -> None:
    def usage(folder: Path) -> Usage:
        return Usage(10_000 * MB, 0, megabytes[folder.name] * MB)

    monkeypatch.setattr(shutil, "disk_usage", usage)


def test_what_leaves_the_floor_free_has_room(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, {"home": 300})
    Room(folders=[Path("home")], floor=100 * MB).check(needed=200 * MB)


def test_what_goes_below_the_floor_waits_and_says_how_much_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, {"home": 299})
    with pytest.raises(TryAgain) as told:
        Room(folders=[Path("home")], floor=100 * MB).check(needed=200 * MB)
    assert str(told.value) == (
        "the disk of home has 299 MB free; some 201 MB are needed now, and 100 MB stay free (free_disk_mb): "
        "make room, and what waits is loaded by itself"
    )


def test_every_disk_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, {"home": 500, "database": 99})
    with pytest.raises(TryAgain, match="the disk of database has 99 MB free; 100 MB stay free"):
        Room(folders=[Path("home"), Path("database")], floor=100 * MB).check()


@pytest.mark.parametrize(
    ("accepted", "quarantined", "findings", "size", "taken"),
    [
        (100_000, 0, 0, 3_100_000, 16_100_000),
        (0, 100_000, 160_001, 3_000_000, 74_000_000),
        (0, 100_000, 400_001, 3_300_000, 149_000_000),
        (0, 100_000, 100_001, 2_000_000, 44_000_000),
        (0, 2_000, 2_001, 120_000_000, 345_000_000),
    ],
)
def test_what_files_were_seen_to_take_was_reckoned_with(
    accepted: int, quarantined: int, findings: int, size: int, taken: int
) -> None:
    """Measured: by how much the home grew while files of the benchmark, and one of long lines, were stored."""
    lines = LineCounts(
        physical=1 + accepted + quarantined, header=1, accepted=accepted, quarantined=quarantined
    )
    assert taken <= needed_for(lines, findings=findings, size=size) <= 2 * taken
