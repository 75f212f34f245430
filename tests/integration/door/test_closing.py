"""Does the door close, and change over to the next one, without dropping anybody?"""

import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest

from tests.integration.door.conftest import HouseMaker
from tests.integration.door.house import HOST, ROOT, House, wait_until
from tests.tables import NoteRow

CONTENT = b"0123456789" * 1000


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A socket as a supervisor holds it: it listens on while doors come and go."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        sock.listen(128)
        yield sock


def start_on(house: House, sock: socket.socket) -> None:
    """Start a door that is given its listening socket; it may not be ready yet."""
    with house.stderr_file.open("a") as stderr:
        house.process = subprocess.Popen(
            [sys.executable, "-m", "sftp_server", "--home", str(house.home), "--listen-fd", str(sock.fileno())],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True,
            pass_fds=[sock.fileno()],
        )  # fmt: skip
    house.port = sock.getsockname()[1]


def wait_ready(process: "subprocess.Popen[str]") -> None:
    """Read its first line."""
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["event"] == "ready"


def clear_away(process: "subprocess.Popen[str]") -> None:
    """Leave nothing running."""
    if process.poll() is None:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def put(house: House, name: str) -> None:
    """One client that connects, uploads a file and leaves."""
    with house.sftp() as sftp, sftp.open(f"/incoming/{name}", "wb") as file:
        file.write(CONTENT)


@pytest.mark.table("interruptions", **{"what happened": "an upgrade under load"})
def test_an_upgrade_drops_nobody(make_house: HouseMaker, note_row: NoteRow) -> None:
    """One upload is in flight and clients keep coming while one door ends and the next one starts."""
    house = make_house()
    mishaps: list[str] = []
    sent: list[str] = []
    enough = threading.Event()

    def keep_coming() -> None:
        while not enough.is_set():
            name = f"small-{len(sent)}.csv"
            try:
                put(house, name)
            except (paramiko.SSHException, OSError, EOFError) as error:
                mishaps.append(f"{name}: {error!r}")
            sent.append(name)

    with listening() as sock:
        start_on(house, sock)
        old = house.running()
        wait_ready(old)
        clients = threading.Thread(target=keep_coming)
        try:
            with house.sftp() as sftp:
                large = sftp.open("/incoming/large.csv", "wb")
                large.write(CONTENT)
                large.flush()
                clients.start()
                wait_until(lambda: len(sent) >= 3)
                old.send_signal(signal.SIGTERM)
                start_on(house, sock)
                wait_until(lambda: any(line["event"] == "door.waits" for line in house.warnings()))
                large.write(CONTENT)
                large.close()
            assert old.wait(20) == 0
            wait_ready(house.running())
            after = len(sent)
            wait_until(lambda: len(sent) >= after + 3)
        finally:
            enough.set()
            if clients.ident is not None:
                clients.join(30)
            clear_away(old)
        wait_until(lambda: len(house.tickets("finished")) == len(sent) + 1)

    assert mishaps == []
    names = [ticket["name"] for ticket in house.tickets()]
    assert sorted(names) == sorted([f"incoming/{name}" for name in sent] + ["incoming/large.csv"])
    note_row("interruptions", **{
        "what happened": f"an upgrade; an upload in flight, {len(sent)} clients coming meanwhile",
        "handed over": "all", "kept for resume": "-", "resumed by": "-", "in the end": "all, each once",
    })  # fmt: skip


def test_who_has_nothing_open_is_sent_home_and_an_upload_in_flight_finishes(house: House) -> None:
    with house.transport("ista") as idle, house.sftp() as sftp:
        file = sftp.open("/incoming/a.csv", "wb")
        file.write(CONTENT)
        file.flush()
        house.running().terminate()
        wait_until(lambda: not idle.is_active())
        assert house.running().poll() is None
        assert not accepts(house)
        file.close()
        assert house.running().wait(10) == 0
    assert [ticket["outcome"] for ticket in house.tickets()] == ["finished"]


def test_after_half_of_the_drain_nothing_new_is_opened(make_house: HouseMaker) -> None:
    house = make_house(drain=2)
    house.start()
    with house.sftp() as sftp:
        file = sftp.open("/incoming/a.csv", "wb")
        house.running().terminate()
        with pytest.raises(OSError, match="shutting down"):
            open_again_and_again(sftp)
        file.write(CONTENT)
        file.close()
        assert house.running().wait(10) == 0
    assert "incoming/a.csv" in [ticket["name"] for ticket in house.tickets("finished")]


def open_again_and_again(sftp: paramiko.SFTPClient) -> None:
    """Until it is refused."""
    for number in range(200):
        sftp.open(f"/incoming/more-{number}.csv", "wb").close()
        time.sleep(0.02)


@pytest.mark.parametrize("twice", [False, True])
def test_what_is_not_finished_in_time_is_kept_as_a_part(make_house: HouseMaker, twice: bool) -> None:
    """A second SIGTERM says that there is no time at all."""
    house = make_house(drain=60 if twice else 0.5)
    house.start()
    with house.sftp() as sftp:
        file = sftp.open("/incoming/a.csv", "wb")
        file.write(CONTENT)
        file.flush()
        sftp.stat("/incoming/a.csv")
        house.running().terminate()
        if twice:
            wait_until(lambda: not accepts(house))
            house.running().terminate()
        assert house.running().wait(10) == 0
    assert house.tickets() == []
    part = next(name for name in house.staging() if name.endswith(".part"))
    assert (house.home / "partners" / "techem" / ".staging" / part).stat().st_size == len(CONTENT)
    assert [line["event"] for line in house.audit("door.closed")] == ["door.closed"]


def test_a_door_that_waits_for_another_one_ends_when_told_to(make_house: HouseMaker) -> None:
    house = make_house()
    house.start()
    first = house.running()
    with listening() as sock:
        start_on(house, sock)
        second = house.running()
        wait_until(lambda: any(line["event"] == "door.waits" for line in house.warnings()))
        second.terminate()
        assert second.wait(10) == 0
        assert first.poll() is None
    clear_away(first)
    assert first.stdin is not None
    first.stdin.close()


def accepts(house: House) -> bool:
    """Whether it takes new connections."""
    with socket.socket() as sock:
        return sock.connect_ex((HOST, house.port)) == 0


def test_systemd_hands_over_its_socket_and_is_told_when_the_door_is_ready(
    make_house: HouseMaker, tmp_path: Path
) -> None:
    """The real systemd-socket-activate starts the door at the first connection, which is served."""
    program = shutil.which("systemd-socket-activate")
    if program is None:
        pytest.skip("systemd-socket-activate is not installed")
    house = make_house()
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        house.port = probe.getsockname()[1]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(20)
        process = house.process = subprocess.Popen(
            [program, "-l", f"[::ffff:{HOST}]:{house.port}", "-E", f"NOTIFY_SOCKET={tmp_path / 'notify'}",
             sys.executable, "-m", "sftp_server", "--home", str(house.home)],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        wait_until(lambda: accepts(house))
        put(house, "a.csv")
        assert notified.recv(1000).startswith(b"READY=1\n")
        process.terminate()
        assert process.wait(10) == 0
        assert notified.recv(1000).startswith(b"STOPPING=1\n")
    assert [ticket["name"] for ticket in house.tickets("finished")] == ["incoming/a.csv"]
    assert house.audit("login")[0]["address"] == HOST, "though the socket is one for IPv6 as well"
