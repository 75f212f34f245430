"""Are the door's numbers right, while real clients work, and can nobody make them a burden?"""

import http.client
import os
import socket
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import paramiko
import pytest

from tests.integration.door.conftest import HouseMaker
from tests.integration.door.house import HOST, House, wait_until
from tests.integration.door.test_starting import reason, start

CONTENT = b"0123456789" * 1000


def numbers(house: House) -> Mapping[str, float]:
    """What Prometheus would read: numbers by name and labels."""
    with urllib.request.urlopen(f"http://{HOST}:{house.metrics_port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line[0] != "#"}


def door(house: House) -> Mapping[str, float]:
    """Our own, without the prefix and those that are zero."""
    prefix = "meterdrop_door_"
    return {
        name.removeprefix(prefix): n for name, n in numbers(house).items() if n and name.startswith(prefix)
    }


@pytest.fixture
def counted(make_house: HouseMaker) -> House:
    """A door with metrics."""
    house = make_house(metrics=True, metrics_port=0, ban_score=4, connections_per_second=100)
    house.start()
    return house


def test_every_number_is_exactly_what_clients_did(counted: House) -> None:
    with counted.sftp() as sftp:
        with sftp.open("/incoming/a.csv", "wb") as file:
            file.write(CONTENT)
        with sftp.open("/incoming/b.csv.part", "wb") as file:
            file.write(CONTENT)
        with sftp.open("/incoming/a.csv") as file:
            file.prefetch(len(CONTENT))
            assert file.read() == CONTENT
        with pytest.raises(PermissionError):
            sftp.mkdir("/elsewhere")
        with counted.sftp("ista") as other:
            left_open = other.open("/incoming/c.csv", "wb")
            left_open.write(CONTENT)
            left_open.flush()
            other.stat("/incoming/c.csv")
            now = dict(door(counted))
            free = now.pop("free_disk_bytes")
            seconds = {name: now.pop(name) for name in list(now) if "handover_seconds" in name}
            other.sock.get_transport().sock.close()
        wait_until(lambda: door(counted).get("resting_parts") == 1)

    assert now == {
        "open_connections{logged_in=\"yes\"}": 2, "connections_total": 2, "open_handles": 1,
        "received_bytes_total": 3 * len(CONTENT), "sent_bytes_total": len(CONTENT), "open_uploads": 1,
        "logins_total{result=\"admitted\"}": 2, "uploads_total{outcome=\"finished\"}": 1,
        "uploads_total{outcome=\"set-aside\"}": 1, "refusals_total{kind=\"refused\"}": 1, "downloads_total": 1,
    }  # fmt: skip
    assert seconds["handover_seconds_count"] == 1
    disk = os.statvfs(counted.home)
    assert free == pytest.approx(disk.f_bavail * disk.f_frsize, rel=0.2)
    wait_until(lambda: 'open_connections{logged_in="yes"}' not in door(counted))
    assert door(counted)['uploads_total{outcome="lost"}'] == 1


def test_guessers_show_and_give_no_label_a_name(counted: House) -> None:
    names = set(numbers(counted))
    for user in ("nobody-1", "nobody-2"):
        transport = paramiko.Transport((HOST, counted.port))
        with pytest.raises(paramiko.AuthenticationException):
            transport.connect(username=user, pkey=paramiko.RSAKey.generate(1024))
        transport.close()
    wait_until(lambda: door(counted).get("banned") == 1)
    with socket.create_connection((HOST, counted.port)) as stranger:
        stranger.recv(100)

    wait_until(lambda: 'turned_away_total{reason="banned"}' in door(counted))
    now = door(counted)
    assert now['logins_total{result="refused"}'] == 2
    assert now["bans_total"] == 1
    assert set(numbers(counted)) == names, "no label came from a client"


def test_an_asker_that_says_nothing_keeps_no_partner_waiting(counted: House) -> None:
    with socket.create_connection((HOST, counted.metrics_port)) as dawdler:
        dawdler.sendall(b"GET /met")
        begun = time.monotonic()
        with counted.sftp() as sftp:
            assert sftp.listdir("/") == ["incoming", "receipts"]
        assert time.monotonic() - begun < 2
        assert door(counted)["connections_total"] == 1, "after the dawdler's time"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "BREW"])
def test_only_looking_is_possible(counted: House, method: str) -> None:
    connection = http.client.HTTPConnection(HOST, counted.metrics_port, timeout=5)
    connection.request(method, "/", body=b"x" * 1000)
    assert connection.getresponse().status == 405
    connection.close()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('metrics_host = "0.0.0.0"', "for this machine only"),
        ('metrics_host = "localhost"', "metrics_host"),
        ("metrics_port = 99999", "99999"),
    ],
)
def test_metrics_for_the_whole_world_are_refused(make_house: HouseMaker, setting: str, said: str) -> None:
    house = make_house()
    with (house.home / "door.toml").open("a") as file:
        file.write(f"\nmetrics = true\n{setting}\n")
    assert said in reason(start(house.home))


def test_without_the_setting_nothing_listens(house: House) -> None:
    inodes = {
        str(link.readlink())
        for link in Path(f"/proc/{house.running().pid}/fd").iterdir()
        if link.is_symlink()
    }
    listening = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    ours = [fields[1] for fields in listening if f"socket:[{fields[9]}]" in inodes]
    assert [int(address.rsplit(":", 1)[1], 16) for address in ours] == [house.port]
