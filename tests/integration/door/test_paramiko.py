"""Does paramiko, which the demo and many partners use, get what it expects?"""

import hashlib
import io
import stat
from pathlib import Path

import pytest

from tests.integration.door.house import House

CONTENT = b"Serial;Date;Value\n" + b"12345678;2026-11-01;12,5\n" * 4000


def test_put_with_confirm_hands_over_one_ticket_with_the_same_bytes(house: House) -> None:
    with house.sftp() as sftp:
        status = sftp.putfo(io.BytesIO(CONTENT), "/incoming/readings.csv", confirm=True)
        assert status.st_size == len(CONTENT)
    (ticket,) = house.tickets()
    assert house.content(ticket) == CONTENT
    assert ticket["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert (ticket["partner"], ticket["name"], ticket["outcome"], ticket["bytes"]) == (
        "techem", "incoming/readings.csv", "finished", len(CONTENT),
    )  # fmt: skip
    assert ticket["key"].startswith("SHA256:")
    assert ticket["address"] == "127.0.0.1"
    assert "paramiko" in ticket["client"]
    assert house.staging() == []


def test_the_ticket_is_there_when_close_is_answered(house: House) -> None:
    with house.sftp() as sftp:
        handle = sftp.open("/incoming/a.csv", "wb")
        handle.write(b"1;2;3\n")
        assert house.tickets() == []
        handle.close()
        assert len(house.tickets()) == 1


def test_the_file_stays_listed_with_size_and_the_time_the_client_sets(house: House) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(CONTENT), "/incoming/readings.csv")
        sftp.utime("/incoming/readings.csv", (1_700_000_000, 1_700_000_000))
        sftp.chmod("/incoming/readings.csv", 0o4777)
        (listed,) = sftp.listdir_attr("/incoming")
    assert (listed.filename, listed.st_size, listed.st_mtime) == ("readings.csv", len(CONTENT), 1_700_000_000)
    assert listed.st_mode is not None
    assert stat.S_IMODE(listed.st_mode) == 0o640


def test_uploads_into_the_root_are_taken(house: House) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(b"1;2\n"), "/readings.csv")
    assert [ticket["name"] for ticket in house.tickets()] == ["readings.csv"]


def test_an_empty_file_is_handed_over_as_such(house: House) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(b""), "/incoming/empty.csv")
    (ticket,) = house.tickets()
    assert ticket["bytes"] == 0
    assert house.content(ticket) == b""


def test_overwriting_hands_over_again_and_leaves_the_first_bytes_alone(house: House) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(b"first, and longer\n"), "/incoming/a.csv")
        sftp.putfo(io.BytesIO(b"second\n"), "/incoming/a.csv")
        with sftp.open("/incoming/a.csv") as visible:
            assert visible.read() == b"second\n"
    first, second = house.tickets()
    assert (house.content(first), house.content(second)) == (b"first, and longer\n", b"second\n")


def test_appending_to_a_finished_file_works_on_a_copy(house: House) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(b"one\n"), "/incoming/a.csv")
        with sftp.open("/incoming/a.csv", "ab") as handle:
            handle.write(b"two\n")
    first, second = house.tickets()
    assert (house.content(first), house.content(second)) == (b"one\n", b"one\ntwo\n")


def test_patching_a_finished_file_in_place_works_on_a_copy(house: House) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(b"aaaa;bbbb\n"), "/incoming/a.csv")
        with sftp.open("/incoming/a.csv", "r+b") as handle:
            handle.write(b"XX")
    first, second = house.tickets()
    assert (house.content(first), house.content(second)) == (b"aaaa;bbbb\n", b"XXaa;bbbb\n")


def test_opening_a_finished_file_and_closing_it_again_hands_nothing_over(house: House) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(b"one\n"), "/incoming/a.csv")
        sftp.open("/incoming/a.csv", "r+b").close()
        assert sftp.stat("/incoming/a.csv").st_size == 4
    assert len(house.tickets()) == 1


