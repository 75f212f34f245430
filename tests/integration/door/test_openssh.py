"""What of OpenSSH's clients is refused? Killed ones: test_cuts.py. All else: tests/road/clients."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.door.house import HOST, House

pytestmark = pytest.mark.skipif(shutil.which("sftp") is None, reason="OpenSSH's sftp is not installed")


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


def test_changing_keys_after_each_megabyte_cuts_nobody_off(house: House, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    large.write_bytes(bytes(40 * 1024 * 1024))
    commands = f"put {large} /incoming/large.csv\nget /incoming/large.csv {tmp_path}/back.csv\n"
    done = subprocess.run(
        ["sftp", *house.ssh_options(), "-P", str(house.port), "-o", "RekeyLimit=1M", "-b", "-", HOST],
        input=commands, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "back.csv").stat().st_size == large.stat().st_size


def test_the_old_scp_protocol_is_refused(house: House, tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_bytes(b"1;2026-11-01;5\n")
    done = subprocess.run(
        ["scp", "-O", *house.ssh_options(), "-P", str(house.port), str(file), f"{HOST}:/incoming/a.csv"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert house.tickets() == []
