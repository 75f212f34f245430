"""What of OpenSSH's clients is refused, and what becomes of one that is killed? All else: tests/road/clients."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.door.house import HOST, House, wait_until

pytestmark = pytest.mark.skipif(shutil.which("sftp") is None, reason="OpenSSH's sftp is not installed")

BIG = bytes(range(256)) * 4096 * 24


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_client_hands_nothing_over_and_reput_finishes(
    house: House, tmp_path: Path, end: int
) -> None:
    big = tmp_path / "big.csv"
    big.write_bytes(BIG)
    slow = subprocess.Popen(
        ["sftp", "-l", "20000", *house.ssh_options(), "-P", str(house.port), "-b", "-", HOST],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert slow.stdin is not None
    slow.stdin.write(f"put {big} /incoming/big.csv\n")
    slow.stdin.flush()
    time.sleep(1.5)
    slow.send_signal(end)
    slow.wait()
    slow.stdin.close()
    wait_until(lambda: bool(house.audit("upload.lost")))
    assert house.tickets() == []
    with house.sftp() as sftp:
        came = sftp.stat("/incoming/big.csv").st_size
        assert came is not None
        assert 0 < came < len(BIG)
        assert [entry.st_size for entry in sftp.listdir_attr("/incoming")] == [came]
    done = house.openssh_sftp(f"reput {big} /incoming/big.csv")
    assert done.returncode == 0, done.stderr
    (ticket,) = house.tickets()
    assert house.content(ticket) == BIG
    assert ticket["upload"] == house.audit("upload.lost")[0]["upload"]


def test_there_is_no_shell_no_command_and_no_forwarding(house: House) -> None:
    for wish in ([], ["-tt"]):
        done = subprocess.run(
            ["ssh", *house.ssh_options(), "-p", str(house.port), *wish, HOST, "id"],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert "uid" not in done.stdout
    done = subprocess.run(
        ["ssh", *house.ssh_options(), "-p", str(house.port), "-o", "ExitOnForwardFailure=yes", "-W", f"{HOST}:{house.port}", HOST],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "SSH-2.0" not in done.stdout


def test_the_old_scp_protocol_is_refused(house: House, tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_bytes(b"1;2026-11-01;5\n")
    done = subprocess.run(
        ["scp", "-O", *house.ssh_options(), "-P", str(house.port), str(file), f"{HOST}:/incoming/a.csv"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert house.tickets() == []
