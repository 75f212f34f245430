"""Which packets say that a resumed upload is whole? Real clients go on with parts of every length."""

import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from tests.integration.door.house import House, wait_until
from tests.integration.door.resumers import RESUMERS, begin_and_lose, needs
from tests.tables import NoteRow

CONTENT = b"Serial;Date;Value\n" + b"12345678;2026-11-01;12,5\n" * 4001
HALF = len(CONTENT) // 2
SHOWN_LESS = 64


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One door for all tests here; each has names of its own."""
    made = House(home=tmp_path_factory.mktemp("resuming") / "home", settings={"legacy_macs": True})
    made.furnish()
    made.write_account("techem")
    made.start()
    yield made
    made.clear_away()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A remote name that no other test uses."""
    return f"/incoming/{abs(hash(request.node.nodeid))}.csv"


def _lose(house: House, content: bytes, name: str) -> None:
    begin_and_lose(house, content, name)
    wait_until(lambda: bool(_audit(house, "upload.lost", name)))


def _audit(house: House, event: str, name: str) -> list[str]:
    return [str(line.get("reason")) for line in house.audit(event) if line["name"] == name[1:]]


def _handed_over(house: House, name: str) -> list[bytes]:
    return [house.content(ticket) for ticket in house.tickets() if ticket["name"] == name[1:]]


@pytest.mark.parametrize(
    ("client", "cut", "came"),
    [
        *((client, "half-way", HALF) for client in RESUMERS),
        *((client, "just before CLOSE", len(CONTENT)) for client in RESUMERS),
        *((client, "after 1 byte", 1) for client in ("sftp reput", "lftp put -c", "curl -C -")),
    ],
)
def test_a_lost_upload_is_resumed_and_handed_over_once(
    house: House, tmp_path: Path, name: str, note_row: NoteRow, client: str, cut: str, came: int
) -> None:
    needs(client)
    (tmp_path / "a.csv").write_bytes(CONTENT)
    _lose(house, CONTENT[:came], name)
    assert _handed_over(house, name) == []
    with house.sftp() as sftp:
        kept = sftp.stat(name).st_size
        assert kept == max(came - SHOWN_LESS, 0)
    assert RESUMERS[client](house, tmp_path / "a.csv", name)
    assert _handed_over(house, name) == [CONTENT]
    note_row(
        "interruptions",
        **{"what happened": f"connection lost {cut}", "handed over": "nothing", "kept for resume": f"{came} of {len(CONTENT)}",
           "resumed by": client, "in the end": "handed over once, every byte"},
    )  # fmt: skip


@pytest.mark.parametrize("client", RESUMERS)
def test_a_client_that_finds_nothing_to_send_hands_nothing_over(
    house: House, tmp_path: Path, name: str, client: str
) -> None:
    needs(client)
    (tmp_path / "a.csv").write_bytes(CONTENT[: -SHOWN_LESS - 6])
    _lose(house, CONTENT, name)
    RESUMERS[client](house, tmp_path / "a.csv", name)  # some are told, some do not look at the answer
    assert _handed_over(house, name) == []
    with house.sftp() as sftp:
        assert sftp.stat(name).st_size


@pytest.mark.parametrize("client", RESUMERS)
def test_going_on_with_a_finished_file_that_has_not_grown_hands_nothing_over_again(
    house: House, tmp_path: Path, name: str, client: str
) -> None:
    needs(client)
    (tmp_path / "a.csv").write_bytes(CONTENT)
    with house.sftp() as sftp:
        sftp.put(str(tmp_path / "a.csv"), name)
    RESUMERS[client](house, tmp_path / "a.csv", name)
    assert _handed_over(house, name) == [CONTENT]