@pytest.mark.parametrize(
    "temporary", ["a.csv.part", "a.csv.filepart", ".in.a.csv", "a.csv.TMP", ".4f2a.partial"]
)
@pytest.mark.parametrize("posix", [False, True])
def test_a_rename_from_a_temporary_name_hands_over_once(house: House, temporary: str, posix: bool) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(CONTENT), f"/incoming/{temporary}")
        assert house.tickets() == []
        assert sftp.listdir("/incoming") == [temporary]
        rename = sftp.posix_rename if posix else sftp.rename
        rename(f"/incoming/{temporary}", "/incoming/a.csv")
        assert sftp.listdir("/incoming") == ["a.csv"]
    (ticket,) = house.tickets()
    assert (ticket["name"], house.content(ticket)) == ("incoming/a.csv", CONTENT)
    assert house.staging() == []


def test_a_rename_between_final_names_hands_nothing_over_again(house: House) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(b"one\n"), "/incoming/a.csv")
        sftp.rename("/incoming/a.csv", "/incoming/b.csv")
        assert sftp.listdir("/incoming") == ["b.csv"]
    assert [ticket["name"] for ticket in house.tickets()] == ["incoming/a.csv"]


def test_a_rename_onto_an_existing_file_replaces_it(house: House) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(b"old\n"), "/incoming/a.csv")
        sftp.putfo(io.BytesIO(b"new\n"), "/incoming/a.csv.part")
        sftp.posix_rename("/incoming/a.csv.part", "/incoming/a.csv")
        with sftp.open("/incoming/a.csv") as visible:
            assert visible.read() == b"new\n"
    assert [house.content(ticket) for ticket in house.tickets()] == [b"old\n", b"new\n"]


def test_renaming_while_the_upload_is_open_hands_over_under_the_new_name(house: House) -> None:
    with house.sftp() as sftp:
        handle = sftp.open("/incoming/a.csv.part", "wb")
        handle.write(b"one\n")
        sftp.rename("/incoming/a.csv.part", "/incoming/a.csv")
        assert house.tickets() == []
        handle.close()
    assert [ticket["name"] for ticket in house.tickets()] == ["incoming/a.csv"]


def test_removing_takes_the_visible_name_and_not_what_was_handed_over(house: House) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(b"one\n"), "/incoming/a.csv")
        sftp.remove("/incoming/a.csv")
        assert sftp.listdir("/incoming") == []
    (ticket,) = house.tickets()
    assert house.content(ticket) == b"one\n"


def test_removing_while_the_upload_is_open_ends_the_upload(house: House) -> None:
    with house.sftp() as sftp:
        handle = sftp.open("/incoming/a.csv", "wb")
        handle.write(b"one\n")
        sftp.remove("/incoming/a.csv")
        handle.close()  # paramiko says nothing when CLOSE is refused
    assert [line["operation"] for line in house.audit("failed")] == ["close"]
    assert house.tickets() == []
    assert house.staging() == []


def test_folders_can_be_made_four_deep_and_removed(house: House) -> None:
    with house.sftp() as sftp:
        path = "/incoming"
        for name in ("2026", "11", "praha", "byt"):
            path = f"{path}/{name}"
            sftp.mkdir(path)
        sftp.putfo(io.BytesIO(b"1\n"), f"{path}/a.csv")
        with pytest.raises(PermissionError, match=r"4 deep"):
            sftp.mkdir(f"{path}/too-deep")
        with pytest.raises(OSError, match=r"not empty|empty"):
            sftp.rmdir(path)
        sftp.remove(f"{path}/a.csv")
        sftp.rmdir(path)
        assert sftp.listdir("/incoming/2026/11/praha") == []
    assert [ticket["name"] for ticket in house.tickets()] == ["incoming/2026/11/praha/byt/a.csv"]


def test_renaming_a_folder_takes_unfinished_uploads_along(house: House) -> None:
    with house.sftp() as sftp:
        sftp.mkdir("/incoming/new")
        handle = sftp.open("/incoming/new/a.csv", "wb")
        handle.write(b"one\n")
        sftp.rename("/incoming/new", "/incoming/2026")
        handle.close()
        assert sftp.listdir("/incoming/2026") == ["a.csv"]
    assert [ticket["name"] for ticket in house.tickets()] == ["incoming/2026/a.csv"]


