"""Does the door stand whatever a client says in SSH after its login, and are others served meanwhile?"""

import asyncio
import os
import struct
from collections.abc import Awaitable, Callable, Iterator

import asyncssh
import pytest
from asyncssh.constants import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_WINDOW_ADJUST,
    MSG_DEBUG,
    MSG_DISCONNECT,
    MSG_GLOBAL_REQUEST,
    MSG_IGNORE,
)

from tests.integration.door.hostile import (
    EVERYTHING,
    Attacker,
    attacker,
    innocent_partner,
    number,
    resident_mib,
    text,
)
from tests.integration.door.house import House, wait_until
from tests.tables import NoteRow

MANY = 10 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 1
ESCAPES = b"\x1b]0;owned\x07\x1b[2J\r\n"


async def open_thousands_of_channels(client: Attacker) -> int:
    for _ in range(2000 * MANY):
        client.open_channel()
    return 2000 * MANY


async def open_channels_of_every_kind(client: Attacker) -> int:
    kinds = (
        b"direct-tcpip", b"forwarded-tcpip", b"direct-streamlocal@openssh.com", b"x11", b"tun@openssh.com",
        b"auth-agent@openssh.com", b"", b"session\0", b"../session", b"_process", b"s" * 10_000,
    )  # fmt: skip
    places = (
        text(b"127.0.0.1") + number(22) + text(b"::1") + number(1),
        text(b"/run/x.sock") + text(b"") + number(0),
        b"",
    )
    for kind in kinds:
        for place in places:
            client.say(90, text(kind), number(7), number(EVERYTHING), number(32768), place)
    return len(kinds) * len(places)


async def ask_for_forwarding_again_and_again(client: Attacker) -> int:
    for request in (b"tcpip-forward", b"cancel-tcpip-forward", b"streamlocal-forward@openssh.com"):
        for _ in range(200):
            client.say(MSG_GLOBAL_REQUEST, text(request), b"\1", text(b"0.0.0.0"), number(0))
    return 600


async def ask_for_signatures_of_host_keys(client: Attacker) -> int:
    for _ in range(500):
        client.say(MSG_GLOBAL_REQUEST, text(b"hostkeys-prove-00@openssh.com"), b"\1", text(b"x" * 51) * 60)
    return 500


async def ask_for_all_signatures_at_once(client: Attacker) -> int:
    client.say(MSG_GLOBAL_REQUEST, text(b"hostkeys-prove-00@openssh.com"), b"\1", text(b"x" * 51) * 4000)
    return 4000


def _channel_request(client: Attacker, request: bytes, *more: bytes) -> None:
    client.say(MSG_CHANNEL_REQUEST, number(0), text(request), b"\1", *more)


async def ask_a_channel_for_everything_but_sftp(client: Attacker) -> int:
    client.open_channel()
    requests = [
        (b"shell",), (b"exec", text(b"id")), (b"exec", text(b"scp -t /")), (b"x11-req", b"\0", text(b"a"), text(b"00"), number(0)),
        (b"pty-req", text(b"xterm"), number(80) * 4, text(b"\1" * 900)), (b"auth-agent-req@openssh.com",),
        (b"subsystem", text(b"")), (b"subsystem", text(b"../sftp")), (b"subsystem", text(b"sftp\0")),
        (b"subsystem", text(b"netconf")), (b"subsystem", text(b"\xff")), (b"signal", text(b"KILL")), (b"break", number(1)),
        (b"exit-status", number(0)), (b"window-change", number(1) * 4), (b"xon-xoff", b"\1"), (b"eow@openssh.com",), (b"\xff",),
    ]  # fmt: skip
    for name, *more in requests:
        _channel_request(client, name, *more)
    return len(requests)


async def set_variables_of_the_environment(client: Attacker) -> int:
    client.open_channel()
    for place in range(900):
        _channel_request(client, b"env", text(b"LD_PRELOAD%d" % place), text(b"x" * 80_000))
    return 900


