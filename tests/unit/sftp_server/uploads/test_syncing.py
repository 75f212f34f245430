"""Does whoever syncs several things together learn of each that failed?"""

import os
import threading
from pathlib import Path

import pytest

from sftp_server.uploads.syncing import Syncer


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_one_thing_that_cannot_be_synced_is_told_whichever_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    files = [tmp_path / name for name in "abc"]
    for file in files:
        file.touch()
    synced: list[int] = []

    def fsync(descriptor: int) -> None:
        inode = os.fstat(descriptor).st_ino
        synced.append(inode)
        if inode == files[broken].stat().st_ino:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="Input/output"):
        Syncer().sync(*files)
    assert sorted(synced) == sorted(file.stat().st_ino for file in files)


def test_things_are_synced_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits until the others are being synced, too."""
    meeting = threading.Barrier(3, timeout=5)
    monkeypatch.setattr(os, "fsync", lambda descriptor: meeting.wait())
    folder = os.open(tmp_path, os.O_RDONLY)
    (tmp_path / "a").touch()
    Syncer().sync(folder, tmp_path, tmp_path / "a")
    os.fstat(folder)  # what came as a descriptor stays open
    os.close(folder)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        Syncer().sync(tmp_path / "link")
