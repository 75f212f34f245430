"""How is an object of a bucket read as Python's files are? Part by part, and not to its end if its bytes are others."""

import errno
import hashlib
from io import RawIOBase
from typing import TYPE_CHECKING

from meterdrop.receive.bucket import Bucket

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class BucketReading(RawIOBase):
    """Reads from the start. The last part is given only when all bytes have the hash: OSError (EBADMSG) otherwise.

    No connection is held between parts, however long their reader takes. FileNotFoundError at once if there is no such
    object, `TryAgain` as the bucket does.
    """

    def __init__(self, bucket: Bucket, name: str, *, sha256: str) -> None:
        self._bucket = bucket
        self._name = name
        self._sha256 = sha256
        self._hashed = hashlib.sha256()
        self._given = 0
        self._fetched = 0
        self._part = b""
        self._size = 0
        known = bucket.remembered(name)
        if known is None:
            self._fetch()
        else:
            self._part, self._size, self._fetched = known, len(known), len(known)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fills what there is room for, up to the end of a part; 0 at the end."""
        if self._given == len(self._part) and self._fetched < self._size:
            self._fetch()
        room = memoryview(buffer).cast("B")
        told = memoryview(self._part)[self._given : self._given + len(room)]
        room[: len(told)] = told
        self._given += len(told)
        return len(told)

    def _fetch(self) -> None:
        self._part, self._given = b"", 0  # before the next one comes: there is only one in memory
        self._part, self._size = self._bucket.part(self._name, start=self._fetched)
        self._fetched += len(self._part)
        self._hashed.update(self._part)
        if self._fetched >= self._size:
            self._check()

    def _check(self) -> None:
        if self._hashed.hexdigest() != self._sha256:
            told = "the bytes of an original are not those that were kept"
            raise OSError(errno.EBADMSG, told, str(self._bucket.place))
        if self._fetched == len(self._part):
            self._bucket.remember(self._name, self._part)
