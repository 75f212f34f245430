"""Ways that real clients have, and that no door may stumble over: packet by packet, as they send them."""

import struct
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from paramiko.common import cMSG_REQUEST_FAILURE

from sftp_server.uploads.staging import HELD_BACK
from tests.integration.door.house import House, wait_until
from tests.integration.door.raw_sftp import Raw, raw_session, text

OPEN, CLOSE, WRITE, LSTAT, SETSTAT, FSETSTAT, MKDIR, REALPATH, STAT, RENAME, SYMLINK, EXTENDED = (
    3, 4, 6, 7, 9, 10, 14, 16, 17, 18, 20, 200,
)  # fmt: skip
STATUS, HANDLE, NAME, ATTRS = 101, 102, 104, 105
OK, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, UNSUPPORTED = 0, 2, 3, 4, 8
W_CREAT, W_CREAT_TRUNC = 0x0A, 0x1A
TIMES = struct.pack(">III", 0x8, 1_600_000_000, 1_600_000_000)
MODE = struct.pack(">II", 0x4, 0o100644)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One running door for all tests here; each uses names of its own."""
    made = House(home=tmp_path_factory.mktemp("ways") / "home")
    made.furnish()
    made.write_account("techem")
    made.start()
    yield made
    made.clear_away()


def _write(raw: Raw, handle: bytes, offset: int, content: bytes) -> int:
    return raw.status(WRITE, text(handle) + struct.pack(">Q", offset) + text(content))


def _size(raw: Raw, name: bytes) -> int | None:
    answer = raw.ask(STAT, text(name))
    return struct.unpack(">Q", answer[5:13])[0] if answer[0] == ATTRS else None


LINES = b"".join(b"%d;2026-11-01;12,5\n" % number for number in range(20))


def _named(house: House, name: str) -> list[bytes]:
    return [house.content(ticket) for ticket in house.tickets() if ticket["name"] == name]


# -- WinSCP ----------------------------------------------------------------------------------------------------


def test_winscp_sends_under_filepart_sets_the_time_and_renames(house: House) -> None:
    with raw_session(house) as raw:
        assert raw.status(LSTAT, text(b"/incoming/w.csv")) == NO_SUCH_FILE
        handle = raw.open(b"/incoming/w.csv.filepart", W_CREAT_TRUNC)
        assert _write(raw, handle, 0, b"1;2\n") == OK
        assert raw.status(CLOSE, text(handle)) == OK
        assert _named(house, "incoming/w.csv.filepart") == []
        assert raw.status(RENAME, text(b"/incoming/w.csv.filepart") + text(b"/incoming/w.csv")) == OK
        assert raw.status(SETSTAT, text(b"/incoming/w.csv") + TIMES) == OK
        assert raw.status(SETSTAT, text(b"/incoming/w.csv") + MODE) == OK
    assert _named(house, "incoming/w.csv") == [b"1;2\n"]
    assert house.visible("incoming/w.csv").stat().st_mtime == 1_600_000_000


def test_winscp_resumes_by_offset_without_append_or_truncate(house: House) -> None:
    name = b"/incoming/r.csv.filepart"
    with raw_session(house) as raw:
        handle = raw.open(name, W_CREAT_TRUNC)
        assert _write(raw, handle, 0, LINES[:200]) == OK  # and the session ends without a CLOSE
    wait_until(lambda: any(lost["name"] == name[1:].decode() for lost in house.audit("upload.lost")))
    with raw_session(house) as raw:
        assert _size(raw, name) == 200 - HELD_BACK
        handle = raw.open(name, W_CREAT)
        assert _write(raw, handle, 200 - HELD_BACK, LINES[200 - HELD_BACK :]) == OK
        assert raw.status(FSETSTAT, text(handle) + TIMES) == OK
        assert raw.status(CLOSE, text(handle)) == OK
        assert raw.status(RENAME, text(name) + text(b"/incoming/r.csv")) == OK
    assert _named(house, "incoming/r.csv") == [LINES]


def test_winscp_removes_the_old_file_and_renames_onto_its_name(house: House) -> None:
    with raw_session(house) as raw:
        for content in (b"old\n", b"new\n"):
            handle = raw.open(b"/incoming/o.csv.filepart", W_CREAT_TRUNC)
            _write(raw, handle, 0, content)
            raw.status(CLOSE, text(handle))
            raw.status(13, text(b"/incoming/o.csv"))  # REMOVE: there the second time
            assert raw.status(RENAME, text(b"/incoming/o.csv.filepart") + text(b"/incoming/o.csv")) == OK
    assert _named(house, "incoming/o.csv") == [b"old\n", b"new\n"]


# -- FileZilla and PuTTY -----------------------------------------------------------------------------------------


def test_filezilla_makes_each_folder_of_a_path_looks_and_sets_the_time_by_name(house: House) -> None:
    with raw_session(house) as raw:
        assert raw.ask(REALPATH, text(b"."))[0] == NAME
        assert raw.status(MKDIR, text(b"/incoming") + bytes(4)) == FAILURE  # is there: it goes on
        assert raw.status(MKDIR, text(b"/incoming/fz") + bytes(4)) == OK
        handle = raw.open(b"/incoming/fz/f.csv", W_CREAT_TRUNC)
        for place in range(3):  # sent before the answers to the ones before are read
            body = text(handle) + struct.pack(">Q", 3 * place) + text(b"1;\n")
            raw.send(bytes([WRITE]) + struct.pack(">I", 1000 + place) + body)
        assert [raw.receive()[0] for _ in range(3)] == [STATUS] * 3
        assert raw.status(CLOSE, text(handle)) == OK
        assert raw.status(SETSTAT, text(b"/incoming/fz/f.csv") + TIMES) == OK
    assert _named(house, "incoming/fz/f.csv") == [b"1;\n" * 3]


def test_filezilla_resumes_by_opening_without_create_and_looking_at_the_size(house: House) -> None:
    with raw_session(house) as raw:
        handle = raw.open(b"/incoming/z.csv", W_CREAT_TRUNC)
        _write(raw, handle, 0, LINES[:200])
    with raw_session(house) as raw:
        handle = raw.open(b"/incoming/z.csv", 0x02)
        answer = raw.ask(8, text(handle))  # FSTAT
        (size,) = struct.unpack(">Q", answer[5:13])
        assert size == 200 - HELD_BACK
        assert _write(raw, handle, size, LINES[size:]) == OK
        assert raw.status(CLOSE, text(handle)) == OK
    assert _named(house, "incoming/z.csv") == [LINES]


# -- OpenSSH -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (b"~", b"/"),
        (b"~/incoming", b"/incoming"),
        (b"~techem/incoming/../receipts", b"/receipts"),
        (b"incoming", b"/incoming"),
    ],
)
def test_a_tilde_is_the_partners_root(house: House, asked: bytes, answered: bytes) -> None:
    with raw_session(house) as raw:
        answer = raw.ask(EXTENDED, text(b"expand-path@openssh.com") + text(asked))
    assert answer[0] == NAME
    assert answer[5:].startswith(text(answered))


def test_another_partners_home_is_not_there(house: House) -> None:
    with raw_session(house) as raw:
        assert (
            raw.status(EXTENDED, text(b"expand-path@openssh.com") + text(b"~ista/incoming")) == NO_SUCH_FILE
        )


def test_a_file_sent_into_a_folder_that_is_missing_does_not_take_the_folders_name(house: House) -> None:
    flags = struct.pack(">II", W_CREAT_TRUNC, 0)
    with raw_session(house) as raw:
        raw.status(CLOSE, text(raw.open(b"/incoming/slash.csv", W_CREAT_TRUNC)))
        assert raw.status(OPEN, text(b"/incoming/none/") + flags) == NO_SUCH_FILE
        assert raw.status(OPEN, text(b"/incoming/slash.csv/") + flags) == NO_SUCH_FILE
        assert raw.status(RENAME, text(b"/incoming/slash.csv") + text(b"/incoming/none/")) == NO_SUCH_FILE
    assert not house.visible("incoming/none").exists()


def test_links_are_refused_in_words_and_in_the_audit(house: House) -> None:
    with house.sftp() as sftp, pytest.raises(OSError, match="links can be neither made nor read here"):
        sftp.symlink("/incoming/a", "/incoming/link")
    assert [line["operation"] for line in house.audit("refused")][-1] == "link"


def test_receipts_are_listed_with_modes_that_let_a_client_fetch_the_next_ones(house: House) -> None:
    receipts = house.home / "receipts" / "techem"
    receipts.mkdir(parents=True)
    (receipts / "m.csv.01J.result.json").write_text("{}")
    with house.sftp() as sftp:
        modes = [sftp.stat("/receipts").st_mode, sftp.listdir_attr("/receipts")[0].st_mode]
    assert [mode is not None and mode & 0o777 for mode in modes] == [0o750, 0o640]


# -- phpseclib -----------------------------------------------------------------------------------------------------


def test_an_answer_to_the_list_of_host_keys_ends_no_connection(house: House) -> None:
    with house.transport() as transport:
        answer = paramiko.Message()
        answer.add_byte(cMSG_REQUEST_FAILURE)
        transport._send_user_message(answer)  # type: ignore[attr-defined]  # not in the stubs: paramiko sends no such thing
        sftp = paramiko.SFTPClient.from_transport(transport)
        assert sftp is not None
        assert sorted(sftp.listdir("/")) == ["incoming", "receipts"]


def test_the_list_of_files_shows_sizes_days_and_names_as_they_are(house: House, tmp_path: Path) -> None:
    file = tmp_path / "odečty_říjen č. 1.csv"
    file.write_bytes(b"1;2\n" * 1000)
    with house.sftp() as sftp:
        sftp.mkdir("/incoming/names")
        sftp.put(str(file), f"/incoming/names/{file.name}")
        sftp.utime(f"/incoming/names/{file.name}", (1_600_000_000, 1_600_000_000))
        (listed,) = sftp.listdir_attr("/incoming/names")
    assert listed.longname.split() == [
        "-rw-r-----", "techem", "techem", "4000", "Sep", "13", "2020", "odečty_říjen", "č.", "1.csv",
    ]  # fmt: skip
