"""Where are the bytes as they came? Content-addressed, never changed, in a folder or in a bucket."""

import errno
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final

import obstore
from obstore.store import LocalStore, ObjectStore

from meterdrop.receive.bucket import Bucket
from meterdrop.receive.bucket_reading import BucketReading
from meterdrop.receive.syncing import sync_together

_BLOCK: Final = 4 * 1024 * 1024
_PART: Final = 8 * 1024 * 1024
_PARTS_AT_ONCE: Final = 2


class Originals:
    """A store of blobs by their sha256: a folder, or a bucket where workers are on several machines.

    FileNotFoundError if a blob that is asked for is not there. A bucket's `TryAgain` may come of everything but `sync`.
    """

    def __init__(self, *, where: Path | Bucket) -> None:
        self._where = where
        self._store: ObjectStore = (
            LocalStore(prefix=where, mkdir=True) if isinstance(where, Path) else where.store
        )

    def keep(self, *, content: Path, sha256: str) -> None:
        """Keeps the file's bytes under their hash; they are on disk when this returns. Safe to repeat."""
        self.put(content=content, sha256=sha256)
        self.sync([sha256])

    def put(self, *, content: Path, sha256: str) -> None:
        """Keeps the file's bytes under their hash; on a disk of ours they are safe only after `sync`."""
        if isinstance(self._where, Bucket):
            self._where.put(_name(sha256), content=content, sha256=sha256)
            return
        with content.open("rb") as stream:
            # In parts, or the whole file would be held in memory.
            obstore.put(
                self._store,
                _name(sha256),
                stream,
                use_multipart=True,
                chunk_size=_PART,
                max_concurrency=_PARTS_AT_ONCE,
            )

    def put_all(self, contents: Mapping[str, Path]) -> None:
        """The same for several files by their hashes: a bucket takes small ones at the same time."""
        if isinstance(self._where, Bucket):
            self._where.put_all({_name(sha256): (content, sha256) for sha256, content in contents.items()})
            return
        for sha256, content in contents.items():
            self.put(content=content, sha256=sha256)

    def sync(self, hashes: Sequence[str]) -> None:
        """Brings what was put under these hashes to the disk, all of it at the same time."""
        if isinstance(self._where, Path):
            _sync(*(self._where / _name(sha256) for sha256 in hashes))

    def take(self, *, content: Path, sha256: str) -> None:
        """Keeps a scratch file of our own, which is gone then: moved where that can be done, else copied."""
        if isinstance(self._where, Bucket) or not _moved(content, into=self._where / _name(sha256)):
            self.keep(content=content, sha256=sha256)
            content.unlink()

    def open(self, sha256: str) -> BinaryIO:
        """The bytes as a stream to read from its start; those of a bucket are held against their hash."""
        if isinstance(self._where, Path):
            return (self._where / _name(sha256)).open("rb")
        return BufferedReader(BucketReading(self._where, _name(sha256), sha256=sha256), _BLOCK)

    def chunks(self, sha256: str) -> Iterator[bytes]:
        """The bytes in blocks."""
        with self.open(sha256) as stream:
            while block := stream.read(_BLOCK):
                yield bytes(block)

    def forget(self, sha256: str) -> None:
        """Erases what was kept under this hash; safe to repeat."""
        if isinstance(self._where, Bucket):
            self._where.forget(_name(sha256))
            return
        with suppress(FileNotFoundError):
            obstore.delete(self._store, _name(sha256))

    def forget_all(self) -> None:
        """Removes a folder of originals that was only for a try."""
        if isinstance(self._where, Path):
            shutil.rmtree(self._where.parent, ignore_errors=True)


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
