"""Does a part know what came, what is missing, and how much of it can be trusted after a restart?"""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sftp_server.refusals import CannotTake
from sftp_server.ulid import new_ulid
from sftp_server.uploads.journal import load_journal
from sftp_server.uploads.staging import HELD_BACK, MAX_PIECES, Part, Sender, new_part

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

SENDER = Sender(key=None, address=None, client=None)


def begin(folder: Path) -> Part:
    """A part open for writing."""
    part = new_part(
        staging=folder, partner="techem", name="incoming/a.csv", upload=new_ulid(milliseconds=1), now=NOW,
        sender=SENDER,
    )  # fmt: skip
    part.open_for(object(), sender=SENDER)
    return part


def test_a_part_keeps_its_bytes_before_the_first_hole_when_its_writer_is_lost(tmp_path: Path) -> None:
    part = begin(tmp_path)
    part.write(0, b"abcd")
    part.write(8, b"ijkl")
    part.rest(now=NOW)
    assert part.size == 0
    assert part.file.read_bytes() == b"abcd"
    journal = load_journal(next(tmp_path.glob("*.json")))
    assert (journal.bytes, journal.rested_at, journal.name) == (4, NOW, "incoming/a.csv")


def test_a_part_gone_on_with_counts_its_last_bytes_again_when_they_come_again(tmp_path: Path) -> None:
    part = begin(tmp_path)
    content = bytes(range(200))
    part.write(0, content[:100])
    part.rest(now=NOW)
    assert part.size == 100 - HELD_BACK
    part.open_for(object(), sender=SENDER)
    with pytest.raises(CannotTake, match="64 of 100 bytes are missing"):
        part.check_whole()
    with pytest.raises(CannotTake, match="not the file that was begun"):
        part.write(40, content[41:150])
    for start in range(36, 120, 10):
        part.write(start, content[start : start + 10])
    part.write(126, content[126:])
    part.check_whole()
    assert part.file.read_bytes() == content


@pytest.mark.parametrize(("offset", "place"), [(0, 36), (35, 36), (36, 36), (50, 50), (100, 100), (101, 36)])
def test_appended_bytes_go_behind_what_is_shown_or_where_the_client_knows_better(
    tmp_path: Path, offset: int, place: int
) -> None:
    part = begin(tmp_path)
    part.write(0, bytes(100))
    part.rest(now=NOW)
    part.open_for(object(), sender=SENDER)
    assert part.place_to_append(offset) == place


def test_a_failed_write_must_be_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = begin(tmp_path)
    part.write(0, b"abcd")

    def full(descriptor: int, content: bytes, offset: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space"):
        part.write(4, b"efgh")
    monkeypatch.undo()
    with pytest.raises(CannotTake, match="4 of 8 bytes are missing"):
        part.check_whole()
    part.write(4, b"efgh")
    part.check_whole()


def test_a_short_write_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = begin(tmp_path)
    true_pwrite = os.pwrite
    monkeypatch.setattr(
        os, "pwrite", lambda descriptor, content, offset: true_pwrite(descriptor, content[:3], offset)
    )
    part.write(0, b"abcdefgh")
    monkeypatch.undo()
    assert part.file.read_bytes() == b"abcdefgh"


def test_thousands_of_holes_are_refused(tmp_path: Path) -> None:
    part = begin(tmp_path)
    for number in range(MAX_PIECES):
        part.write(number * 2, b"x")
    with pytest.raises(CannotTake, match="holes"):
        part.write(MAX_PIECES * 2, b"x")


@settings(max_examples=80, deadline=None)
@given(
    base=st.binary(max_size=20),
    writes=st.lists(st.tuples(st.integers(0, 30), st.binary(min_size=1, max_size=8)), max_size=6),
    cut=st.one_of(st.none(), st.integers(0, 30)),
)
def test_changing_a_finished_file_gives_what_a_plain_file_would(
    tmp_path_factory: pytest.TempPathFactory, base: bytes, writes: list[tuple[int, bytes]], cut: int | None
) -> None:
    folder = tmp_path_factory.mktemp("staging")
    (folder / "base").write_bytes(base)
    expected = bytearray(base)
    covered = set(range(len(base)))
    part = begin(folder)
    part.take_base(os.open(folder / "base", os.O_RDONLY))
    for offset, content in writes:
        part.write(offset, content)
        expected.extend(bytes(max(0, offset + len(content) - len(expected))))
        expected[offset : offset + len(content)] = content
        covered |= set(range(offset, offset + len(content)))
    if cut is not None:
        part.set_size(cut)
        del expected[cut:]
        expected.extend(bytes(max(0, cut - len(expected))))
    part.fill_from_base()
    if covered >= set(range(len(expected))):
        part.check_whole()
        assert part.file.read_bytes() == bytes(expected)
    else:
        with pytest.raises(CannotTake):
            part.check_whole()
    part.remove()
