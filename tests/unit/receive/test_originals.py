"""What is kept comes back byte for byte, and only a scratch file of our own is gone afterwards."""

import errno
from pathlib import Path

import pytest

from meterdrop.receive.originals import Originals

SHA256 = "ab" * 32
SEVERAL_PARTS = bytes(range(256)) * 80_000
"""More than one part of 8 MiB."""


@pytest.fixture
def originals(tmp_path: Path) -> Originals:
    return Originals(where=tmp_path / "originals")


@pytest.fixture
def content(tmp_path: Path) -> Path:
    return tmp_path / "content"


@pytest.mark.parametrize("told", [b"", b"x", SEVERAL_PARTS])
def test_bytes_come_back_in_every_way(told: bytes, originals: Originals, content: Path) -> None:
    content.write_bytes(told)
    originals.keep(content=content, sha256=SHA256)
    assert content.read_bytes() == told, "it is the caller's file"
    with originals.open(SHA256) as stream:
        assert stream.read() == told
    assert b"".join(originals.chunks(SHA256)) == told


def test_kept_twice_is_kept_once(originals: Originals, content: Path, tmp_path: Path) -> None:
    for _ in range(2):
        content.write_bytes(b"x")
        originals.keep(content=content, sha256=SHA256)
        originals.take(content=content, sha256=SHA256)
    assert [path.name for path in (tmp_path / "originals").rglob("*") if path.is_file()] == [SHA256]


def test_file_that_is_taken_is_gone(originals: Originals, content: Path) -> None:
    content.write_bytes(b"x")
    originals.take(content=content, sha256=SHA256)
    assert not content.exists()
    assert b"".join(originals.chunks(SHA256)) == b"x"


def test_file_on_another_disk_is_copied(
    originals: Originals, content: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_from: Path, _to: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    content.write_bytes(b"x")
    monkeypatch.setattr(Path, "rename", refuse)
    originals.take(content=content, sha256=SHA256)
    assert not content.exists()
    assert b"".join(originals.chunks(SHA256)) == b"x"


def test_disk_that_fails_is_told(
    originals: Originals, content: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_from: Path, _to: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    content.write_bytes(b"x")
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="Input/output"):
        originals.take(content=content, sha256=SHA256)
