"""Can the house be mounted as a folder, and do programs that know nothing of SFTP work there?"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.road.clients.conftest import Seen
from tests.road.clients.rig import HOST, LAST_YEAR, PARTNER, Road, run
from tests.road.clients.versions import require
from tests.road.pipeline_rig import wait_for

pytestmark = pytest.mark.road


@pytest.fixture(scope="module")
def mounted(road: Road, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The partner's root as a folder; a skip where it may not be mounted."""
    require("sshfs")
    folder = tmp_path_factory.mktemp("mounted")
    options = [word for word in road.ssh_options() if word not in ("-i", str(road.key), "LogLevel=ERROR")]
    pairs = [word for word in options if "=" in word]
    done = run(
        "sshfs", f"{PARTNER}@{HOST}:/", str(folder), "-p", str(road.up.port), "-F", "/dev/null",
        "-o", ",".join(["reconnect", *pairs, f"IdentityFile={road.key}"]),
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"sshfs cannot mount on this machine: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        wait_for(lambda: run("fusermount3", "-u", str(folder)).returncode == 0 or None, what="unmounting")


def shell(command: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """What somebody types who does not know that the folder is far away."""
    return run("sh", "-ec", command, "sh", *words)


@pytest.mark.table("clients", client="sshfs", does="cp -p, ls -l, cat of the receipt")
def test_file_copied_into_the_mounted_folder_is_handed_over(
    road: Road, seen: Seen, mounted: Path, tmp_path: Path
) -> None:
    file = road.file(tmp_path, "odečty říjen sshfs.csv")

    done = shell('cp -p "$1" "$2/incoming/" && ls -l "$2/incoming"', str(file), str(mounted))

    assert done.returncode == 0, done.stderr
    assert any(
        line.endswith(file.name) and f" {file.stat().st_size} " in line for line in done.stdout.splitlines()
    )
    result = road.arrived(f"incoming/{file.name}", file.read_bytes())
    got = wait_for(lambda: _text(mounted / "receipts" / road.receipt(result)), what="the receipt, mounted")
    assert json.loads(got) == result
    seen(done.returncode, result)


def _text(file: Path) -> str | None:
    return file.read_text() if file.exists() else None


@pytest.mark.table("clients", client="sshfs", does="cp under a .tmp name, mv, rm, rmdir")
def test_file_moved_from_a_temporary_name_is_handed_over_once(
    road: Road, seen: Seen, mounted: Path, tmp_path: Path
) -> None:
    file = road.file(tmp_path, "moved-sshfs.csv", large=True)
    there = mounted / "incoming" / "sshfs"

    done = shell(
        'mkdir "$2" && cp "$1" "$2/x.tmp" && mv "$2/x.tmp" "$2/moved-sshfs.csv"', str(file), str(there)
    )

    assert done.returncode == 0, done.stderr
    result = road.arrived("incoming/sshfs/moved-sshfs.csv", file.read_bytes())
    assert road.hand_overs("incoming/sshfs/x.tmp") == 0
    removed = shell('rm "$1/moved-sshfs.csv" && rmdir "$1" && ls "$2"', str(there), str(there.parent))
    assert (removed.returncode, "sshfs\n" in removed.stdout) == (0, False)
    seen(done.returncode, result)


@pytest.mark.table("clients", client="sshfs", does="write, fsync, append to the finished file")
def test_file_appended_to_is_handed_over_again_as_a_whole(road: Road, seen: Seen, mounted: Path) -> None:
    content = road.content()
    head, tail = content[:-20], content[-20:]
    there = mounted / "incoming" / "appended-sshfs.csv"

    with there.open("wb") as stream:
        stream.write(head)
        stream.flush()
        os.fsync(stream.fileno())
    wait_for(lambda: road.hand_overs("incoming/appended-sshfs.csv") or None, what="the first hand-over")
    with there.open("ab") as stream:
        stream.write(tail)

    seen(0, road.arrived("incoming/appended-sshfs.csv", content, times=2), 2)


@pytest.mark.table("clients", client="sshfs", does="ln, ln -s, a receipt overwritten: refused; df, touch")
def test_what_is_refused_is_told_as_by_any_folder(
    road: Road, seen: Seen, mounted: Path, tmp_path: Path
) -> None:
    file = road.file(tmp_path, "linked-sshfs.csv")
    shell('cp "$1" "$2/incoming/"', str(file), str(mounted))
    result = road.arrived("incoming/linked-sshfs.csv", file.read_bytes())

    for refused in (
        'ln "$1/incoming/linked-sshfs.csv" "$1/incoming/l"', 'ln -s linked-sshfs.csv "$1/incoming/l"',
        'echo x > "$1/receipts/x.result.json"', 'rm "$1/receipts/$2"', 'mv "$1/receipts/$2" "$1/incoming/"',
    ):  # fmt: skip
        assert shell(refused, str(mounted), road.receipt(result)).returncode != 0, refused
    done = shell('df "$1" && touch -d 2020-01-01 "$1/incoming/linked-sshfs.csv"', str(mounted))

    assert done.returncode == 0, done.stderr
    assert road.hand_overs("incoming/linked-sshfs.csv") == 1
    seen(done.returncode, result)


@pytest.mark.table(
    "clients", client="rsync over sshfs", does="rsync -a of a folder: the second sends nothing"
)
def test_rsync_into_the_mounted_folder_hands_over_under_the_final_name_only(
    road: Road, seen: Seen, mounted: Path, tmp_path: Path
) -> None:
    file = road.file(tmp_path / "out", "rsync.csv", large=True)

    for _ in range(2):
        done = run("rsync", "-a", f"{file.parent}/", f"{mounted}/incoming/rsync/")
        assert done.returncode == 0, done.stderr

    result = road.arrived("incoming/rsync/rsync.csv", file.read_bytes())
    assert road.handed_over_below("incoming/rsync/") == ["incoming/rsync/rsync.csv"]
    assert road.status("/incoming/rsync/rsync.csv")[1] == LAST_YEAR
    seen(done.returncode, result)
