"""Does PuTTY's psftp, of which FileZilla's is made, get what it expects?"""

import json
import subprocess
from pathlib import Path

import pytest

from tests.road.clients.conftest import Seen
from tests.road.clients.rig import HOST, PARTNER, Road, run

pytestmark = pytest.mark.road


def psftp(road: Road, folder: Path, *batch: str) -> "subprocess.CompletedProcess[str]":
    """A batch of commands; the first that fails ends it."""
    key = folder / "key.ppk"
    if not key.exists():
        made = run(
            "puttygen", str(road.key), "-O", "private", "-o", str(key), "--new-passphrase", "/dev/null",
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
    file = folder / "batch"
    file.write_text("\n".join(batch) + "\n")
    return run(
        "psftp", "-batch", "-i", str(key), "-P", str(road.up.port), "-hostkey", road.host_key(), "-b", str(file),
        f"{PARTNER}@{HOST}", folder=folder,
    )  # fmt: skip


@pytest.mark.table("clients", client="psftp", does="put, ls, get of the receipt")
def test_psftp_puts_a_file_lists_it_and_fetches_the_receipt(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path, "odečty říjen psftp.csv")

    done = psftp(road, tmp_path, f'put "{file}" "/incoming/{file.name}"', "ls /incoming")

    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.endswith(file.name) and line.startswith("-")]
    assert line.split()[1:4] == [PARTNER, PARTNER, str(file.stat().st_size)]
    result = road.arrived(f"incoming/{file.name}", file.read_bytes())
    got = psftp(road, tmp_path, "cd /receipts", f'get "{road.receipt(result)}" r.json')
    assert got.returncode == 0, got.stdout + got.stderr
    assert json.loads((tmp_path / "r.json").read_bytes()) == result
    seen(done.returncode, result)


@pytest.mark.table("clients", client="psftp", does="reput after a cut")
def test_psftp_resumes_a_cut_upload(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path, "reput-psftp.csv", large=True)
    road.cut("incoming/reput-psftp.csv", file.read_bytes())

    done = psftp(road, tmp_path, f"reput {file} /incoming/reput-psftp.csv")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "restarting at file position" in done.stdout
    seen(done.returncode, road.arrived("incoming/reput-psftp.csv", file.read_bytes()))


@pytest.mark.table("clients", client="psftp", does="mkdir, put as .filepart, ren, chmod, del, rmdir")
def test_psftp_makes_folders_renames_and_removes(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path, "renamed-psftp.csv")

    done = psftp(
        road, tmp_path, "mkdir /incoming/psftp", "cd /incoming/psftp", f"put {file} a.filepart",
        "ren a.filepart renamed-psftp.csv", "chmod 600 renamed-psftp.csv", "ls", "del renamed-psftp.csv", "cd ..",
        "rmdir psftp", "pwd",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Remote directory is /incoming\n" in done.stdout
    seen(done.returncode, road.arrived("incoming/psftp/renamed-psftp.csv", file.read_bytes()))
