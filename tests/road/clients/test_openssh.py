"""Do OpenSSH's own programs get what they expect?"""

import json
import subprocess
from pathlib import Path

import pytest

from tests.road.clients.conftest import Seen
from tests.road.clients.rig import HOST, LAST_YEAR, PARTNER, Road, run

pytestmark = pytest.mark.road


def sftp(road: Road, *batch: str, options: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    """A batch of commands; one that fails ends it, but for those that begin with `-`."""
    command = ["sftp", *options, *road.ssh_options(), "-P", str(road.up.port), "-b", "-", f"{PARTNER}@{HOST}"]
    return run(*command, given="\n".join(batch) + "\n")


def scp(road: Road, *words: str) -> "subprocess.CompletedProcess[str]":
    """scp as it is by default since OpenSSH 9: over SFTP."""
    return run("scp", "-s", *road.ssh_options(), "-P", str(road.up.port), *words)


@pytest.mark.table("clients", client="OpenSSH sftp", does="put -p, ls -l, get of the receipt")
def test_sftp_puts_a_file_with_its_time_lists_it_and_fetches_the_receipt(
    road: Road, seen: Seen, tmp_path: Path
) -> None:
    file = road.file(tmp_path, "odečty říjen sftp.csv")

    done = sftp(road, f'put -p "{file}" "/incoming/{file.name}"', "cd /incoming", "ls -l")

    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("-rw") and file.name in line]
    assert line.split()[1:4] == [PARTNER, PARTNER, str(file.stat().st_size)]
    assert road.status(f"/incoming/{file.name}")[1] == LAST_YEAR
    result = road.arrived(f"incoming/{file.name}", file.read_bytes())
    got = sftp(road, "ls /receipts", f'get "/receipts/{road.receipt(result)}" {tmp_path}/r.json')
    assert got.returncode == 0, got.stderr
    assert road.receipt(result) in got.stdout
    assert json.loads((tmp_path / "r.json").read_bytes()) == result
    seen(done.returncode, result)


@pytest.mark.table("clients", client="OpenSSH sftp", does="reput after a cut")
def test_sftp_resumes_a_cut_upload(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path, "reput.csv", large=True)
    road.cut("incoming/reput.csv", file.read_bytes())

    done = sftp(road, f"reput {file} /incoming/reput.csv")

    assert done.returncode == 0, done.stderr
    result = road.arrived("incoming/reput.csv", file.read_bytes())
    assert result["upload"] == road.audit("upload.lost", "incoming/reput.csv")[0]["upload"]
    seen(done.returncode, result)


@pytest.mark.table("clients", client="OpenSSH sftp", does="mkdir, put as .part, rename, rm, rmdir")
def test_sftp_makes_folders_renames_and_removes(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path, "renamed-sftp.csv")

    done = sftp(
        road, "mkdir /incoming/sftp", "-mkdir /incoming/sftp", "cd incoming/sftp", f"put {file} a.part",
        "rename a.part renamed-sftp.csv", "ls", "rm renamed-sftp.csv", "cd ..", "rmdir sftp", "pwd",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "Remote working directory: /incoming" in done.stdout
    seen(done.returncode, road.arrived("incoming/sftp/renamed-sftp.csv", file.read_bytes()))


@pytest.mark.table(
    "clients", client="OpenSSH sftp", does="put with 256 requests of 64 KiB at once, to the root"
)
def test_sftp_sends_many_large_requests_at_once(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path, "requests.csv", large=True)

    done = sftp(
        road, f"put {file}", f"get requests.csv {tmp_path}/back", options=("-R", "256", "-B", "65536")
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "back").read_bytes() == file.read_bytes()
    seen(done.returncode, road.arrived("requests.csv", file.read_bytes()))


@pytest.mark.table("clients", client="OpenSSH sftp", does="df, ln, symlink, cp, chown: refused, goes on")
def test_sftp_is_told_what_there_is_not_and_goes_on(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path, "refused-sftp.csv")

    done = sftp(
        road, f"put {file} /incoming/", "cd /incoming", "-df", "-ln refused-sftp.csv l", "-symlink refused-sftp.csv l",
        "-cp refused-sftp.csv copy.csv", "chown 0 refused-sftp.csv", "chmod 777 refused-sftp.csv", "-rm /receipts/*",
        "-rename refused-sftp.csv /receipts/r.csv", "-put nothing.csv", "ls",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    for refusal in (
        "does not support statvfs", "does not support hardlink", "Operation unsupported", "does not support copy-data",
        "Permission denied",
    ):  # fmt: skip
        assert refusal in done.stderr
    assert "copy.csv" not in done.stdout.rpartition("sftp> ls")[2]
    seen(done.returncode, road.arrived("incoming/refused-sftp.csv", file.read_bytes()))


@pytest.mark.table(
    "clients", client="OpenSSH scp", does="-p to a relative folder, -rp of all receipts, twice"
)
def test_scp_copies_a_file_with_its_time_and_fetches_receipts_every_day(
    road: Road, seen: Seen, tmp_path: Path
) -> None:
    file = road.file(tmp_path, "odečty říjen scp.csv")

    done = scp(road, "-p", str(file), f"{PARTNER}@{HOST}:incoming/")

    assert done.returncode == 0, done.stderr
    assert road.status(f"/incoming/{file.name}")[1] == LAST_YEAR
    result = road.arrived(f"incoming/{file.name}", file.read_bytes())
    for _ in range(2):
        got = scp(road, "-rp", f"{PARTNER}@{HOST}:receipts", str(tmp_path))
        assert got.returncode == 0, got.stderr
        fetched = tmp_path / "receipts" / road.receipt(result)
        assert json.loads(fetched.read_bytes()) == result
        assert fetched.stat().st_mode & fetched.parent.stat().st_mode & 0o200, "cannot be fetched again"
    seen(done.returncode, result)


@pytest.mark.table("clients", client="OpenSSH scp", does="a shorter file over a longer one, by ~partner/")
def test_scp_overwrites_a_longer_file(road: Road, seen: Seen, tmp_path: Path) -> None:
    longer = road.file(tmp_path, "longer", large=True)
    shorter = road.file(tmp_path, "shorter")

    for file, place in ((longer, "/incoming/over.csv"), (shorter, f"~{PARTNER}/incoming/over.csv")):
        done = scp(road, str(file), f"{PARTNER}@{HOST}:{place}")
        assert done.returncode == 0, done.stderr

    result = road.arrived("incoming/over.csv", shorter.read_bytes(), times=2)
    assert road.status("/incoming/over.csv")[0] == shorter.stat().st_size
    seen(done.returncode, result, 2)


@pytest.mark.table("clients", client="OpenSSH scp", does="a folder, -r; then one that is missing")
def test_scp_copies_a_folder_and_does_not_take_a_missing_ones_name(
    road: Road, seen: Seen, tmp_path: Path
) -> None:
    file = road.file(tmp_path / "folder", "in-folder.csv")

    done = scp(road, "-r", str(file.parent), f"{PARTNER}@{HOST}:incoming/")
    missing = scp(road, str(file), f"{PARTNER}@{HOST}:incoming/missing/")

    assert done.returncode == 0, done.stderr
    assert (missing.returncode, "No such file or directory" in missing.stderr) == (1, True)
    assert road.hand_overs("incoming/missing") == 0
    seen(done.returncode, road.arrived("incoming/folder/in-folder.csv", file.read_bytes()))