async def flood_a_channel_with_requests(client: Attacker) -> int:
    client.open_channel()
    for _ in range(2000 * MANY):
        _channel_request(client, b"env", text(b"A"), text(b"B"))
    return 2000 * MANY


async def begin_two_sessions_on_one_channel(client: Attacker) -> int:
    client.open_channel()
    for _ in range(20):
        _channel_request(client, b"subsystem", text(b"sftp"))
    return 20


async def send_data_before_a_session(client: Attacker) -> int:
    client.open_channel()
    for _ in range(3000 * MANY):
        client.data(b"x")
    return 3000 * MANY


async def send_more_than_the_window(client: Attacker) -> int:
    client.open_channel()
    for _ in range(80):
        client.data(bytes(32768))
    return 80


async def send_to_channels_that_are_not_there(client: Attacker) -> int:
    for kind in (MSG_CHANNEL_DATA, MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE, MSG_CHANNEL_WINDOW_ADJUST):
        client.say(kind, number(4711), number(0))
    return 4


async def go_on_after_the_end_of_file(client: Attacker) -> int:
    client.open_channel()
    _channel_request(client, b"subsystem", text(b"sftp"))
    client.say(MSG_CHANNEL_EOF, number(0))
    client.data(b"more")
    return 4


async def close_twice(client: Attacker) -> int:
    client.open_channel()
    client.say(MSG_CHANNEL_CLOSE, number(0))
    client.say(MSG_CHANNEL_CLOSE, number(0))
    return 3


async def send_extended_data(client: Attacker) -> int:
    client.open_channel()
    client.say(MSG_CHANNEL_EXTENDED_DATA, number(0), number(1), text(b"x"))
    return 2


async def open_channels_with_odd_windows(client: Attacker) -> int:
    for window, packet in ((0, 1), (EVERYTHING, EVERYTHING), (0, 0)):
        client.open_channel(window=window, packet=packet)
    return 3


async def widen_the_window_beyond_all_numbers(client: Attacker) -> int:
    client.open_channel()
    for _ in range(2000):
        client.say(MSG_CHANNEL_WINDOW_ADJUST, number(0), number(EVERYTHING))
    return 2000


async def exchange_keys_all_the_time(client: Attacker) -> int:
    for times in range(60):
        if client.is_sent_away:
            return times
        client.connection._send_kexinit()
        client.connection._kexinit_sent = True
        for _ in range(200):
            await asyncio.sleep(0.01)
            if client.connection._kex_complete or client.is_sent_away:
                break
    return 60


async def flood_with_ignore_and_debug(client: Attacker) -> int:
    for _ in range(1000 * MANY):
        client.say(MSG_IGNORE, text(b"x" * 100))
    for _ in range(1500 * MANY):
        client.say(MSG_DEBUG, b"\1", text(ESCAPES), text(b""))
    return 2500 * MANY


async def flood_with_unknown_messages(client: Attacker) -> int:
    for kind in (7, 8, 9, 10, 49, 83, 101, 192, 255) * 300:
        client.say(kind, b"x")
    return 2700


async def leave_with_escapes(client: Attacker) -> int:
    client.say(MSG_DISCONNECT, number(2), text(ESCAPES), text(b""))
    return 1


async def send_half_a_packet_and_garbage(client: Attacker) -> int:
    client.write(b"\x00\x00\x01")
    await asyncio.sleep(0.05)
    client.write(bytes(range(256)) * 64)
    return 2


async def log_in_again(client: Attacker) -> int:
    for name in (b"ista", b"techem"):
        client.say(50, text(name), text(b"ssh-connection"), text(b"none"))
        client.say(MSG_GLOBAL_REQUEST, text(b"x"), b"\0")
    client.say(5, text(b"ssh-userauth"))
    return 5


