"""Is a file whole whose client may have been interrupted? OpenSSH's sftp closes it all the same."""

import asyncio
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from tests.integration.door.house import HOST, House, wait_until
from tests.integration.door.resumers import openssh_reput, slow_client
from tests.tables import NoteRow

CONTENT = b"".join(b"%08d;2026-11-01;12,5\n" % number for number in range(20_000))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One door for all tests here; each has names of its own."""
    made = House(home=tmp_path_factory.mktemp("doubts") / "home")
    made.furnish()
    made.write_account("techem")
    made.start()
    yield made
    made.clear_away()


def _handed_over(house: House, name: str) -> list[bytes]:
    return [house.content(ticket) for ticket in house.tickets() if ticket["name"] == name[1:]]


def _is_refused(house: House, name: str) -> bool:
    return any(line["name"] == name[1:] for line in house.audit("upload.refused"))


def _size(house: House, name: str) -> int:
    """How much of an upload its partner sees."""
    with house.sftp() as sftp:
        try:
            return sftp.stat(name).st_size or 0
        except FileNotFoundError:
            return 0


@pytest.mark.parametrize("more", [(), ("-B", "30000")], ids=["its own blocks", "-B"])
def test_ctrl_c_in_openssh_sftp_closes_the_file_and_yet_hands_nothing_over(
    house: House, tmp_path: Path, note_row: NoteRow, more: tuple[str, ...]
) -> None:
    """It sends a CLOSE as if the file were whole: what tells is that it ends behind a full block."""
    if shutil.which("sftp") is None:
        pytest.skip("sftp is not installed")
    whole, name = CONTENT * 4, f"/incoming/int{len(more)}.csv"
    (tmp_path / "big.csv").write_bytes(whole)
    sending = slow_client(house, "sftp", tmp_path / "big.csv", name, *more)
    wait_until(lambda: _size(house, name) > 30_000)
    sending.send_signal(signal.SIGINT)
    wait_until(lambda: _is_refused(house, name))
    sending.wait(timeout=10)
    came = _size(house, name)
    assert _handed_over(house, name) == []
    assert openssh_reput(house, tmp_path / "big.csv", name)
    assert _handed_over(house, name) == [whole]
    note_row(
        "interruptions",
        **{"what happened": " ".join(["Ctrl-C in OpenSSH's sftp", *more]), "handed over": "nothing",
           "kept for resume": f"{came} of {len(whole)}", "resumed by": "sftp reput",
           "in the end": "handed over once, every byte"},
    )  # fmt: skip


@pytest.mark.parametrize("again", ["put", "reput"])
def test_a_whole_file_that_ends_behind_a_full_block_is_taken_the_second_time(
    house: House, tmp_path: Path, again: str
) -> None:
    if shutil.which("sftp") is None:
        pytest.skip("sftp is not installed")
    name = f"/incoming/block-{again}.csv"
    (tmp_path / "block.csv").write_bytes(CONTENT[: 255 * 1024])
    assert house.openssh_sftp(f"put {tmp_path / 'block.csv'} {name}").returncode == 1
    assert _handed_over(house, name) == []
    assert house.openssh_sftp(f"{again} {tmp_path / 'block.csv'} {name}").returncode == 0
    assert _handed_over(house, name) == [CONTENT[: 255 * 1024]]


def test_several_whole_files_that_end_behind_full_blocks_are_each_taken_the_second_time(
    house: House, tmp_path: Path
) -> None:
    """A script that goes on after a failure sends them in turns: one doubt must not make the door forget another."""
    if shutil.which("sftp") is None:
        pytest.skip("sftp is not installed")
    names = [f"/incoming/block-turn{number}.csv" for number in range(3)]
    (tmp_path / "block.csv").write_bytes(CONTENT[: 255 * 1024])
    for handed_over in (0, 1):
        assert (
            house.openssh_sftp(*(f"-put {tmp_path / 'block.csv'} {name}" for name in names)).returncode == 0
        )
        assert [len(_handed_over(house, name)) for name in names] == [handed_over] * 3


@pytest.mark.parametrize("client", ["OpenSSH_9.2p1", "AsyncSSH"])
def test_only_the_sftp_of_openssh_is_doubted_not_what_else_runs_over_openssh(
    house: House, client: str
) -> None:
    """Perl's Net::SFTP::Foreign opens a file just so, but does not ask first where it is."""
    block = CONTENT[: 255 * 1024]
    as_sftp = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC

    async def send(name: str, *, asks_where: bool) -> None:
        key = str(house.key_file("techem"))
        async with (
            asyncssh.connect(
                HOST, house.port, username="techem", client_keys=[key], known_hosts=None, config=None, agent_path=None,
                client_version=client,
            ) as connection,
            connection.start_sftp_client() as sftp,
        ):  # fmt: skip
            if asks_where:
                await sftp.realpath(".")
            async with sftp.open(name, as_sftp, asyncssh.SFTPAttrs(permissions=0o644), encoding=None) as file:
                await file.write(block)

    asyncio.run(send(f"/incoming/perl-{client}.csv", asks_where=False))
    assert _handed_over(house, f"/incoming/perl-{client}.csv") == [block]
    if client == "AsyncSSH":
        asyncio.run(send("/incoming/asks.csv", asks_where=True))
        assert _handed_over(house, "/incoming/asks.csv") == [block]
    else:
        with pytest.raises(asyncssh.SFTPFailure, match="where an interrupted one would"):
            asyncio.run(send("/incoming/asks-too.csv", asks_where=True))


def test_ctrl_c_in_lftp_closes_the_file_without_telling_its_size_and_hands_nothing_over(house: House) -> None:
    """Packet by packet as lftp 4.9 over OpenSSH; to its end, it tells size and times before each CLOSE."""

    async def send(name: str, *, to_its_end: bool) -> None:
        async with (
            asyncssh.connect(
                HOST, house.port, username="techem", client_keys=[str(house.key_file("techem"))], known_hosts=None,
                config=None, agent_path=None, client_version="OpenSSH_9.2p1",
            ) as connection,
            connection.start_sftp_client() as sftp,
        ):  # fmt: skip
            await sftp.realpath(".")
            flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC
            async with sftp.open(name, flags, encoding=None) as file:
                await file.write(CONTENT[:1000])
                if to_its_end:
                    await file.setstat(asyncssh.SFTPAttrs(size=1000, atime=1, mtime=1))

    with pytest.raises(asyncssh.SFTPFailure, match="where an interrupted one would"):
        asyncio.run(send("/incoming/lftp.csv", to_its_end=False))
    assert _handed_over(house, "/incoming/lftp.csv") == []
    asyncio.run(send("/incoming/lftp.csv", to_its_end=True))
    assert _handed_over(house, "/incoming/lftp.csv") == [CONTENT[:1000]]
    asyncio.run(send("/incoming/lftp.csv.part", to_its_end=False))  # a rename will hand it over, or not
