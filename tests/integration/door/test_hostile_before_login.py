"""Does the door stand whatever a stranger sends before the login? Nothing here holds a key."""

import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.door.hostile import innocent_partner, number, resident_mib, text
from tests.integration.door.house import HOST, House, wait_until
from tests.tables import NoteRow

NIGHT = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
BANNER = b"SSH-2.0-Stranger\r\n"
ALGORITHMS = (
    b"curve25519-sha256", b"ssh-ed25519", b"aes256-gcm@openssh.com", b"aes256-gcm@openssh.com", b"hmac-sha2-256-etm@openssh.com",
    b"hmac-sha2-256-etm@openssh.com", b"none", b"none", b"", b"",
)  # fmt: skip
DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, SERVICE_REQUEST, EXT_INFO, KEXINIT, NEWKEYS, ECDH_INIT = (
    1,
    2,
    3,
    4,
    5,
    7,
    20,
    21,
    30,
)


def packet(payload: bytes) -> bytes:
    """A message of SSH before any key exchange."""
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def kexinit(*, strict: bool = False, names: tuple[bytes, ...] = ALGORITHMS) -> bytes:
    """A proposal for a key exchange."""
    first = names[0] + (b",kex-strict-c-v00@openssh.com" if strict else b"")
    return (
        bytes([KEXINIT])
        + bytes(16)
        + b"".join(text(name) for name in (first, *names[1:]))
        + b"\0"
        + number(0)
    )


def ecdh(point: bytes) -> bytes:
    """Our half of a key exchange."""
    return bytes([ECDH_INIT]) + text(point)


@pytest.fixture(scope="module")
def door(standing_house: House) -> Iterator[House]:
    """One door for all strangers; in the end it must have had nothing to complain of itself."""
    yield standing_house
    assert [line for line in standing_house.warnings() if line["event"] != "log"] == []
    assert standing_house.running().poll() is None


@contextmanager
def stranger(door: House) -> Iterator[socket.socket]:
    """A connection."""
    with socket.create_connection((HOST, door.port)) as wire:
        wire.settimeout(5)
        yield wire


def end_of(wire: socket.socket) -> bytes:
    """What the door said until it closed the connection; fails if it did not."""
    said = b""
    with suppress(ConnectionResetError, BrokenPipeError):
        while got := wire.recv(65536):
            said += got
    for told in (b"Traceback", b".py", b"/home", b"/root"):
        assert told not in said
    return said


ENDED = {
    "a line without an end": b"S" * 1_000_000,
    "a thousand lines that are no banner": b"hello\r\n" * 1000,
    "a banner of SSH 1.5": b"SSH-1.5-Old\r\n",
    "a banner with other letters": b"SSH-2.0-\xff\xfe\x00\x1b[2J\r\n",
    "a banner too long": b"SSH-2.0-" + b"x" * 5000 + b"\r\n",
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600) + b"\n",
    "a packet of 4 GiB": BANNER + number(2**32 - 1) + bytes(100),
    "a packet of 300 KiB": BANNER + number(300 * 1024) + bytes(100),
    "padding longer than the packet": BANNER + struct.pack(">IB", 12, 255) + bytes(11),
    "a packet of no bytes": BANNER + struct.pack(">IB", 0, 0) + bytes(20),
    "a login before a key exchange": BANNER + packet(b"\x32" + text(b"techem") + text(b"ssh-connection") + text(b"none")),
    "a channel before a key exchange": BANNER + packet(b"\x5a" + text(b"session") + number(0) * 3),
    "a service before a key exchange": BANNER + packet(bytes([SERVICE_REQUEST]) + text(b"ssh-userauth")),
    "new keys without a key exchange": BANNER + packet(bytes([NEWKEYS])),
    "extensions before a key exchange": BANNER + packet(bytes([EXT_INFO]) + number(2**32 - 1)),
    "half a key exchange twice": BANNER + packet(kexinit()) * 2,
    "a key exchange without the proposal": BANNER + packet(ecdh(bytes(32))),
    "a point of zeros": BANNER + packet(kexinit()) + packet(ecdh(bytes(32))),
    "a point of one byte": BANNER + packet(kexinit()) + packet(ecdh(b"x")),
    "a point of 100 KB": BANNER + packet(kexinit()) + packet(ecdh(b"x" * 100_000)),
    "a proposal cut short": BANNER + packet(kexinit()[:40]),
    "a proposal of nothing we know": BANNER + packet(kexinit(names=(b"none",) * 10)),
    "a proposal of 60,000 names": BANNER + packet(kexinit(names=(b"a," * 60_000, *ALGORITHMS[1:]))),
    "a message before the proposal, strictly (Terrapin)": BANNER + packet(bytes([IGNORE]) + text(b"")) + packet(kexinit(strict=True)),
    "a message within a strict key exchange (Terrapin)": BANNER + packet(kexinit(strict=True)) + packet(bytes([IGNORE]) + text(b"")),
    "a farewell with escapes": BANNER + packet(bytes([DISCONNECT]) + number(2) + text(b"\x1b]0;owned\x07\r\n") + text(b"")),
    "a farewell that is no text": BANNER + packet(bytes([DISCONNECT]) + number(2) + text(b"\xff\xfe") + text(b"")),
    "5,000 unknown messages": BANNER + packet(b"\xc0" + bytes(20)) * 5000,
    "5,000 debug messages": BANNER + packet(bytes([DEBUG]) + b"\1" + text(b"\x1b[2J") + text(b"")) * 5000,
}  # fmt: skip


