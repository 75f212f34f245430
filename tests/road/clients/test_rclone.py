"""Does rclone get what it expects: nothing sent twice, hashes done without, parallel and padded writes?"""

import json
import subprocess
from pathlib import Path

import pytest

from tests.road.clients.conftest import Seen
from tests.road.clients.rig import HOST, LAST_YEAR, PARTNER, Road, run

pytestmark = pytest.mark.road


def remote(road: Road, path: str, *more: str) -> str:
    """A place at the house, as rclone writes it; without more words rclone tries out whether there is a shell."""
    words = [f"host={HOST}", f"port={road.up.port}", f"user={PARTNER}", f"key_file={road.key}", *more]
    return f":sftp,{','.join(words)}:{path}"


def rclone(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """One command, with settings of its own."""
    config = folder / "rclone.conf"
    config.touch()
    return run("rclone", "--config", str(config), *words)


@pytest.mark.table(
    "clients", client="rclone", does="copyto, lsl, check, check --download, copy of the receipts"
)
def test_rclone_copies_a_file_with_its_time_checks_it_and_fetches_receipts(
    road: Road, seen: Seen, tmp_path: Path
) -> None:
    file = road.file(tmp_path / "one", "odečty říjen rclone.csv")
    there = remote(road, "/incoming/rclone-one")

    done = rclone(tmp_path, "copyto", str(file), f"{there}/{file.name}")

    assert done.returncode == 0, done.stderr
    assert road.status(f"/incoming/rclone-one/{file.name}")[1] == LAST_YEAR
    result = road.arrived(f"incoming/rclone-one/{file.name}", file.read_bytes())
    assert str(file.stat().st_size) in rclone(tmp_path, "lsl", there).stdout
    for how in ((), ("--download",)):
        checked = rclone(tmp_path, "check", *how, str(file.parent), there)
        assert (checked.returncode, "0 differences found" in checked.stderr) == (0, True)
    got = rclone(tmp_path, "copy", remote(road, "/receipts", "shell_type=none"), str(tmp_path / "receipts"))
    assert got.returncode == 0, got.stderr
    assert json.loads((tmp_path / "receipts" / road.receipt(result)).read_bytes()) == result
    seen(done.returncode, result)


@pytest.mark.table("clients", client="rclone", does="sync: the second sends nothing, the third removes")
def test_rclone_syncs_a_folder_and_sends_nothing_the_second_time(
    road: Road, seen: Seen, tmp_path: Path
) -> None:
    kept = road.file(tmp_path / "out" / "2026", "synced.csv")
    gone = road.file(tmp_path / "out", "gone-rclone.csv")
    there = remote(road, "/incoming/rclone", "shell_type=none")

    first, second = (rclone(tmp_path, "sync", "-v", str(tmp_path / "out"), there) for _ in range(2))
    gone.unlink()
    third = rclone(tmp_path, "sync", "-v", str(tmp_path / "out"), there)

    assert [done.returncode for done in (first, second, third)] == [0, 0, 0], first.stderr + third.stderr
    assert first.stderr.count("Copied (new)") == 2
    assert "Copied" not in second.stderr
    assert "gone-rclone.csv: Deleted" in third.stderr
    assert road.hand_overs("incoming/rclone/gone-rclone.csv") == 1
    seen(0, road.arrived("incoming/rclone/2026/synced.csv", kept.read_bytes()))


@pytest.mark.table("clients", client="rclone", does="copy of 1.2 MB: parallel writes, the last one padded")
def test_rclone_sends_a_large_file_in_parallel_padded_writes(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path / "big", "big-rclone.csv", large=True)

    done = rclone(tmp_path, "copy", str(file.parent), remote(road, "/incoming", "shell_type=none"))

    assert done.returncode == 0, done.stderr
    seen(done.returncode, road.arrived("incoming/big-rclone.csv", file.read_bytes()))


@pytest.mark.table(
    "clients", client="rclone", does="shell_type=unix: md5sum and about refused; moveto, purge"
)
def test_rclone_told_of_a_shell_goes_on_without_it(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path / "unix", "moved-rclone.csv")
    there = remote(road, "/incoming/rclone-unix", "shell_type=unix")

    done = rclone(tmp_path, "copyto", str(file), f"{there}/up.part")
    hashed, about = rclone(tmp_path, "md5sum", there), rclone(tmp_path, "about", there)
    moved = rclone(tmp_path, "moveto", f"{there}/up.part", f"{there}/moved-rclone.csv")
    result = road.arrived("incoming/rclone-unix/moved-rclone.csv", file.read_bytes())
    purged = rclone(tmp_path, "purge", there)

    assert [tried.returncode for tried in (done, moved, purged)] == [0, 0, 0], done.stderr + moved.stderr
    assert (hashed.returncode, "hash type not supported" in hashed.stderr) == (1, True)
    assert (about.returncode, "about call failed" in about.stderr) == (1, True)
    seen(done.returncode, result)
