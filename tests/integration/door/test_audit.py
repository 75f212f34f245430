"""Does the audit say who did what, for each connection, in lines that nobody can spoil or multiply?"""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest

from tests.integration.door.conftest import HouseMaker
from tests.integration.door.house import HOST, House, wait_until

WHO = {"connection", "partner", "key", "address", "client"}


def lines(house: House) -> list[dict[str, Any]]:
    """The whole audit."""
    file = house.home / "audit" / "door.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def put(sftp: paramiko.SFTPClient, name: str, content: bytes = b"x;y\n") -> None:
    """Upload a file."""
    with sftp.open(name, "wb") as file:
        file.write(content)


def test_all_that_a_partner_does_is_written_with_who_it_was(house: House) -> None:
    with house.sftp() as sftp:
        sftp.mkdir("/incoming/new")
        put(sftp, "/incoming/new/a.csv.part")
        sftp.rename("/incoming/new/a.csv.part", "/incoming/new/a.csv")
        sftp.rename("/incoming/new/a.csv", "/incoming/b.csv")
        sftp.rename("/incoming/new", "/incoming/old")
        with sftp.open("/incoming/b.csv") as file:
            file.read()
        sftp.remove("/incoming/b.csv")
        sftp.rmdir("/incoming/old")
        with pytest.raises(PermissionError):
            sftp.mkdir("/elsewhere")
        put(sftp, "/incoming/c.csv")
    wait_until(lambda: bool(house.audit("logout")))

    told = [line for line in lines(house) if line["event"] != "door.opened"]
    assert [line["event"] for line in told] == [
        "login", "folder.made", "upload.set-aside", "upload.finished", "file.renamed", "folder.renamed", "download",
        "file.removed", "folder.removed", "refused", "upload.finished", "logout",
    ]  # fmt: skip
    assert {tuple(line[name] for name in sorted(WHO)) for line in told} == {
        (HOST, told[0]["client"], 1, told[0]["key"], "techem")
    }
    assert told[0]["client"].startswith("SSH-2.0-paramiko")
    uploads = [line["upload"] for line in told if line["event"] == "upload.finished"]
    assert uploads == [ticket["upload"] for ticket in house.tickets("finished")]
    assert all(line["seconds"] >= 0 for line in told if line["event"] == "upload.finished")
    assert (told[-1]["received"], told[-1]["sent"]) == (8, 4)
    assert told[-1]["seconds"] > 0


def test_each_connection_says_how_it_ended(house: House) -> None:
    house.openssh_sftp("ls")
    with house.transport() as transport:
        transport.sock.close()
        wait_until(lambda: len(house.audit("logout")) == 2)
    with socket.create_connection((HOST, house.port)) as stranger:
        stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
        wait_until(lambda: bool(house.audit("left")))
    with house.transport("ista"):
        house.stop()

    assert [line["how"] for line in house.audit("logout")] == [
        "closed by the client", "lost", "the door closed",
    ]  # fmt: skip
    assert [(line["how"], line["partner"], line["client"]) for line in house.audit("left")] == [
        ("ProtocolNotSupported", None, "")
    ]


def test_the_end_of_an_idle_connection_says_so(make_house: HouseMaker) -> None:
    house = make_house(idle_timeout=0.5)
    house.start()
    with house.transport():
        wait_until(lambda: [line["how"] for line in house.audit("logout")] == ["idle"])


def test_a_resumed_upload_is_told_of_the_connection_that_finished_it(house: House) -> None:
    with house.transport() as transport:
        client = paramiko.SFTPClient.from_transport(transport)
        assert client is not None
        file = client.open("/incoming/a.csv", "wb")
        file.write(b"x" * 1000)
        file.flush()
        client.stat("/incoming/a.csv")
        transport.sock.close()
        wait_until(lambda: bool(house.audit("upload.lost")))
    with house.sftp() as sftp, sftp.open("/incoming/a.csv", "ab") as file:
        shown = sftp.stat("/incoming/a.csv").st_size
        assert shown is not None
        file.write(b"x" * (1010 - shown))

    (lost,), (finished,) = house.audit("upload.lost"), house.audit("upload.finished")
    assert lost["upload"] == finished["upload"]
    assert (lost["connection"], finished["connection"]) == (1, 2)