@pytest.mark.parametrize("what", ENDED)
def test_a_stranger_is_sent_away_for(door: House, what: str, note_row: NoteRow) -> None:
    with stranger(door) as wire:
        with suppress(ConnectionResetError, BrokenPipeError):
            wire.sendall(ENDED[what])
        assert end_of(wire)[:8] in (b"SSH-2.0-", b"")
    note_row("hostile input", what=f"before login: {what}", **{"how many": 1, "found": 0})


def test_strangers_who_do_all_this_at_once_and_never_read_cost_little(door: House, note_row: NoteRow) -> None:
    before = resident_mib(door)
    wires = []
    with innocent_partner(door) as innocent:
        wait_until(lambda: bool(innocent.waited))
        for place in range(20):
            wire = socket.create_connection((HOST, door.port))
            wire.setblocking(False)
            wires.append(wire)
            with suppress(OSError):
                wire.send(list(ENDED.values())[place])
        end = time.monotonic() + (10 if NIGHT else 1)
        flood = packet(bytes([IGNORE]) + text(bytes(1000))) * 100
        while time.monotonic() < end:
            for wire in wires:
                with suppress(OSError):
                    wire.send(flood)
            time.sleep(0.005)
        assert resident_mib(door) - before < 60
        for wire in wires:
            wire.close()
    assert innocent.failed == []
    assert innocent.longest_ms < 5000
    note_row(
        "hostile input", what="before login: 20 strangers at once who never read",
        **{"how many": 20, "found": 0, "others waited (ms)": innocent.longest_ms},
    )  # fmt: skip


def test_a_stranger_who_sends_byte_by_byte_has_no_more_time_than_others(standing_slow_house: House) -> None:
    with stranger(standing_slow_house) as wire:
        start = time.monotonic()
        with suppress(ConnectionResetError, BrokenPipeError):
            for byte in BANNER + packet(kexinit()) * 10:
                wire.send(bytes([byte]))
                time.sleep(0.02)
                if time.monotonic() - start > 10:
                    break
        assert time.monotonic() - start < 5
        assert end_of(wire)[:4] in (b"SSH-", b"")


@pytest.fixture
def standing_slow_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A door that waits a second for a login."""
    made = House(home=tmp_path_factory.mktemp("slow") / "home", settings={"login_timeout": 1})
    made.furnish()
    made.start()
    yield made
    made.clear_away()


_MESSAGES = st.one_of(
    st.binary(max_size=200),
    st.builds(packet, st.binary(min_size=1, max_size=200)),
    st.builds(lambda kind, rest: packet(bytes([kind]) + rest), st.integers(0, 255), st.binary(max_size=100)),
    st.sampled_from([packet(kexinit()), packet(kexinit(strict=True)), packet(ecdh(b"\x09" + bytes(31))), packet(bytes([NEWKEYS])), BANNER]),
)  # fmt: skip


def test_any_bytes_at_all_before_the_login(door: House, note_row: NoteRow) -> None:
    count = 0

    @settings(
        max_examples=3000 if NIGHT else 60,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(st.booleans(), st.lists(_MESSAGES, max_size=8))
    def send(polite: bool, messages: list[bytes]) -> None:
        nonlocal count
        count += 1
        with stranger(door) as wire, suppress(ConnectionResetError, BrokenPipeError):
            wire.sendall((BANNER if polite else b"") + b"".join(messages))
            wire.shutdown(socket.SHUT_WR)
            end_of(wire)

    send()
    with door.transport():
        pass
    note_row("hostile input", what="before login: any bytes", **{"how many": count, "found": 0})
