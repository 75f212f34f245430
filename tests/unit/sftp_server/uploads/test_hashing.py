"""Is a hash that was taken while the file grew the one of what lies there in the end?"""

import asyncio
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftp_server.refusals import CannotTake
from sftp_server.ulid import new_ulid
from sftp_server.uploads.hashing import RunningHash
from sftp_server.uploads.staging import CHECKPOINT_BYTES, Sender, new_part

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SENDER = Sender(key=None, address=None, client=None)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(0, 30), st.binary(min_size=1, max_size=20)),
            st.tuples(st.just("cut"), st.integers(0, 40), st.none()),
            st.tuples(st.just("hash"), st.integers(0, 50), st.none()),
        ),
        max_size=12,
    )
)
def test_whatever_was_written_twice_or_cut_the_hash_is_of_what_lies_there(
    steps: list[tuple[str, int, bytes | None]],
) -> None:
    descriptor = os.memfd_create("part")
    try:
        running = RunningHash()
        for step, place, content in steps:
            if step == "hash":
                running.reserve(min(place, os.fstat(descriptor).st_size))
                running.go_on(descriptor)
                continue
            running.changed_from(place)
            if content is None:
                os.ftruncate(descriptor, place)
            else:
                os.pwrite(descriptor, content, place)
        there = os.pread(descriptor, 100, 0)
        assert running.finish(descriptor) == (sha256(there), len(there))
    finally:
        os.close(descriptor)


def test_what_was_hashed_on_the_way_is_not_read_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "part"
    file.write_bytes(b"a" * 1000)
    descriptor = os.open(file, os.O_RDONLY)
    running = RunningHash()
    running.reserve(900)
    running.go_on(descriptor)
    read: list[int] = []
    pread = os.pread

    def noted(fd: int, size: int, at: int) -> bytes:
        read.append(size)
        return pread(fd, size, at)

    monkeypatch.setattr(os, "pread", noted)
    assert running.finish(descriptor) == (sha256(b"a" * 1000), 1000)
    os.close(descriptor)
    assert read == [100]


def test_what_the_disk_refused_at_a_checkpoint_has_not_come(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The kernel tells of such an error once; a later fsync would say that all is well."""

    def refuse(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    async def story() -> None:
        part = new_part(
            staging=tmp_path, partner="techem", name="incoming/a.csv", upload=new_ulid(milliseconds=1), now=NOW,
            sender=SENDER,
        )  # fmt: skip
        part.open_for(object(), sender=SENDER)
        monkeypatch.setattr(os, "fdatasync", refuse)
        part.write(0, bytes(CHECKPOINT_BYTES))
        part.checkpoint_if_due()
        await part.settle()
        part.write(CHECKPOINT_BYTES, b"the end")
        with pytest.raises(
            CannotTake, match=f"{CHECKPOINT_BYTES} of {CHECKPOINT_BYTES + 7} bytes are missing"
        ):
            part.make_whole()
        part.release()

    asyncio.run(story())
    assert "part.not-synced" in capsys.readouterr().err
