"""Does the door answer, or end the session, whatever a packet of SFTP looks like?"""

import os
import struct
from collections.abc import Callable, Iterator

import paramiko
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.door.hostile import resident_mib
from tests.integration.door.house import House
from tests.integration.door.raw_sftp import Raw, raw_session, text
from tests.tables import NoteRow

NIGHT = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
ALL = 2**32 - 1
OPEN, CLOSE, READ, WRITE, FSTAT, FSETSTAT, OPENDIR, READDIR, STAT, EXTENDED = (
    3,
    4,
    5,
    6,
    8,
    10,
    11,
    12,
    17,
    200,
)
STATUS, HANDLE = 101, 102


def numbers(*values: int) -> bytes:
    """Numbers of 32 bits."""
    return struct.pack(f">{len(values)}I", *values)


def packet(kind: int, *body: bytes, id: int = 7) -> bytes:
    """A whole request, without its length."""
    return bytes([kind]) + numbers(id) + b"".join(body)


def good_packets(handle: bytes, folder: bytes) -> list[bytes]:
    """One request of each kind, as a client would send it."""
    name, at = text(b"/incoming/x.csv"), struct.pack(">Q", 0)
    return [
        packet(OPEN, name, numbers(0x1A, 0)), packet(CLOSE, text(b"gone")), packet(READ, text(handle), at, numbers(10)),
        packet(WRITE, text(handle), at, text(b"abc")), packet(7, name), packet(FSTAT, text(handle)), packet(9, name, numbers(0)),
        packet(FSETSTAT, text(handle), numbers(1), at), packet(OPENDIR, text(b"/")), packet(READDIR, text(folder)),
        packet(13, name), packet(14, name, numbers(0)), packet(15, name), packet(16, name), packet(STAT, name),
        packet(18, name, text(b"/incoming/y.csv")), packet(19, name), packet(20, name, name), packet(21, name, name, b"\1"),
        packet(22, text(handle), at, at, numbers(0)), packet(23, text(handle), at, at),
        *(packet(EXTENDED, text(extension), text(handle), name, at) for extension in (
            b"posix-rename@openssh.com", b"fsync@openssh.com", b"limits@openssh.com", b"statvfs@openssh.com", b"copy-data",
            b"lsetstat@openssh.com", b"expand-path@openssh.com", b"users-groups-by-id@openssh.com", b"home-directory", b"")),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def door(standing_house: House) -> Iterator[House]:
    """One door for all packets; in the end it must have had nothing to complain of itself."""
    yield standing_house
    assert standing_house.warnings() == []
    assert standing_house.running().poll() is None


def handles(raw: Raw) -> tuple[bytes, bytes]:
    """An open file and an open folder."""
    folder = raw.ask(OPENDIR, text(b"/"))
    assert folder[0] == HANDLE
    return raw.open(b"/incoming/open.csv", 0x1B), folder[5:]


def survived(door: House, raw: Raw, payload: bytes) -> bytes:
    """The answer, or nothing when the session was ended for it; nothing of ours in it, and others are served."""
    try:
        raw.send(payload)
        answer = raw.receive()
    except (EOFError, OSError):
        return b""
    for told in (b"Traceback", str(door.home).encode(), b".py", b"Errno"):
        assert told not in answer
    return answer


def test_packets_cut_at_every_byte(door: House, note_row: NoteRow) -> None:
    count = 0
    with raw_session(door) as raw:
        for whole in good_packets(*handles(raw)):
            for length in range(5, len(whole)):
                count += 1
                assert survived(door, raw, whole[:length])[:1] >= b"\x65"
    note_row("hostile input", what="SFTP packets cut short", **{"how many": count, "found": 0})


def test_packets_of_every_kind(door: House, note_row: NoteRow) -> None:
    with raw_session(door) as raw:
        handle, folder = handles(raw)
        for kind in range(256):
            for body in (b"", text(handle), text(b"/incoming"), text(folder) + bytes(40)):
                answer = survived(door, raw, packet(kind, body, id=ALL))
                assert answer[1:5] == numbers(ALL)
    note_row("hostile input", what="SFTP packets of every kind", **{"how many": 1024, "found": 0})


def test_lengths_and_counts_beyond_the_packet(door: House, note_row: NoteRow) -> None:
    attributes = numbers(ALL)
    everything = numbers(ALL) + struct.pack(">Q", 2**64 - 1) + numbers(ALL, ALL, ALL, ALL, ALL, ALL)
    with raw_session(door) as raw:
        handle, _ = handles(raw)
        hostile = [
            packet(OPEN, numbers(ALL) + b"/x"), packet(OPEN, text(b"/incoming/x"), numbers(ALL), attributes),
            packet(OPEN, text(b"/incoming/x"), numbers(0x1A), everything), packet(9, text(b"/incoming/x"), everything),
            packet(FSETSTAT, text(handle), numbers(0x80000000, ALL)), packet(FSETSTAT, text(handle), numbers(0x80000000, 0x7FFFFFFF) + text(b"a") * 2),
            packet(14, text(b"/incoming/new"), everything), packet(WRITE, text(handle), struct.pack(">Q", 2**64 - 1), numbers(ALL) + b"x"),
            packet(READ, text(handle), struct.pack(">Q", 2**64 - 1), numbers(ALL)), packet(EXTENDED, numbers(ALL)),
            packet(FSETSTAT, text(handle), numbers(1), struct.pack(">Q", 2**64 - 1)), packet(FSETSTAT, text(handle), numbers(8, ALL, ALL)),
            packet(CLOSE, text(b"h" * 200_000)), packet(STAT, text(b"n" * 250_000)),
        ]  # fmt: skip
        for payload in hostile:
            assert survived(door, raw, payload)[:1] == bytes([STATUS])
    note_row(
        "hostile input",
        what="SFTP lengths and counts beyond the packet",
        **{"how many": len(hostile), "found": 0},
    )


def test_handles_that_are_not_ones_own_are_no_handles(door: House, note_row: NoteRow) -> None:
    """Another session's, closed ones, a folder's for a file and the other way round."""
    with raw_session(door) as raw, raw_session(door, "ista") as other:
        file, folder = handles(raw)
        for _ in range(20):
            theirs = other.open(b"/incoming/theirs.csv", 0x1B)
        closed = raw.open(b"/incoming/closed.csv", 0x1A)
        assert raw.status(CLOSE, text(closed)) == 0
        tried = 0
        for handle in (theirs, closed, b"", b"\0" * 4096, b"\xff" * 4):
            for kind, rest in (
                (READ, bytes(12)),
                (WRITE, bytes(8) + text(b"x")),
                (FSTAT, b""),
                (FSETSTAT, numbers(0)),
                (READDIR, b""),
                (CLOSE, b""),
            ):
                tried += 1
                assert raw.status(kind, text(handle) + rest) != 0
        for kind, handle, rest in (
            (READDIR, file, b""),
            (READ, folder, bytes(12)),
            (WRITE, folder, bytes(8) + text(b"x")),
            (FSETSTAT, folder, numbers(0)),
        ):
            tried += 1
            assert raw.status(kind, text(handle) + rest) != 0
        assert raw.status(CLOSE, text(file)) == 0
    assert b"x" not in b"".join(door.content(ticket) for ticket in door.tickets())
    note_row(
        "hostile input",
        what="SFTP handles of others, closed, or of the wrong kind",
        **{"how many": tried, "found": 0},
    )


@pytest.mark.parametrize("version", [0, 1, 2, 4, 6, ALL])
def test_any_version_is_answered_with_one_we_speak(door: House, version: int) -> None:
    with door.transport() as transport:
        channel = transport.open_session()
        channel.invoke_subsystem("sftp")
        channel.settimeout(10)
        channel.sendall(text(b"\1" + numbers(version)))
        assert channel.recv(4096)[4:9] == b"\2" + numbers(min(version, 3))
        channel.sendall(text(b"\1" + numbers(3)))  # a second INIT is an unknown request
        assert channel.recv(4096)[4] == STATUS


ENDINGS: dict[str, bytes] = {
    "no length": text(b""), "one byte": text(b"\x05"), "four bytes": text(b"\x05\0\0\0"), "too long": numbers(257 * 1024 + 1),
    "2 GiB": numbers(2**31), "4 GiB": numbers(ALL), "not SFTP": b"GET / HTTP/1.1\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("first", ["before INIT", "after INIT"])
@pytest.mark.parametrize("what", ENDINGS)
def test_what_is_no_packet_ends_the_session_and_nothing_else(
    door: House, what: str, first: str, note_row: NoteRow
) -> None:
    with door.transport() as transport, raw_session(door) as other:
        channel = transport.open_session()
        channel.invoke_subsystem("sftp")
        channel.settimeout(10)
        raw = Raw(channel) if first == "after INIT" else None
        channel.sendall(ENDINGS[what])
        with pytest.raises(EOFError):
            _end_of(channel)
        assert raw is None or raw.channel is channel
        assert other.status(STAT, text(b"/nothing")) == 2
    note_row("hostile input", what=f"SFTP {first}: {what}", **{"how many": 1, "found": 0})


def _end_of(channel: paramiko.Channel) -> None:
    while channel.recv(4096):
        pass
    raise EOFError


@pytest.mark.parametrize(
    "request_before_init", [packet(OPENDIR, text(b"/")), packet(OPEN, text(b"/incoming/a"), numbers(0x1A, 0))]
)
def test_nothing_is_answered_before_init(door: House, request_before_init: bytes) -> None:
    with door.transport() as transport:
        channel = transport.open_session()
        channel.invoke_subsystem("sftp")
        channel.settimeout(10)
        channel.sendall(text(request_before_init))
        assert channel.recv(4096) == b""


def test_half_a_packet_and_the_end_of_the_file_leave_nothing_behind(door: House) -> None:
    before = len(door.tickets())
    with raw_session(door) as raw:
        handle = raw.open(b"/incoming/half.csv", 0x1A)
        raw.channel.sendall(text(packet(WRITE, text(handle), bytes(8), text(b"x" * 1000)))[:500])
        raw.channel.shutdown_write()
        with pytest.raises(EOFError):
            raw.receive()
    assert len(door.tickets()) == before


_CHANGE: st.SearchStrategy[Callable[[bytes], bytes]] = st.one_of(
    st.builds(lambda at, byte: lambda whole: whole[: at % len(whole)] + byte + whole[at % len(whole) + 1 :], st.integers(1, 200), st.binary(min_size=1, max_size=1)),
    st.builds(lambda at, more: lambda whole: whole[: at % len(whole)] + more + whole[at % len(whole) :], st.integers(5, 200), st.binary(max_size=40)),
    st.builds(lambda at, value: lambda whole: whole[: at % len(whole)] + numbers(value) + whole[at % len(whole) + 4 :], st.integers(5, 60), st.sampled_from([0, 1, 2**31 - 1, 2**31, ALL])),
    st.builds(lambda more: lambda whole: whole + more, st.binary(max_size=2000)),
)  # fmt: skip


def test_packets_that_were_changed_a_little(door: House, note_row: NoteRow) -> None:
    """Most of a good request, with bytes changed, put in or appended: that comes further than what is all noise."""
    count = 0
    before = resident_mib(door)

    @settings(
        max_examples=3000 if NIGHT else 20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(
        st.lists(
            st.tuples(st.integers(0, 100), st.lists(_CHANGE, min_size=1, max_size=3)), min_size=5, max_size=30
        )
    )
    def send(changes: list[tuple[int, list[Callable[[bytes], bytes]]]]) -> None:
        nonlocal count
        with raw_session(door) as raw:
            good = good_packets(*handles(raw))
            for which, steps in changes:
                payload = good[which % len(good)]
                for step in steps:
                    payload = step(payload)
                count += 1
                if len(payload) < 5 or not survived(door, raw, payload):
                    return

    send()
    assert resident_mib(door) - before < 40
    note_row("hostile input", what="SFTP packets changed a little", **{"how many": count, "found": 0})
