"""Where are the bytes as they came? Content-addressed, never changed, behind an obstore URL."""

import errno
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

from meterdrop.receive.syncing import sync_together

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BLOCK: Final = 4 * 1024 * 1024
_PART: Final = 8 * 1024 * 1024
_PARTS_AT_ONCE: Final = 2


class Originals:
    """A store of blobs by their sha256: a folder by default, `s3://…` where workers are on several machines."""

    def __init__(self, *, where: Path | str) -> None:
        self._folder = where if isinstance(where, Path) else None
        self._store: ObjectStore = (
            LocalStore(prefix=where, mkdir=True) if isinstance(where, Path) else from_url(where)
        )

    def keep(self, *, content: Path, sha256: str) -> None:
        """Keeps the file's bytes under their hash; they are on disk when this returns. Safe to repeat."""
        self.put(content=content, sha256=sha256)
        self.sync([sha256])

    def put(self, *, content: Path, sha256: str) -> None:
        """Keeps the file's bytes under their hash; on a disk of ours they are safe only after `sync`."""
        name = _name(sha256)
        with content.open("rb") as stream:
            # In parts, or the whole file would be held in memory.
            obstore.put(
                self._store,
                name,
                stream,
                use_multipart=True,
                chunk_size=_PART,
                max_concurrency=_PARTS_AT_ONCE,
            )

    def sync(self, hashes: Sequence[str]) -> None:
        """Brings what was put under these hashes to the disk, all of it at the same time."""
        if self._folder is not None:
            _sync(*(self._folder / _name(sha256) for sha256 in hashes))

    def take(self, *, content: Path, sha256: str) -> None:
        """Keeps a scratch file of our own, which is gone then: moved where that can be done, else copied."""
        if self._folder is None or not _moved(content, into=self._folder / _name(sha256)):
            self.keep(content=content, sha256=sha256)
            content.unlink()

    def open(self, sha256: str) -> BinaryIO:
        """The bytes as a stream to read from its start."""
        if self._folder is not None:
            return (self._folder / _name(sha256)).open("rb")
        return BufferedReader(_Remote(obstore.open_reader(self._store, _name(sha256))), _BLOCK)

    def chunks(self, sha256: str) -> Iterator[bytes]:
        """The bytes in blocks."""
        with self.open(sha256) as stream:
            while block := stream.read(_BLOCK):
                yield bytes(block)

    def forget(self, sha256: str) -> None:
        """Erases what was kept under this hash; safe to repeat."""
        with suppress(FileNotFoundError):
            obstore.delete(self._store, _name(sha256))

    def forget_all(self) -> None:
        """Removes a folder of originals that was only for a try."""
        if self._folder is not None:
            shutil.rmtree(self._folder.parent, ignore_errors=True)


class _Remote(RawIOBase):
    """obstore's reader as Python's files are: to be closed by `with`, read into a buffer."""

    def __init__(self, reader: "obstore.ReadableFile") -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        room = memoryview(buffer).cast("B")
        told = self._reader.read(len(room))
        room[: len(told)] = told
        return len(told)


def _name(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _moved(content: Path, *, into: Path) -> bool:
    """Whether the file could be moved: it can't to another disk."""
    into.parent.mkdir(parents=True, exist_ok=True)
    try:
        content.rename(into)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    _sync(into)
    return True


def _sync(*paths: Path) -> None:
    """Files, and the folders in which their names are new."""
    sync_together({place for path in paths for place in (path, path.parent, path.parent.parent)})
