"""However an upload is cut: is nothing handed over, and can the part be gone on with?"""

import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import paramiko
import pytest

from tests.integration.door.conftest import HouseMaker
from tests.integration.door.house import House, wait_until
from tests.integration.door.resumers import RESUMERS, needs, openssh_reput, slow_client
from tests.tables import NoteRow

CONTENT = b"".join(b"%08d;2026-11-01;12,5\n" % number for number in range(20_000))
HALF = len(CONTENT) // 2


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One door for all tests here; each has names of its own."""
    made = House(home=tmp_path_factory.mktemp("cuts") / "home", settings={"legacy_macs": True})
    made.furnish()
    made.write_account("techem")
    made.start()
    yield made
    made.clear_away()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The whole of it, as the partner has it."""
    made = tmp_path / "local.csv"
    made.write_bytes(CONTENT)
    return made


def _is_noted(house: House, event: str, name: str) -> bool:
    return any(line["name"] == name[1:] for line in house.audit(event))


def _handed_over(house: House, name: str) -> list[bytes]:
    return [house.content(ticket) for ticket in house.tickets() if ticket["name"] == name[1:]]


def _note(
    note_row: NoteRow, what: str, *, kept: str, by: str, end: str = "handed over once, every byte"
) -> None:
    note_row(
        "interruptions",
        **{
            "what happened": what,
            "handed over": "nothing",
            "kept for resume": kept,
            "resumed by": by,
            "in the end": end,
        },
    )


# -- cuts on the wire --------------------------------------------------------------------------------------------


def _transport(channel: paramiko.Channel) -> Any:  # noqa: ANN401 - what is cut here is private to paramiko
    return cast("Any", channel.get_transport())


def _request(channel: paramiko.Channel, kind: str, add: Callable[[paramiko.Message], object]) -> None:
    message = paramiko.Message()
    message.add_byte(b"\x62")  # SSH_MSG_CHANNEL_REQUEST
    message.add_int(channel.remote_chanid)
    message.add_string(kind)
    message.add_boolean(False)
    add(message)
    _transport(channel)._send_user_message(message)


