"""Where are the bytes as they came? Content-addressed, never changed, behind an obstore URL."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

_BLOCK: Final = 4 * 1024 * 1024


class Originals:
    """A store of blobs by their sha256: a folder by default, `s3://…` where workers are on several machines."""

    def __init__(self, *, where: Path | str) -> None:
        self._folder = where if isinstance(where, Path) else None
        self._store: ObjectStore = (
            LocalStore(prefix=where, mkdir=True) if isinstance(where, Path) else from_url(where)
        )

    def keep(self, *, content: Path, sha256: str) -> None:
        """Keeps the file's bytes under their hash; they are on disk when this returns. Safe to repeat."""
        name = _name(sha256)
        with content.open("rb") as stream:
            obstore.put(self._store, name, stream, use_multipart=self._folder is None)
        if self._folder is not None:
            _sync(self._folder / name)

    def open(self, sha256: str) -> BinaryIO:
        """The bytes as a stream to read from its start."""
        if self._folder is not None:
            return (self._folder / _name(sha256)).open("rb")
        # obstore's reader is a buffered binary reader in all but its declared type.
        return cast(BinaryIO, obstore.open_reader(self._store, _name(sha256)))

    def chunks(self, sha256: str) -> Iterator[bytes]:
        """The bytes in blocks."""
        with self.open(sha256) as stream:
            while block := stream.read(_BLOCK):
                yield bytes(block)

    def forget_all(self) -> None:
        """Removes a folder of originals that was only for a try."""
        if self._folder is not None:
            shutil.rmtree(self._folder.parent, ignore_errors=True)


def _name(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _sync(path: Path) -> None:
    for place in (path, path.parent, path.parent.parent):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