def test_receipts_are_read_and_nothing_else(house: House) -> None:
    folder = house.home / "receipts" / "techem"
    folder.mkdir(parents=True)
    (folder / "a.csv.01J.result.json").write_text('{"receipt": 1}')
    with house.sftp() as sftp:
        assert sorted(sftp.listdir("/")) == ["incoming", "receipts"]
        assert sftp.listdir("/receipts") == ["a.csv.01J.result.json"]
        with sftp.open("/receipts/a.csv.01J.result.json") as receipt:
            assert receipt.read() == b'{"receipt": 1}'
        for change in (
            lambda: sftp.open("/receipts/mine.json", "wb"),
            lambda: sftp.open("/receipts/a.csv.01J.result.json", "r+b"),
            lambda: sftp.remove("/receipts/a.csv.01J.result.json"),
            lambda: sftp.rename("/receipts/a.csv.01J.result.json", "/incoming/a.json"),
            lambda: sftp.utime("/receipts/a.csv.01J.result.json", (1, 1)),
            lambda: sftp.mkdir("/receipts/folder"),
            lambda: sftp.rmdir("/receipts"),
        ):
            with pytest.raises(PermissionError):
                change()
    assert (folder / "a.csv.01J.result.json").read_text() == '{"receipt": 1}'


def test_receipts_are_listed_as_empty_before_the_first_one(house: House) -> None:
    with house.sftp() as sftp:
        assert sftp.listdir("/receipts") == []
        assert stat.S_ISDIR(sftp.stat("/receipts").st_mode or 0)


def test_partners_never_see_each_other(house: House) -> None:
    with house.sftp("techem") as techem:
        techem.putfo(io.BytesIO(b"secret\n"), "/incoming/a.csv")
    (house.home / "receipts" / "techem").mkdir(parents=True)
    (house.home / "receipts" / "techem" / "a.json").write_text("{}")
    with house.sftp("ista") as ista:
        assert ista.listdir("/incoming") == []
        assert ista.listdir("/receipts") == []
        for path in (
            "/../techem/files/incoming/a.csv",
            "/incoming/../../../techem",
            "/../.staging",
            "/.staging",
        ):
            with pytest.raises(OSError, match=r"names|no such place"):
                ista.stat(path)


def test_a_name_of_a_missing_folder_is_no_such_file(house: House) -> None:
    with house.sftp() as sftp, pytest.raises(FileNotFoundError):
        sftp.open("/incoming/missing/a.csv", "wb")


def test_links_cannot_be_made_or_read(house: House) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(b"one\n"), "/incoming/a.csv")
        with pytest.raises(OSError, match="links can be neither"):
            sftp.symlink("/etc/passwd", "/incoming/link")
        with pytest.raises(OSError, match="links can be neither"):
            sftp.readlink("/incoming/a.csv")
    assert sorted(entry.name for entry in house.visible("incoming").iterdir()) == ["a.csv"]


def test_a_file_can_be_read_back_by_its_partner(house: House, tmp_path: Path) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(CONTENT * 20), "/incoming/a.csv")
        sftp.get("/incoming/a.csv", str(tmp_path / "back.csv"))
    assert (tmp_path / "back.csv").read_bytes() == CONTENT * 20


def test_a_file_that_was_handed_over_is_not_given_again_by_renaming_it_to_and_fro(house: House) -> None:
    with house.sftp() as sftp:
        sftp.putfo(io.BytesIO(b"one\n"), "/incoming/a.csv")
        sftp.putfo(io.BytesIO(b"two\n"), "/incoming/b.part")
        sftp.posix_rename("/incoming/b.part", "/incoming/b.csv")
        for name in ("a", "b"):
            sftp.posix_rename(f"/incoming/{name}.csv", f"/incoming/{name}.tmp")
            sftp.posix_rename(f"/incoming/{name}.tmp", f"/incoming/{name}.csv")
    assert [ticket["name"] for ticket in house.tickets()] == ["incoming/a.csv", "incoming/b.csv"]


def test_every_rename_is_in_the_audit(house: House) -> None:
    with house.sftp() as sftp:
        sftp.mkdir("/incoming/old")
        sftp.posix_rename("/incoming/old", "/incoming/new")
        handle = sftp.open("/incoming/new/a.csv", "wb")
        sftp.posix_rename("/incoming/new/a.csv", "/incoming/new/b.csv")
        handle.close()
    assert [line["to"] for line in house.audit("folder.renamed")] == ["incoming/new"]
    assert [line["to"] for line in house.audit("file.renamed")] == ["incoming/new/b.csv"]
