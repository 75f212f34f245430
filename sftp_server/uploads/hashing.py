"""What is the sha256 of a file that is still growing? Taken while it grows, so that little is left to do at its end."""

import hashlib
import os

_BLOCK = 256 * 1024


class RunningHash:
    """The hash of what lies in a file, from its start as far as nothing was written twice; else all is read again.

    It reads the file back, as a hash at the end would; what came over the wire is not taken for what lies there.
    """

    def __init__(self) -> None:
        self._sha = hashlib.sha256()
        self._upto = 0
        self._reach = 0
        """How far was read, or is being read just now."""
        self._spoilt = False

    def changed_from(self, offset: int) -> None:
        """Something was, or is about to be, written or cut there."""
        if offset < self._reach:
            self._spoilt = True

    def reserve(self, upto: int) -> None:
        """Say, where writes are seen, how far the next `go_on` reads."""
        self._reach = max(self._reach, upto)

    def go_on(self, descriptor: int) -> None:
        """Read as far as was reserved; for a thread, one at a time."""
        if not self._spoilt:
            self._read(descriptor, self._reach)

    def finish(self, descriptor: int) -> tuple[str, int]:
        """sha256 (hex) and length of the whole file, which nobody changes any more; for a thread."""
        size = os.fstat(descriptor).st_size
        if self._spoilt or self._upto > size:
            self._sha, self._upto, self._spoilt = hashlib.sha256(), 0, False
        self._read(descriptor, size)
        return self._sha.hexdigest(), self._upto

    def _read(self, descriptor: int, end: int) -> None:
        while self._upto < end:
            block = os.pread(descriptor, min(_BLOCK, end - self._upto), self._upto)
            if not block:
                return
            self._sha.update(block)
            self._upto += len(block)
