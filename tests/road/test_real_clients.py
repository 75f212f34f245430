"""Partners' real clients go the whole road: upload, resume, overwrite, rename; the receipt arrives, exit code 0."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import paramiko
import pytest

from tests.road.pipeline_rig import wait_for
from tests.road.up_rig import Up, client, readings, register

SERIALS = [f"{70_000 + number}" for number in range(50)]
MANY = [f"{70_000 + number}" for number in range(40_000)]

pytestmark = pytest.mark.road


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Up, Path]]:
    client("ssh-keygen")
    up = Up(tmp_path_factory.mktemp("road") / "home")
    key = up.add_partner("alpha")
    with up.running():
        with up.paramiko("alpha", key) as sftp, sftp.open("/incoming/register.csv", "wb") as stream:
            stream.write(register(SERIALS))
        assert up.result("alpha", "register.csv")["verdict"] == "accepted"
        yield up, key


def _as_file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_openssh_sftp_puts_a_file_and_gets_its_receipt(keys: tuple[Up, Path], tmp_path: Path) -> None:
    up, key = keys
    client("sftp")
    file = _as_file(tmp_path, "by-sftp.csv", readings(SERIALS, day="2026-10-01"))

    done = up.sftp("alpha", key, f"put -p {file} /incoming/by-sftp.csv", "ls -l /incoming")

    assert done.returncode == 0, done.stderr
    assert "by-sftp.csv" in done.stdout
    result = up.result("alpha", "by-sftp.csv")
    assert (result["verdict"], result["lines"]["accepted"]) == ("accepted", 50)
    name = f"by-sftp.csv.{result['upload']}"
    got = up.sftp(
        "alpha", key, "cd /receipts", f"get {name}.result.json {tmp_path}/r.json", f"ls {name}.received.json"
    )
    assert got.returncode == 0, got.stderr
    assert json.loads((tmp_path / "r.json").read_bytes()) == result


def test_openssh_scp_copies_a_file_and_exits_0(keys: tuple[Up, Path], tmp_path: Path) -> None:
    up, key = keys
    scp = client("scp")
    file = _as_file(tmp_path, "by-scp.csv", readings(SERIALS, day="2026-10-02"))

    done = subprocess.run(
        [scp, "-s", *up.options(key), "-P", str(up.port), str(file), "alpha@127.0.0.1:/incoming/"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert up.result("alpha", "by-scp.csv")["lines"]["accepted"] == 50


def test_openssh_upload_is_resumed_after_its_client_was_killed(keys: tuple[Up, Path], tmp_path: Path) -> None:
    up, key = keys
    sftp = client("sftp")
    content = readings(MANY, day="2026-10-03")
    file = _as_file(tmp_path, "resumed.csv", content)
    slow = subprocess.Popen(
        [sftp, "-l", "2000", *up.options(key), "-P", str(up.port), "-b", "-", "alpha@127.0.0.1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert slow.stdin is not None
    slow.stdin.write(f"put {file} /incoming/resumed.csv\n".encode())
    slow.stdin.flush()
    with up.paramiko("alpha", key) as watching:
        wait_for(
            lambda: True if 0 < _size(watching, "/incoming/resumed.csv") < len(content) else None,
            what="a part",
        )
        slow.kill()
        slow.wait()
        time.sleep(0.5)
        part = _size(watching, "/incoming/resumed.csv")
    assert 0 < part < len(content)
    assert up.results("alpha", "resumed.csv") == []

    done = up.sftp("alpha", key, f"reput {file} /incoming/resumed.csv")

    assert done.returncode == 0, done.stderr
    result = up.result("alpha", "resumed.csv")
    assert result["bytes"] == len(content)
    assert result["lines"]["physical"] == 40_001
    assert result["lines"]["accepted"] == 50


def _size(sftp: paramiko.SFTPClient, path: str) -> int:
    with suppress(FileNotFoundError):
        return sftp.stat(path).st_size or 0
    return 0


def test_paramiko_put_with_confirm_overwrites_and_both_versions_are_loaded(
    keys: tuple[Up, Path], tmp_path: Path
) -> None:
    up, key = keys
    # Before all days that the other tests tell of: neither version may fall or leap beside theirs.
    first = _as_file(tmp_path, "a.csv", readings(SERIALS, day="2025-10-04"))
    second = _as_file(tmp_path, "b.csv", readings(SERIALS, day="2025-10-04", first=0))

    with up.paramiko("alpha", key) as sftp:
        sftp.put(str(first), "/incoming/overwritten.csv", confirm=True)
        assert up.result("alpha", "overwritten.csv")["verdict"] == "accepted"
        sftp.put(str(second), "/incoming/overwritten.csv", confirm=True)
        listed = sftp.stat("/incoming/overwritten.csv").st_size

    result = up.result("alpha", "overwritten.csv", count=2)
    assert listed == second.stat().st_size
    assert result["findings_by_code"] == {"reading.correction": 50}


def test_rename_from_a_temporary_name_hands_over_and_its_close_does_not(keys: tuple[Up, Path]) -> None:
    up, key = keys
    content = readings(SERIALS, day="2026-10-05")

    with up.paramiko("alpha", key) as sftp:
        with sftp.open("/incoming/renamed.csv.part", "wb") as stream:
            stream.write(content)
        time.sleep(0.5)
        assert up.results("alpha", "renamed.csv.part") == []
        sftp.posix_rename("/incoming/renamed.csv.part", "/incoming/renamed.csv")
        assert "renamed.csv" in sftp.listdir("/incoming")

    assert up.result("alpha", "renamed.csv")["lines"]["accepted"] == 50
    assert up.results("alpha", "renamed.csv.part") == []


def test_paramiko_appends_to_a_part_after_its_connection_was_cut(keys: tuple[Up, Path]) -> None:
    up, key = keys
    content = readings(SERIALS, day="2026-10-06")
    half = len(content) // 2
    with up.paramiko("alpha", key) as sftp:
        stream = sftp.open("/incoming/appended.csv", "wb")
        stream.write(content[:half])
        stream.flush()
        sftp.stat("/incoming")  # what was written before has arrived
        channel = sftp.get_channel()
        assert channel is not None
        channel.get_transport().sock.close()
    time.sleep(0.5)
    assert up.results("alpha", "appended.csv") == []

    with up.paramiko("alpha", key) as sftp:
        part = sftp.stat("/incoming/appended.csv").st_size or 0
        assert 0 < part <= half
        with sftp.open("/incoming/appended.csv", "ab") as rest:
            rest.write(content[part:])

    assert up.result("alpha", "appended.csv")["lines"]["accepted"] == 50


def test_partner_without_a_folder_for_it_can_upload_to_the_root(
    keys: tuple[Up, Path], tmp_path: Path
) -> None:
    up, key = keys
    client("sftp")
    file = _as_file(tmp_path, "at-root.csv", readings(SERIALS, day="2026-10-07"))

    assert up.sftp("alpha", key, f"put {file}").returncode == 0

    assert up.result("alpha", "at-root.csv")["lines"]["accepted"] == 50


def test_new_partner_can_log_in_within_two_seconds_without_a_restart(keys: tuple[Up, Path]) -> None:
    up, _ = keys
    key = up.add_partner("beta")
    time.sleep(2)

    with up.paramiko("beta", key) as sftp:
        assert sorted(sftp.listdir("/")) == ["incoming", "receipts"]
        assert sftp.listdir("/receipts") == []


def test_receipts_are_read_only(keys: tuple[Up, Path]) -> None:
    up, key = keys

    with up.paramiko("alpha", key) as sftp:
        before = sftp.listdir("/receipts")
        with pytest.raises(OSError):  # noqa: PT011 - clients tell refusals in several ways
            sftp.open("/receipts/forged.result.json", "wb")
        with pytest.raises(OSError):  # noqa: PT011
            sftp.remove(f"/receipts/{before[0]}")
        assert sftp.listdir("/receipts") == before
