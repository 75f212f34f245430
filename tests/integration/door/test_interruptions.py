"""Is an upload that was cut, in whatever way, kept for a resume and never handed over?"""

import asyncio
import io
import time

import asyncssh
import paramiko
import pytest

from sftp_server.uploads.staging import HELD_BACK
from tests.integration.door.conftest import HouseMaker
from tests.integration.door.house import House, wait_until
from tests.tables import NoteRow

CONTENT = b"12345678;2026-11-01;12,5\n" * 4000
HALF = len(CONTENT) // 2


def _reset(sftp: paramiko.SFTPClient) -> None:
    channel = sftp.get_channel()
    assert channel is not None
    channel.get_transport().sock.close()


def _begin_and_cut(house: House, content: bytes) -> None:
    """Send some bytes of /incoming/a.csv and lose the connection."""
    with house.sftp() as sftp:
        handle = sftp.open("/incoming/a.csv", "wb")  # named, for paramiko closes what nobody holds
        handle.write(content)
        sftp.stat("/incoming/a.csv")
        _reset(sftp)
        wait_until(lambda: bool(house.audit("upload.lost")))


def test_sending_again_from_the_start_replaces_the_part(house: House) -> None:
    _begin_and_cut(house, b"x" * 5000)
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(b"short\n"), "/incoming/a.csv")
    (ticket,) = house.tickets()
    assert house.content(ticket) == b"short\n"


def test_writing_from_byte_0_without_truncating_starts_a_part_over(house: House) -> None:
    _begin_and_cut(house, b"x" * 5000)
    with house.sftp() as sftp, sftp.open("/incoming/a.csv", "r+b") as handle:
        handle.write(b"other\n")
    (ticket,) = house.tickets()
    assert house.content(ticket) == b"other\n"


def test_an_overwrite_that_was_cut_leaves_the_handed_over_bytes_alone(house: House) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(b"good\n"), "/incoming/a.csv")
    _begin_and_cut(house, b"bad")
    (ticket,) = house.tickets()
    assert house.content(ticket) == b"good\n"
    assert house.visible("incoming/a.csv").read_bytes() == b"good\n"


def test_the_second_session_on_a_name_fences_the_first(house: House) -> None:
    async def race() -> None:
        async with (
            house.connect() as one,
            house.connect() as two,
            one.start_sftp_client() as first,
            two.start_sftp_client() as second,
        ):
            slow = await first.open("/incoming/a.csv", "wb")
            await slow.write(b"from the first\n")
            quick = await second.open("/incoming/a.csv", "wb")
            await quick.write(b"from the second\n")
            with pytest.raises(asyncssh.SFTPFailure, match="another session"):
                await slow.write(b"more\n")
            with pytest.raises(asyncssh.SFTPFailure, match="another session"):
                await slow.close()
            await quick.close()

    asyncio.run(race())
    (ticket,) = house.tickets()
    assert house.content(ticket) == b"from the second\n"


def test_a_hole_is_refused_at_close_and_what_is_before_it_can_be_resumed(house: House) -> None:
    async def with_hole() -> None:
        async with house.connect() as connection, connection.start_sftp_client() as sftp:
            handle = await sftp.open("/incoming/a.csv", "wb")
            await handle.write(CONTENT[:100], 0)
            await handle.write(CONTENT[200:300], 200)
            with pytest.raises(asyncssh.SFTPFailure, match="100 of 300 bytes are missing"):
                await handle.close()
            assert await sftp.getsize("/incoming/a.csv") == 100 - HELD_BACK

    asyncio.run(with_hole())
    assert house.tickets() == []


def test_writes_out_of_order_make_a_whole_file(house: House) -> None:
    async def backwards() -> None:
        async with house.connect() as connection, connection.start_sftp_client() as sftp:
            handle = await sftp.open("/incoming/a.csv", "wb")
            for start in reversed(range(0, len(CONTENT), 10_000)):
                await handle.write(CONTENT[start : start + 10_000], start)
            await handle.close()

    asyncio.run(backwards())
    (ticket,) = house.tickets()
    assert house.content(ticket) == CONTENT


def test_a_file_shorter_than_announced_is_refused_at_close(house: House) -> None:
    async def short() -> None:
        async with house.connect() as connection, connection.start_sftp_client() as sftp:
            handle = await sftp.open("/incoming/a.csv", "wb")
            await handle.setstat(asyncssh.SFTPAttrs(size=1000))
            await handle.write(b"x" * 400)
            with pytest.raises(asyncssh.SFTPFailure, match="600 of 1000 bytes are missing"):
                await handle.close()
            longer = await sftp.open("/incoming/b.csv", "wb")
            await longer.write(b"0123456789")
            await longer.setstat(asyncssh.SFTPAttrs(size=4))
            await longer.close()

    asyncio.run(short())
    (ticket,) = house.tickets()
    assert house.content(ticket) == b"0123"


