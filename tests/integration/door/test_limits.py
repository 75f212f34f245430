"""Does each limit let its last one pass, and stop the next? The others are in `test_logins.py`, `test_quotas.py` and `test_passwords.py`."""

import asyncio
import io
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import asyncssh
import paramiko
import pytest
from asyncssh.constants import MSG_GLOBAL_REQUEST, MSG_IGNORE

from tests.integration.door.conftest import HouseMaker
from tests.integration.door.hostile import attacker, innocent_partner, resident_mib, text
from tests.integration.door.house import HOST, House, wait_until
from tests.integration.door.raw_sftp import raw_session
from tests.tables import NoteRow

CLOSE, OPENDIR, HANDLE = 4, 11, 102
NIGHT = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def test_five_wrong_keys_may_come_before_the_right_one(house: House, tmp_path: Path) -> None:
    wrong = []
    for number in range(5):
        file = tmp_path / f"wrong{number}"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(file))
        wrong.append(file)

    async def log_in() -> None:
        async with house.connect(keys=[*wrong, house.key_file("techem")]):
            pass

    asyncio.run(log_in())
    wait_until(lambda: len(house.audit("login")) == 1)


def test_a_file_may_be_as_large_as_said_and_no_byte_larger(make_house: HouseMaker) -> None:
    house = make_house(max_file_bytes=100_000)
    house.start()
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(bytes(100_000)), "/incoming/fits.csv")
        with pytest.raises(OSError):  # noqa: PT011 - paramiko says it in one way or another
            sftp.putfo(io.BytesIO(bytes(100_001)), "/incoming/too-large.csv")
    assert [ticket["name"] for ticket in house.tickets("finished")] == ["incoming/fits.csv"]


def test_signs_of_life_are_no_work_who_gives_only_those_is_idle(make_house: HouseMaker) -> None:
    """Keepalives and IGNORE keep a router awake; the place is for those who do something."""
    house = make_house(idle_timeout=1)
    house.start()

    async def stay() -> float:
        async with attacker(house) as client:
            start = time.monotonic()
            while not client.is_sent_away and time.monotonic() - start < 8:
                client.say(MSG_GLOBAL_REQUEST, text(b"keepalive@openssh.com"), b"\1")
                client.say(MSG_IGNORE, text(b"x"))
                await asyncio.sleep(0.1)
            return time.monotonic() - start

    with innocent_partner(house) as at_work:
        assert asyncio.run(stay()) < 5
        wait_until(lambda: [line["how"] for line in house.audit("logout")] == ["idle"])
    assert at_work.failed == []
    assert house.audit("closed")[0]["partner"] == "techem"


@pytest.mark.skipif(shutil.which("sftp") is None, reason="OpenSSH's sftp is not installed")
def test_a_client_that_vanished_without_a_word_is_noticed(make_house: HouseMaker) -> None:
    """A stopped process is as good as a pulled cable: its kernel holds the connection, and nobody answers."""
    house = make_house(keepalive=0.2)
    house.start()
    client = subprocess.Popen(
        ["sftp", *house.ssh_options(), "-P", str(house.port), HOST],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with house.transport("ista") as alive:
            wait_until(lambda: len(house.audit("login")) == 2)
            children = subprocess.run(
                ["pgrep", "-P", str(client.pid)], capture_output=True, text=True, check=True
            ).stdout.split()
            for process in map(int, children):
                os.kill(process, signal.SIGSTOP)
            wait_until(lambda: [line["partner"] for line in house.audit("logout")] == ["techem"], seconds=5)
            assert alive.is_active()
    finally:
        for process in map(int, children):
            os.kill(process, signal.SIGKILL)
        client.kill()
        client.communicate(timeout=10)


def test_a_partner_has_only_so_many_sessions_over_all_its_connections(make_house: HouseMaker) -> None:
    house = make_house(channels_per_partner=3)
    house.start()
    with house.transport() as one, house.transport() as two, house.transport("ista") as other:
        opened = [one.open_session(), one.open_session(), two.open_session()]
        with pytest.raises(paramiko.ChannelException):
            two.open_session()
        other.open_session()
        opened[0].close()
        wait_until(lambda: _can_open(two))


def _can_open(transport: paramiko.Transport) -> bool:
    try:
        return transport.open_session() is not None
    except paramiko.ChannelException:
        return False


def test_who_takes_most_places_before_the_login_makes_room_for_others(make_house: HouseMaker) -> None:
    house = make_house(connections_before_login=4)
    house.start()
    greedy = [socket.create_connection((HOST, house.port), source_address=("127.0.0.9", 0)) for _ in range(4)]
    for one in greedy:
        assert one.recv(4) == b"SSH-"
    with house.sftp() as sftp:
        assert sftp.listdir("/incoming") == []
    wait_until(lambda: [line["how"] for line in house.audit("left")] == ["made room for others"])
    with socket.create_connection((HOST, house.port), source_address=("127.0.0.9", 0)) as again:
        assert again.recv(4) == b"SSH-"
        with socket.create_connection((HOST, house.port), source_address=("127.0.0.9", 0)) as too_many:
            too_many.settimeout(5)
            assert _is_turned_away(too_many)
    for one in greedy:
        one.close()


def _is_turned_away(wire: socket.socket) -> bool:
    try:
        return wire.recv(4) == b""
    except ConnectionResetError:
        return True


def test_a_partner_may_list_so_many_names_at_once(make_house: HouseMaker) -> None:
    house = make_house(names_per_partner=5)
    house.start()
    with house.sftp() as sftp:
        for folder in ("one", "two"):
            sftp.mkdir(f"/incoming/{folder}")
            for number in range(3):
                sftp.putfo(io.BytesIO(b"x"), f"/incoming/{folder}/{number}.csv")
        with raw_session(house) as raw:
            opened = raw.ask(OPENDIR, text(b"/incoming/one"))
            assert opened[0] == HANDLE
            with pytest.raises(OSError, match="no more than 5 names"):
                sftp.listdir("/incoming/two")
            assert raw.status(CLOSE, text(opened[5:])) == 0
            assert len(sftp.listdir("/incoming/two")) == 3


def test_a_huge_folder_is_listed_whole_while_others_work(standing_house: House, note_row: NoteRow) -> None:
    """As many as `files_per_partner` by night; a fifth by day."""
    house, many = standing_house, 100_000 if NIGHT else 20_000
    with house.sftp() as sftp:
        sftp.mkdir("/incoming/huge")
        folder = house.visible("incoming/huge")
        for number in range(many):
            os.close(os.open(folder / f"reading-{number:06}.csv", os.O_CREAT))
        before = resident_mib(house)
        with innocent_partner(house) as innocent:
            wait_until(lambda: bool(innocent.waited))
            start = time.monotonic()
            assert len(sftp.listdir("/incoming/huge")) == many
            seconds = time.monotonic() - start
        grown = resident_mib(house) - before
    shutil.rmtree(folder)
    assert innocent.failed == []
    assert grown < 100
    note_row(
        "hostile input", what=f"names in one folder, listed in {seconds:.1f} s with {grown} MB",
        **{"how many": many, "found": 0, "others waited (ms)": innocent.longest_ms},
    )  # fmt: skip


def test_the_door_may_open_as_many_files_as_its_service_may(house: House) -> None:
    soft, hard = resource.prlimit(house.running().pid, resource.RLIMIT_NOFILE)
    assert soft == hard