def _reset(channel: paramiko.Channel) -> None:
    """A TCP reset instead of a goodbye."""
    sock = _transport(channel).sock
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _half_an_ssh_packet(channel: paramiko.Channel) -> None:
    """Half of an encrypted packet with a WRITE in it, then a reset."""
    transport = _transport(channel)
    transport.packetizer.write_all = lambda whole: transport.sock.sendall(whole[: len(whole) // 2])
    channel.send(b"\x00\x00\x40\x00\x06" + bytes(16_000))
    _reset(channel)


def _half_an_sftp_packet(channel: paramiko.Channel) -> None:
    channel.sendall(b"\x00\x00\x40\x00\x06\x00\x00")
    channel.shutdown_write()


CUTS: dict[str, Callable[[paramiko.Channel], object]] = {
    "channel EOF": lambda channel: channel.shutdown_write(),
    "channel close": lambda channel: channel.close(),
    "SSH disconnect": lambda channel: _transport(channel).close(),
    "TCP end": lambda channel: _transport(channel).sock.close(),
    "TCP reset": _reset,
    'a "signal" request': lambda channel: _request(
        channel, "signal", lambda message: message.add_string("TERM")
    ),
    'a "break" request': lambda channel: _request(channel, "break", lambda message: message.add_int(500)),
    "cut inside an SFTP packet": _half_an_sftp_packet,
    "cut inside an SSH packet": _half_an_ssh_packet,
}


@pytest.mark.parametrize(("cut", "client"), list(zip(CUTS, cycle(RESUMERS), strict=False)))
def test_whatever_cuts_the_wire_the_part_is_kept_and_resumed(
    house: House, file: Path, note_row: NoteRow, cut: str, client: str
) -> None:
    needs(client)
    name = f"/incoming/cut{list(CUTS).index(cut)}.csv"
    with house.sftp() as sftp:
        handle = sftp.open(name, "wb")
        handle.write(CONTENT[:HALF])
        assert sftp.stat(name).st_size == HALF
        channel = sftp.get_channel()
        assert channel is not None
        CUTS[cut](channel)
        wait_until(lambda: _is_noted(house, "upload.lost", name))
    assert _handed_over(house, name) == []
    assert RESUMERS[client](house, file, name)
    assert _handed_over(house, name) == [CONTENT]
    _note(note_row, cut, kept=f"{HALF} of {len(CONTENT)}", by=client)


# -- clients that are killed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=lambda end: signal.Signals(end).name)
@pytest.mark.parametrize("client", ["sftp", "scp", "lftp"])
def test_a_client_that_is_killed_hands_nothing_over_and_reput_goes_on(
    house: House, tmp_path: Path, note_row: NoteRow, client: str, end: int
) -> None:
    if shutil.which(client) is None:
        pytest.skip(f"{client} is not installed")
    whole = CONTENT * 4
    (tmp_path / "big.csv").write_bytes(whole)
    name = f"/incoming/{client}{end}.csv"
    with house.sftp() as looking:
        sending = slow_client(house, client, tmp_path / "big.csv", name)
        wait_until(lambda: _size(looking, name) > 0)
        sending.send_signal(end)
        sending.wait(timeout=10)
        wait_until(lambda: _is_noted(house, "upload.lost", name))
        came = _size(looking, name)
    assert 0 < came < len(whole)
    assert _handed_over(house, name) == []
    assert openssh_reput(house, tmp_path / "big.csv", name)
    assert _handed_over(house, name) == [whole]
    _note(
        note_row,
        f"{client} ended by {signal.Signals(end).name}",
        kept=f"{came} of {len(whole)}",
        by="sftp reput",
    )


def _size(sftp: paramiko.SFTPClient, name: str) -> int:
    try:
        return sftp.stat(name).st_size or 0
    except FileNotFoundError:
        return 0


# -- the server ends ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=lambda end: signal.Signals(end).name)
def test_a_server_that_ends_keeps_what_was_synced(
    make_house: HouseMaker, tmp_path: Path, note_row: NoteRow, end: int
) -> None:
    house = make_house(drain=0.2)
    house.start()
    whole = CONTENT * 40
    (tmp_path / "big.csv").write_bytes(whole)
    with house.sftp() as sftp:
        handle = sftp.open("/incoming/a.csv", "wb")
        handle.set_pipelined(True)
        handle.write(whole[:17_000_000])
        sftp.stat("/incoming/a.csv")
        wait_until(
            lambda: (
                '"bytes": 0,'
                not in next((house.home / "partners/techem/.staging").glob("*.json")).read_text()
            )
        )
        house.running().send_signal(end)
        house.running().wait(timeout=20)
    house.start()
    with house.sftp() as sftp:
        came = _size(sftp, "/incoming/a.csv")
    assert 16 * 1024 * 1024 - 64 <= came < len(whole)
    assert house.tickets() == []
    assert openssh_reput(house, tmp_path / "big.csv", "/incoming/a.csv")
    assert _handed_over(house, "/incoming/a.csv") == [whole]
    _note(
        note_row,
        f"server ended by {signal.Signals(end).name}",
        kept=f"{came} of {len(whole)}",
        by="sftp reput",
    )


# -- somebody else does something to the name --------------------------------------------------------------------


def _rename(sftp: paramiko.SFTPClient) -> str:
    sftp.posix_rename("/incoming/o/a.csv", "/incoming/o/b.csv")
    return "/incoming/o/b.csv"


def _rename_folder(sftp: paramiko.SFTPClient) -> str:
    sftp.posix_rename("/incoming/o", "/incoming/p")
    return "/incoming/p/a.csv"


def _make_folder(sftp: paramiko.SFTPClient) -> str:
    with pytest.raises(OSError, match="a file has this name"):
        sftp.mkdir("/incoming/o/a.csv")
    return "/incoming/o/a.csv"


def _remove_folder(sftp: paramiko.SFTPClient) -> str:
    with pytest.raises(OSError, match="unfinished upload"):
        sftp.rmdir("/incoming/o")
    return "/incoming/o/a.csv"


def _cut_size(sftp: paramiko.SFTPClient) -> str:
    sftp.truncate("/incoming/o/a.csv", 1000)
    return "/incoming/o/a.csv"


MEDDLING = {
    "renamed while open": (_rename, HALF),
    "its folder renamed while open": (_rename_folder, HALF),
    "mkdir over an open name": (_make_folder, HALF),
    "rmdir of its folder while open": (_remove_folder, HALF),
    "cut by SETSTAT of another session": (_cut_size, 1000),
}


@pytest.mark.parametrize("what", MEDDLING)
def test_what_others_do_to_the_name_of_an_open_upload_hands_nothing_over(
    house: House, file: Path, note_row: NoteRow, what: str
) -> None:
    meddle, kept = MEDDLING[what]
    with house.sftp() as sftp, house.sftp() as other:
        sftp.mkdir("/incoming/o")
        handle = sftp.open("/incoming/o/a.csv", "wb")
        handle.write(CONTENT[:HALF])
        sftp.stat("/incoming/o/a.csv")
        name = meddle(other)
        assert _handed_over(house, name) == []
        _reset(cast("paramiko.Channel", sftp.get_channel()))
        wait_until(lambda: _is_noted(house, "upload.lost", name))
        assert _size(other, name) == kept - 64
        assert openssh_reput(house, file, name)
        assert _handed_over(house, name) == [CONTENT]
        other.remove(name)
        other.rmdir(name.rsplit("/", 1)[0])
    _clear_landing(house)
    _note(note_row, what, kept=f"{kept} of {len(CONTENT)}", by="sftp reput")


def _clear_landing(house: House) -> None:
    """As the pipeline does; the next test may use the name anew."""
    for folder in (house.home / "landing").iterdir():
        shutil.rmtree(folder)
    audit = house.home / "audit" / "door.jsonl"
    audit.rename(audit.with_suffix(f".{time.monotonic_ns()}"))


def test_removing_an_open_upload_ends_it_and_it_is_sent_again(house: House, note_row: NoteRow) -> None:
    with house.sftp() as sftp, house.sftp() as other:
        handle = sftp.open("/incoming/removed.csv", "wb")
        handle.write(CONTENT[:HALF])
        sftp.stat("/incoming/removed.csv")
        other.remove("/incoming/removed.csv")
        with pytest.raises(OSError, match="removed"):
            handle.write(CONTENT[HALF:])
        handle.close()
        assert _handed_over(house, "/incoming/removed.csv") == []
        with sftp.open("/incoming/removed.csv", "wb") as again:
            again.write(CONTENT)
    assert _handed_over(house, "/incoming/removed.csv") == [CONTENT]
    _note(note_row, "removed while open", kept="-", by="sent again")


def test_of_two_sessions_on_one_name_the_later_goes_on_and_the_earlier_is_told(
    house: House, note_row: NoteRow
) -> None:
    with house.sftp() as sftp, house.sftp() as other:
        handle = sftp.open("/incoming/two.csv", "wb")
        handle.write(CONTENT[:HALF])
        came = other.stat("/incoming/two.csv").st_size or 0
        with other.open("/incoming/two.csv", "r+b") as resumed:
            resumed.seek(came)
            with pytest.raises(OSError, match="taken over"):
                handle.write(b"more")
            handle.close()
            assert _handed_over(house, "/incoming/two.csv") == []
            resumed.write(CONTENT[came:])
    assert _handed_over(house, "/incoming/two.csv") == [CONTENT]
    _note(note_row, "a second session on the name", kept=f"{HALF} of {len(CONTENT)}", by="the second session")


# -- a full disk -------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB of its own; mounting one takes root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("a small file system cannot be mounted: that takes root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _house_on(disk: Path) -> House:
    made = House(home=disk / "home")
    made.furnish()
    made.write_account("techem")
    made.start()
    return made


@pytest.mark.table("interruptions", **{"what happened": "disk full while writing"})
def test_a_disk_that_fills_up_fails_the_write_and_the_part_is_resumed(
    small_disk: Path, tmp_path: Path, note_row: NoteRow
) -> None:
    house = _house_on(small_disk)
    whole = CONTENT * 8
    (tmp_path / "big.csv").write_bytes(whole)
    try:
        assert house.openssh_sftp(f"put {tmp_path / 'big.csv'} /incoming/a.csv").returncode == 1
        assert house.tickets() == []
        with house.sftp() as sftp:
            came = _size(sftp, "/incoming/a.csv")
        assert 1_000_000 < came < len(whole)
        assert not openssh_reput(house, tmp_path / "big.csv", "/incoming/a.csv")
        assert house.tickets() == []
        subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
        assert openssh_reput(house, tmp_path / "big.csv", "/incoming/a.csv")
        assert _handed_over(house, "/incoming/a.csv") == [whole]
    finally:
        house.clear_away()
    _note(note_row, "disk full while writing", kept=f"{came} of {len(whole)}", by="sftp reput")


@pytest.mark.table("interruptions", **{"what happened": "disk full at CLOSE"})
def test_a_disk_that_is_full_at_close_hands_nothing_over_until_there_is_room(
    small_disk: Path, tmp_path: Path, note_row: NoteRow
) -> None:
    house = _house_on(small_disk)
    (tmp_path / "a.csv").write_bytes(CONTENT)
    filler = small_disk / "filler"
    try:
        with house.sftp() as sftp:
            handle = sftp.open("/incoming/a.csv", "wb")
            handle.write(CONTENT)
            sftp.stat("/incoming/a.csv")
            _fill(filler)
            with pytest.raises(OSError, match="No space left"):
                cast("Any", sftp)._request(
                    4, handle.handle
                )  # CLOSE: paramiko's own close() does not look at the answer
            assert house.tickets() == []
            assert _size(sftp, "/incoming/a.csv") == len(CONTENT) - 64
        filler.unlink()
        assert openssh_reput(house, tmp_path / "a.csv", "/incoming/a.csv")
        assert _handed_over(house, "/incoming/a.csv") == [CONTENT]
    finally:
        house.clear_away()
    _note(note_row, "disk full at CLOSE", kept=f"{len(CONTENT)} of {len(CONTENT)}", by="sftp reput")


def _fill(file: Path) -> None:
    """Take every block there is."""
    with file.open("wb", buffering=0) as stream:
        for size in (65536, 4096, 1):
            try:
                while stream.write(bytes(size)):
                    pass
            except OSError:
                continue
