"""Does the door work behind the walls of its systemd unit: its system-call filter, no network but the passed sockets?"""

import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import paramiko
import pytest

from tests.integration.door.conftest import HouseMaker
from tests.integration.door.house import HOST, ROOT, wait_until
from tests.integration.door.sandbox import CANNOT

UNIT = ROOT / "deploy" / "meterdrop-door.service"
SANDBOX = [sys.executable, str(ROOT / "tests" / "integration" / "door" / "sandbox.py"), str(UNIT)]

# Puts the two sockets where systemd puts them, and becomes the program that follows.
AS_SYSTEMD = """
import os, sys
for place, passed in enumerate(map(int, sys.argv[1:3])):
    os.dup2(passed, 10 + place)
for place in range(2):
    os.dup2(10 + place, 3 + place)
    os.close(10 + place)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "partners:metrics"}
os.execv(sys.argv[3], sys.argv[3:])
"""


def inside(code: str) -> "subprocess.CompletedProcess[str]":
    """Some Python behind the walls."""
    done = subprocess.run(
        [*SANDBOX, sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode == CANNOT:
        pytest.skip(done.stderr.strip())
    return done


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("socket.create_connection(('127.0.0.1', 22))", "PermissionError"),
        ("socket.socket(socket.AF_INET)", "PermissionError"),
        ("socket.socket(socket.AF_UNIX).connect('/run/x')", "PermissionError"),
        ("os.chown('/tmp', 0, 0)", "PermissionError"),
        ("os.setpriority(os.PRIO_PROCESS, 0, 1)", "PermissionError"),
        ("os.unshare(0)" if hasattr(os, "unshare") else "os.chroot('/')", "PermissionError"),
    ],
)
def test_what_a_break_in_would_want_is_not_there(code: str, error: str) -> None:
    done = inside(f"import os, socket; {code}")
    assert error in done.stderr, done.stderr


def test_the_door_works_behind_the_walls_of_its_unit(make_house: HouseMaker, tmp_path: Path) -> None:
    """Logins, uploads with their fsyncs, renames, folders, downloads, metrics, a changed account, a clean stop."""
    inside("pass")
    house = make_house()
    with (
        socket.create_server((HOST, 0), backlog=100) as partners,
        socket.create_server((HOST, 0)) as metrics,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified,
    ):
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(20)
        with house.stderr_file.open("a") as stderr:
            house.process = subprocess.Popen(
                [sys.executable, "-c", AS_SYSTEMD, str(partners.fileno()), str(metrics.fileno()), *SANDBOX,
                 sys.executable, "-m", "sftp_server", "--home", str(house.home)],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True,
                pass_fds=[partners.fileno(), metrics.fileno()],
                env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1500000"},
            )  # fmt: skip
        house.port, house.metrics_port = partners.getsockname()[1], metrics.getsockname()[1]
        assert notified.recv(1000).startswith(b"READY=1\n")
        assert [notified.recv(1000) for _ in range(2)] == [b"WATCHDOG=1"] * 2
        with house.sftp() as sftp:
            sftp.mkdir("/incoming/new")
            with sftp.open("/incoming/new/a.csv.part", "wb") as file:
                file.write(b"x;y\n" * 100_000)
            sftp.rename("/incoming/new/a.csv.part", "/incoming/a.csv")
            sftp.rmdir("/incoming/new")
            sftp.utime("/incoming/a.csv", (1, 1))
            with sftp.open("/incoming/a.csv") as file:
                assert len(file.read()) == 400_000
        assert house.openssh_sftp("put /etc/hostname /incoming/b.csv", "ls").returncode == 0
        with urllib.request.urlopen(f"http://{HOST}:{house.metrics_port}/", timeout=5) as answer:
            assert b"meterdrop_door_connections_total 2.0" in answer.read()
        house.write_account("ista", more="disabled = true")
        wait_until(lambda: _is_refused(house.port, house.key_file("ista")))
        assert house.stop() == 0
    assert sorted(ticket["name"] for ticket in house.tickets("finished")) == [
        "incoming/a.csv",
        "incoming/b.csv",
    ]
    assert {line["event"] for line in house.warnings()} <= {"supervisor.not-told"}, (
        "nobody listened to the watchdog's signs"
    )


def _is_refused(port: int, key: object) -> bool:
    transport = paramiko.Transport((HOST, port))
    try:
        transport.connect(username="ista", pkey=paramiko.Ed25519Key.from_private_key_file(str(key)))
    except paramiko.AuthenticationException:
        return True
    finally:
        transport.close()
    return False
