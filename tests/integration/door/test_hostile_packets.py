"""Does the door stand whatever a logged-in client sends?"""

import io
import struct
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.door.conftest import HouseMaker
from tests.integration.door.house import House, wait_until
from tests.integration.door.raw_sftp import raw_session, text

FXP_INIT, FXP_OPEN, FXP_CLOSE, FXP_READ, FXP_WRITE, FXP_FSETSTAT, FXP_LINK, FXP_EXTENDED = (
    1,
    3,
    4,
    5,
    6,
    10,
    21,
    200,
)
FXP_STATUS, FXP_HANDLE = 101, 102
PERMISSION_DENIED, FAILURE, UNSUPPORTED = 3, 4, 8


@pytest.mark.parametrize(
    "extension", [b"hardlink@openssh.com", b"copy-data", b"statvfs@openssh.com", b"ranges@asyncssh.com", b"x"]
)
def test_extensions_that_could_reach_the_disk_do_not_exist(house: House, extension: bytes) -> None:
    with raw_session(house) as raw:
        body = text(extension) + text(b"/incoming/a") + text(b"/incoming/b") + bytes(40)
        assert raw.status(FXP_EXTENDED, body) == UNSUPPORTED


def test_links_of_sftp_version_6_do_not_exist(house: House) -> None:
    with raw_session(house) as raw:
        assert raw.status(FXP_LINK, text(b"/incoming/l") + text(b"/etc/passwd") + b"\x01") == UNSUPPORTED


def test_padding_after_the_data_of_a_write_is_not_looked_at(house: House) -> None:
    with raw_session(house) as raw:
        handle = raw.open(b"/incoming/a.csv", 0x1A)
        assert raw.status(FXP_WRITE, text(handle) + struct.pack(">Q", 0) + text(b"abc") + bytes(100)) == 0
        assert raw.status(FXP_CLOSE, text(handle)) == 0
    (ticket,) = house.tickets()
    assert house.content(ticket) == b"abc"


def test_a_close_that_came_before_the_connection_went_hands_over(house: House) -> None:
    with raw_session(house) as raw:
        handle = raw.open(b"/incoming/a.csv", 0x1A)
        close = bytes([FXP_CLOSE]) + struct.pack(">I", 99) + text(handle)
        raw.channel.sendall(text(close))
        raw.channel.get_transport().close()
    wait_until(lambda: len(house.tickets()) == 1)


def test_offsets_near_the_end_of_numbers_neither_write_nor_crash(house: House) -> None:
    with raw_session(house) as raw:
        handle = raw.open(b"/incoming/a.csv", 0x1B)
        for offset in (2**63 - 1, 2**63, 2**64 - 1, 2**40):
            assert raw.status(FXP_WRITE, text(handle) + struct.pack(">Q", offset) + text(b"abc")) == FAILURE
            assert raw.status(FXP_READ, text(handle) + struct.pack(">QI", offset, 2**32 - 1)) == 1
            assert raw.status(FXP_FSETSTAT, text(handle) + struct.pack(">IQ", 1, offset)) == FAILURE
    assert house.tickets() == []


def test_setuid_modes_and_owners_in_requests_are_not_obeyed(house: House) -> None:
    with raw_session(house) as raw:
        attributes = struct.pack(">IIII", 0x6, 0, 0, 0o104777)
        answer = raw.ask(FXP_OPEN, text(b"/incoming/a.csv") + struct.pack(">I", 0x1A) + attributes)
        assert raw.status(FXP_FSETSTAT, text(answer[5:]) + attributes) == 0
        assert raw.status(FXP_CLOSE, text(answer[5:])) == 0
    assert house.visible("incoming/a.csv").stat().st_mode & 0o7777 == 0o640


def test_a_packet_too_large_ends_the_session_and_not_the_door(house: House) -> None:
    with raw_session(house) as raw:
        raw.channel.sendall(struct.pack(">I", 2**31))
        with pytest.raises(EOFError):
            raw.receive()
    with house.sftp() as sftp:
        assert sftp.listdir("/incoming") == []


_NAMES = st.sampled_from(
    [b"/incoming/a.csv", b"/", b"", b"..", b"/../x", b"/incoming/\x00", b"/receipts/x", b"/incoming/" + b"n" * 4096, b"\xff", b"/incoming//./a"]
)  # fmt: skip
_BODIES = st.one_of(
    st.binary(max_size=80),
    st.builds(lambda name, rest: text(name) + rest, _NAMES, st.binary(max_size=40)),
    st.builds(lambda one, two: text(one) + text(two), _NAMES, _NAMES),
    st.builds(lambda name, flags: text(name) + struct.pack(">II", flags, 0), _NAMES, st.integers(0, 0x3F)),
    st.builds(lambda handle, offset: text(handle) + struct.pack(">QI", offset, 5) + b"12345",
              st.binary(min_size=4, max_size=4), st.sampled_from([0, 2**63 - 1, 2**64 - 1])),
)  # fmt: skip
_PACKETS = st.lists(st.tuples(st.integers(2, 255), _BODIES), min_size=1, max_size=25)


def test_any_packets_at_all_are_answered_and_leave_the_home_as_it_was(make_house: HouseMaker) -> None:
    house = make_house()
    house.start()
    (house.home.parent / "outside").write_text("SECRET")

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_PACKETS)
    def send(packets: list[tuple[int, bytes]]) -> None:
        with raw_session(house) as raw:
            for kind, body in packets:
                answer = raw.ask(kind, body)
                assert b"Traceback" not in answer
                assert b"SECRET" not in answer
                assert str(house.home).encode() not in answer

    send()
    assert house.running().poll() is None
    assert house.warnings() == []
    assert (house.home.parent / "outside").read_text() == "SECRET"
    assert {entry.name for entry in house.home.iterdir()} == {
        "accounts", "audit", "ban-requests", "bans", "door.toml", "hostkeys", "landing", "partners", "receipts",
    }  # fmt: skip


def _resident_mib(house: House) -> int:
    """How much memory the door holds."""
    with open(f"/proc/{house.running().pid}/status") as status:  # noqa: PTH123 - not a real file
        (line,) = [line for line in status if line.startswith("VmRSS:")]
    return int(line.split()[1]) // 1024


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs /proc to see the memory of a process"
)
def test_a_client_that_asks_and_never_reads_does_not_fill_the_memory(house: House) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(bytes(1024 * 1024)), "/incoming/a.csv")
    before = _resident_mib(house)
    with raw_session(house) as raw:
        handle = raw.open(b"/incoming/a.csv", 0x1)
        read = bytes([FXP_READ]) + struct.pack(">I", 7) + text(handle) + struct.pack(">QI", 0, 256 * 1024)
        raw.channel.sendall(text(read) * 2000)
        time.sleep(2)
        assert _resident_mib(house) - before < 100