@pytest.mark.parametrize("client", RESUMERS)
def test_another_file_is_not_joined_to_what_came(
    house: House, tmp_path: Path, name: str, note_row: NoteRow, client: str
) -> None:
    needs(client)
    (tmp_path / "a.csv").write_bytes(CONTENT.replace(b"2026-11", b"2026-12") * 2)
    _lose(house, CONTENT[:HALF], name)
    try:
        assert not RESUMERS[client](house, tmp_path / "a.csv", name)
    except OSError:
        assert client in ("paramiko append", "as WinSCP")  # these are told in words
    assert _handed_over(house, name) == []
    (tmp_path / "a.csv").write_bytes(CONTENT)
    assert RESUMERS[client](house, tmp_path / "a.csv", name)
    assert _handed_over(house, name) == [CONTENT]
    note_row(
        "interruptions",
        **{"what happened": "resumed from another file", "handed over": "nothing", "kept for resume": f"{HALF} of {len(CONTENT)}",
           "resumed by": client, "in the end": "handed over once, from the right file"},
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["r+b", "ab"])
@pytest.mark.parametrize("came", [0, 1, HALF])
def test_open_and_close_of_a_part_leave_it_a_part(house: House, name: str, mode: str, came: int) -> None:
    _lose(house, CONTENT[:came], name)
    for _ in range(2):
        with house.sftp() as sftp:
            handle = sftp.open(name, mode)
            handle.close()
    assert _audit(house, "upload.refused", name) == 2 * [
        "nothing was sent: the file is as unfinished as before; send its rest, or all of it"
    ]
    with house.sftp() as sftp:
        assert sftp.stat(name).st_size == max(came - SHOWN_LESS, 0)
    assert _handed_over(house, name) == []


def test_a_script_that_counts_for_itself_may_go_on_behind_what_is_shown(house: House, name: str) -> None:
    _lose(house, CONTENT[:HALF], name)
    with house.sftp() as sftp, sftp.open(name, "r+b") as handle:
        handle.seek(HALF)
        handle.write(CONTENT[HALF:])
    assert _handed_over(house, name) == [CONTENT]


def test_appending_without_a_look_at_the_size_is_refused_rather_than_joined_wrongly(
    house: House, name: str
) -> None:
    _lose(house, CONTENT[:HALF], name)
    with (
        house.sftp() as sftp,
        sftp.open(name, "ab") as handle,
        pytest.raises(OSError, match="not the file that was begun"),
    ):
        handle.write(CONTENT[HALF:])
    assert _handed_over(house, name) == []


@pytest.mark.parametrize("size", [0, 10, HALF])
def test_a_size_announced_after_a_write_failed_does_not_make_the_rest_whole(
    house: House, name: str, size: int
) -> None:
    """OpenSSH's scp and reput do so: they announce how far they came, and close."""
    _lose(house, CONTENT[:HALF], name)
    with house.sftp() as sftp:
        handle = sftp.open(name, "r+b")
        handle.seek(HALF - 10)
        with pytest.raises(OSError, match="not the file that was begun"):
            handle.write(b"something else")
        handle.truncate(size)
        handle.close()
    assert _handed_over(house, name) == []
    assert len(_audit(house, "upload.refused", name)) == 1


def test_sending_an_empty_file_by_scp_over_a_part_replaces_it(house: House, name: str) -> None:
    """scp opens without TRUNC, and announces the size 0."""
    _lose(house, CONTENT[:HALF], name)
    with house.sftp() as sftp:
        handle = sftp.open(name, "r+b")
        handle.truncate(0)
        handle.close()
    assert _handed_over(house, name) == [b""]


def test_a_part_is_read_as_far_as_it_is_shown(house: House, name: str) -> None:
    _lose(house, CONTENT[:HALF], name)
    with house.sftp() as sftp, sftp.open(name) as reading:
        assert reading.stat().st_size == HALF - SHOWN_LESS
        assert reading.read() == CONTENT[: HALF - SHOWN_LESS]


def test_parts_do_not_shrink_when_resumes_are_lost_again(house: House, name: str) -> None:
    _lose(house, CONTENT[:HALF], name)
    for turn in (2, 3, 4):
        with house.transport() as transport:
            sftp = paramiko.SFTPClient.from_transport(transport)
            assert sftp is not None
            handle = sftp.open(name, "ab")
            assert handle.stat().st_size == HALF - SHOWN_LESS
            transport.sock.close()
        while len(_audit(house, "upload.lost", name)) < turn:
            time.sleep(0.02)
    with house.sftp() as sftp:
        assert sftp.stat(name).st_size == HALF - SHOWN_LESS