Attack = Callable[[Attacker], Awaitable[int]]
ATTACKS: list[Attack] = [
    open_thousands_of_channels, open_channels_of_every_kind, ask_for_forwarding_again_and_again,
    ask_for_signatures_of_host_keys, ask_for_all_signatures_at_once, ask_a_channel_for_everything_but_sftp,
    set_variables_of_the_environment, flood_a_channel_with_requests, begin_two_sessions_on_one_channel,
    send_data_before_a_session, send_more_than_the_window, send_to_channels_that_are_not_there,
    go_on_after_the_end_of_file, close_twice, send_extended_data, open_channels_with_odd_windows,
    widen_the_window_beyond_all_numbers, exchange_keys_all_the_time, flood_with_ignore_and_debug,
    flood_with_unknown_messages, leave_with_escapes, send_half_a_packet_and_garbage, log_in_again,
]  # fmt: skip


@pytest.fixture(scope="module")
def standing(standing_house: House) -> Iterator[House]:
    """One door for all attacks; in the end it must have had nothing to complain of itself."""
    yield standing_house
    assert [line for line in standing_house.warnings() if line["event"] != "log"] == []
    assert standing_house.running().poll() is None


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_the_door_stands_and_serves_others_while_a_client(
    standing: House, attack: Attack, note_row: NoteRow
) -> None:
    async def act() -> int:
        async with attacker(standing) as client:
            count = await attack(client)
            for _ in range(300):
                if client.is_sent_away:
                    break
                await asyncio.sleep(0.01)
                if (
                    client.connection._transport is None
                    or not client.connection._transport.get_write_buffer_size()
                ):
                    break
            return count

    with innocent_partner(standing) as innocent:
        wait_until(lambda: bool(innocent.waited))
        before = resident_mib(standing)
        count = asyncio.run(act())
        wait_until(lambda: not innocent.failed or len(innocent.waited) > 5)
    grown = resident_mib(standing) - before
    assert innocent.failed == []
    assert innocent.longest_ms < 5000
    assert grown < 40
    what = attack.__name__.replace("_", " ")
    note_row(
        "hostile input",
        what=f"SSH: {what}",
        **{"how many": count, "found": 0, "others waited (ms)": innocent.longest_ms},
    )


def _read_requests(handle: bytes, times: int) -> bytes:
    packet = b"\5" + number(7) + text(handle) + struct.pack(">QI", 0, 256 * 1024)
    return text(packet) * times


@pytest.mark.parametrize("how", ["never reads", "begins a key exchange and never ends it"])
def test_a_client_that_asks_for_everything_does_not_fill_the_memory(
    standing: House, how: str, note_row: NoteRow
) -> None:
    with standing.sftp() as sftp, sftp.open("/incoming/large.csv", "wb") as file:
        file.write(bytes(1024 * 1024))

    class Deaf(asyncssh.SSHClientSession[bytes]):
        def data_received(self, data: bytes, datatype: int | None) -> None:
            """Nothing."""

    async def act() -> int:
        async with attacker(standing) as client:
            channel, _ = await client.connection.create_session(
                Deaf, subsystem="sftp", encoding=None, window=2**31
            )
            channel.write(text(b"\1" + number(3)))
            opening = b"\3" + number(1) + text(b"/incoming/large.csv") + number(1) + number(0)
            channel.write(text(opening))
            await asyncio.sleep(0.2)
            if how == "never reads":
                client.stop_reading()
            else:
                client.connection._send_kexinit()
                client.stop_reading()
                client.connection._kex_complete = True  # goes on as if nothing had happened
            channel.write(_read_requests(bytes(4), 20_000))
            largest = 0
            for _ in range(12):
                await asyncio.sleep(0.1)
                largest = max(largest, resident_mib(standing))
            return largest

    before = resident_mib(standing)
    with innocent_partner(standing) as innocent:
        largest = asyncio.run(act())
    assert innocent.failed == []
    assert largest - before < 60
    note_row(
        "hostile input",
        what=f"READ of 256 KiB by a client that {how}",
        **{"how many": 20_000, "found": 0, "others waited (ms)": innocent.longest_ms},
    )
