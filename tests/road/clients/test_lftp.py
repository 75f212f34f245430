"""Does lftp get what it expects, plainly, through temporary files and when it mirrors?"""

import json
import subprocess
from pathlib import Path

import pytest

from tests.road.clients.conftest import Seen
from tests.road.clients.rig import HOST, LAST_YEAR, PARTNER, Road, run

pytestmark = pytest.mark.road


def lftp(road: Road, *commands: str) -> "subprocess.CompletedProcess[str]":
    """Some commands; the first that fails ends them."""
    ssh = " ".join(["ssh", "-a", "-x", *road.ssh_options()])
    settings = [
        f"set sftp:connect-program '{ssh}'", "set net:max-retries 1", "set net:timeout 20", "set cmd:fail-exit yes",
        f"open -u {PARTNER}, -p {road.up.port} sftp://{HOST}",
    ]  # fmt: skip
    return run("lftp", "-c", "; ".join([*settings, *commands]))


@pytest.mark.table("clients", client="lftp", does="put, ls, mirror of the receipts, twice")
def test_lftp_puts_a_file_with_its_time_lists_it_and_mirrors_receipts(
    road: Road, seen: Seen, tmp_path: Path
) -> None:
    file = road.file(tmp_path, "odečty říjen lftp.csv")

    done = lftp(road, f'put "{file}" -o "incoming/{file.name}"', "ls incoming")

    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.endswith(file.name)]
    assert line.split()[1:4] == [PARTNER, PARTNER, str(file.stat().st_size)]
    assert road.status(f"/incoming/{file.name}")[1] == LAST_YEAR
    result = road.arrived(f"incoming/{file.name}", file.read_bytes())
    for _ in range(2):
        got = lftp(road, f"mirror receipts {tmp_path}/receipts")
        assert got.returncode == 0, got.stderr
    fetched = tmp_path / "receipts" / road.receipt(result)
    assert json.loads(fetched.read_bytes()) == result
    assert fetched.stat().st_mode & 0o200, "cannot be fetched again"
    seen(done.returncode, result)


@pytest.mark.table("clients", client="lftp", does="put with xfer:use-temp-file, over an earlier file")
def test_lftp_sends_through_a_temporary_file(road: Road, seen: Seen, tmp_path: Path) -> None:
    first, second = (road.file(tmp_path, name) for name in ("first", "second"))

    for file in (first, second):
        done = lftp(road, "set xfer:use-temp-file yes", f"put {file} -o incoming/temporary-lftp.csv")
        assert done.returncode == 0, done.stderr

    seen(0, road.arrived("incoming/temporary-lftp.csv", second.read_bytes(), times=2), 2)
    assert not any(".in." in name for name in lftp(road, "cls -a incoming").stdout.splitlines())


@pytest.mark.table("clients", client="lftp", does="mirror -R --delete: the second sends nothing")
def test_lftp_mirrors_a_folder_and_sends_nothing_the_second_time(
    road: Road, seen: Seen, tmp_path: Path
) -> None:
    kept = road.file(tmp_path / "out" / "2026 říjen", "mirrored.csv")
    gone = road.file(tmp_path / "out", "gone-lftp.csv")
    command = f"mirror -R --delete -v -P 3 {tmp_path}/out incoming/lftp"

    first, second = lftp(road, command), lftp(road, command)
    gone.unlink()
    third = lftp(road, command, "find incoming/lftp")

    assert [done.returncode for done in (first, second, third)] == [0, 0, 0], first.stderr + third.stderr
    assert "Transferring" in first.stdout
    assert second.stdout == ""
    assert "gone-lftp.csv'" in third.stdout
    assert "incoming/lftp/gone-lftp.csv" not in third.stdout
    assert road.hand_overs("incoming/lftp/gone-lftp.csv") == 1
    seen(0, road.arrived("incoming/lftp/2026 říjen/mirrored.csv", kept.read_bytes()))


@pytest.mark.table("clients", client="lftp", does="put -c after a cut")
def test_lftp_continues_a_cut_upload(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path, "continued.csv", large=True)
    road.cut("incoming/continued.csv", file.read_bytes())

    done = lftp(road, f"put -c {file} -o incoming/continued.csv")

    assert done.returncode == 0, done.stderr
    result = road.arrived("incoming/continued.csv", file.read_bytes())
    assert result["upload"] == road.audit("upload.lost", "incoming/continued.csv")[0]["upload"]
    seen(done.returncode, result)


@pytest.mark.table("clients", client="lftp", does="mkdir -p, mv from .part, chmod, ln refused, rm -r")
def test_lftp_makes_folders_renames_and_removes(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path, "moved-lftp.csv")

    done = lftp(
        road, "mkdir -p incoming/lf/a", f"put {file} -o incoming/lf/a/x.part", "mv incoming/lf/a/x.part incoming/lf/a/moved-lftp.csv",
        "chmod 600 incoming/lf/a/moved-lftp.csv", "set cmd:fail-exit no", "ln -s incoming/lf incoming/link",
        "set cmd:fail-exit yes", "rm -r incoming/lf", "cls incoming",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "links can be neither made nor read here" in done.stderr
    assert "incoming/lf/" not in done.stdout
    seen(done.returncode, road.arrived("incoming/lf/a/moved-lftp.csv", file.read_bytes()))