@pytest.mark.parametrize(
    "version",
    [
        b"SSH-2.0-\x1b[31mred\x07\x7f\r\n",
        b'SSH-2.0-x"}\\n{"event": "login"\r\n',
        b"SSH-2.0-" + b"x" * 400 + b"\r\n",
        b"SSH-2.0-\xff\xfe\r\n",
        b"SSH-2.0-\x00\r\n",
        b"\x00" * 9000,
    ],
)
def test_a_hostile_version_spoils_no_line(house: House, version: bytes) -> None:
    with socket.create_connection((HOST, house.port)) as stranger:
        stranger.sendall(version)
        stranger.shutdown(socket.SHUT_WR)
        wait_until(lambda: bool(house.audit("left")))

    raw = (house.home / "audit" / "door.jsonl").read_bytes()
    assert all(letter == 0x0A or 0x20 <= letter < 0x7F for letter in raw)
    client = house.audit("left")[0]["client"]
    assert len(client) <= 255
    assert client.isprintable()
    assert house.audit("login") == []


def test_hostile_names_spoil_no_line(house: House) -> None:
    with house.sftp() as sftp:
        for name in ("\x1b[2J", "a\nb", "\u202egnp.csv", "x" * 300, "\x7f"):
            with pytest.raises(OSError, match=r"."):
                sftp.mkdir(f"/incoming/{name}")
        sftp.mkdir("/incoming/řčš")
    transport = paramiko.Transport((HOST, house.port))
    with pytest.raises(paramiko.SSHException):
        transport.connect(username='ev\x1bil"\n' + "x" * 500, pkey=paramiko.RSAKey.generate(2048))
    transport.close()
    wait_until(lambda: len(house.audit("left")) == 1)

    raw = (house.home / "audit" / "door.jsonl").read_bytes()
    assert all(letter == 0x0A or 0x20 <= letter < 0x7F for letter in raw)
    assert [line["name"] for line in house.audit("folder.made")] == ["incoming/řčš"]
    assert len(lines(house)) == len(raw.splitlines())


def test_a_flood_of_connections_writes_few_lines_and_counts_the_rest(make_house: HouseMaker) -> None:
    house = make_house(connections_per_second=1)
    house.start()
    for _ in range(100):
        with socket.create_connection((HOST, house.port)) as stranger:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    house.stop()

    turned_away = house.audit("turned-away")
    assert len(turned_away) < 10
    let_in = len(house.audit("left")) + sum(line.get("left_out", 0) for line in house.audit("left"))
    told = sum("reason" in line for line in turned_away)
    assert let_in + told + sum(line.get("left_out", 0) for line in turned_away) >= 100


def test_a_partner_who_is_refused_again_and_again_does_not_fill_the_disk(house: House) -> None:
    with house.sftp() as sftp:
        for _ in range(300):
            with pytest.raises(PermissionError):
                sftp.mkdir("/elsewhere")
    house.stop()

    refused = house.audit("refused")
    assert 100 <= len(refused) < 130
    assert sum(line.get("left_out", 0) for line in refused) + sum("reason" in line for line in refused) == 300


def test_the_audit_may_be_rotated_while_the_door_writes(house: House, tmp_path: Path) -> None:
    """As logrotate does: the file is renamed, and the next line begins a new one; none is lost."""
    enough = threading.Event()
    file = house.home / "audit" / "door.jsonl"

    def rotate() -> Iterator[Path]:
        number = 0
        while not enough.is_set():
            if file.exists():
                yield file.rename(tmp_path / f"door.jsonl.{number}")
                number += 1

    rotated: list[Path] = []
    thread = threading.Thread(target=lambda: rotated.extend(rotate()))
    thread.start()
    try:
        with house.sftp() as sftp:
            for number in range(50):
                sftp.mkdir(f"/incoming/{number}")
    finally:
        enough.set()
        thread.join()
    everything = [*rotated, *([file] if file.exists() else [])]
    told = [json.loads(line) for one in everything for line in one.read_text().splitlines()]
    assert len(rotated) > 2
    assert sum(line["event"] == "folder.made" for line in told) == 50