def test_too_large_a_file_is_refused_even_if_the_client_ignores_it(
    make_house: HouseMaker, note_row: NoteRow
) -> None:
    house = make_house(max_file_bytes=1000, part_expires=0.3, sweep_every=0.1)
    house.start()

    async def too_large() -> None:
        async with house.connect() as connection, connection.start_sftp_client() as sftp:
            handle = await sftp.open("/incoming/a.csv", "wb")
            await handle.write(b"x" * 900)
            for offset in (900, 2**40, 2**63 - 1, 2**64 - 300):
                with pytest.raises(asyncssh.SFTPFailure, match="larger than 1000 bytes"):
                    await handle.write(b"x" * 200, offset)
            with pytest.raises(asyncssh.SFTPFailure, match="not whole"):
                await handle.close()

    asyncio.run(too_large())
    wait_until(lambda: bool(house.tickets()))
    assert [(ticket["outcome"], ticket["bytes"]) for ticket in house.tickets()] == [("incomplete", 900)]
    note_row(
        "interruptions",
        **{"what happened": "larger than max_file_bytes", "handed over": "nothing", "kept for resume": "900 of 1100",
           "resumed by": "nobody can", "in the end": "incomplete, after its time"},
    )  # fmt: skip


def test_a_nearly_full_disk_refuses_uploads_and_mkdir(make_house: HouseMaker) -> None:
    house = make_house(free_disk_floor=2**60)
    house.start()
    with house.sftp() as sftp:
        with pytest.raises(OSError, match="nearly full"):
            sftp.open("/incoming/a.csv", "wb")
        with pytest.raises(OSError, match="nearly full"):
            sftp.mkdir("/incoming/a")
    assert house.staging() == []


def test_a_part_nobody_goes_on_with_gets_an_incomplete_ticket_and_goes(make_house: HouseMaker) -> None:
    house = make_house(part_expires=0.5, sweep_every=0.1)
    house.start()
    _begin_and_cut(house, b"half")
    wait_until(lambda: bool(house.tickets()))
    (ticket,) = house.tickets()
    assert (ticket["outcome"], ticket["bytes"], ticket["name"]) == ("incomplete", 4, "incoming/a.csv")
    assert not (house.home / "landing" / ticket["upload"] / "content").exists()
    with house.sftp() as sftp:
        assert sftp.listdir("/incoming") == []
    assert house.staging() == []


def test_an_open_upload_does_not_expire(make_house: HouseMaker) -> None:
    house = make_house(part_expires=0.2, sweep_every=0.05)
    house.start()
    with house.sftp() as sftp:
        handle = sftp.open("/incoming/a.csv", "wb")
        handle.write(b"slow")
        wait_until(lambda: len(house.audit("login")) == 1)
        time.sleep(0.6)
        handle.close()
    assert [ticket["outcome"] for ticket in house.tickets()] == ["finished"]


def test_parts_survive_a_killed_door_as_far_as_they_were_synced(house: House) -> None:
    _begin_and_cut(house, CONTENT[:HALF])
    with house.sftp() as sftp:
        other = sftp.open("/incoming/b.csv", "wb")
        other.write(b"never synced")
        wait_until(lambda: sum(name.endswith(".json") for name in house.staging()) == 2)
        house.kill()
    house.start()
    with house.sftp() as sftp:
        assert {e.filename: e.st_size for e in sftp.listdir_attr("/incoming")} == {
            "a.csv": HALF - HELD_BACK,
            "b.csv": 0,
        }
        with sftp.open("/incoming/a.csv", "ab") as handle:
            handle.write(CONTENT[HALF - HELD_BACK :])
    (ticket,) = house.tickets()
    assert house.content(ticket) == CONTENT


def test_sigterm_lets_an_upload_in_flight_finish_and_exits_with_0(house: House) -> None:
    with house.sftp() as sftp:
        handle = sftp.open("/incoming/a.csv", "wb")
        handle.write(CONTENT[:HALF])
        sftp.stat("/incoming/a.csv")
        house.running().terminate()
        wait_until(lambda: _refuses(house))
        handle.write(CONTENT[HALF:])
        handle.close()
    assert house.running().wait(timeout=10) == 0
    (ticket,) = house.tickets()
    assert house.content(ticket) == CONTENT


def _refuses(house: House) -> bool:
    try:
        with house.transport():
            return False
    except (paramiko.SSHException, OSError, EOFError):
        return True


def test_sigterm_gives_up_waiting_after_the_drain_time(make_house: HouseMaker) -> None:
    house = make_house(drain=0.3)
    house.start()
    with house.sftp() as sftp:
        handle = sftp.open("/incoming/a.csv", "wb")
        handle.write(CONTENT[:HALF])
        sftp.stat("/incoming/a.csv")
        assert house.stop() == 0
    assert house.tickets() == []
    house.start()
    with house.sftp() as sftp:
        assert sftp.stat("/incoming/a.csv").st_size == HALF - HELD_BACK


def test_the_door_stops_when_its_parents_pipe_closes(make_house: HouseMaker) -> None:
    house = make_house()
    house.start(with_stdin=True)
    stdin = house.running().stdin
    assert stdin is not None
    stdin.close()
    assert house.running().wait(timeout=10) == 0
