"""Is this file in a partner's folder the one we wrote? Only such a one is ever taken away, and no link is followed."""

import hashlib
import os
import stat
from contextlib import suppress
from typing import Final

_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def remove_ours(folder: int, name: str, *, sha256: str) -> bool:
    """Removes the plain file of this name and content from an opened folder; False if there is another one there.

    True as well if there is nothing of that name.
    """
    try:
        descriptor = os.open(name, _FILE, dir_fd=folder)
    except FileNotFoundError:
        return True
    except OSError:
        if stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise  # it may not be read, or the disk is ill
        return False
    try:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode) or _sha256(descriptor) != sha256:
            return False
        return _unlink(folder, name, seen=seen)
    finally:
        os.close(descriptor)


def _unlink(folder: int, name: str, *, seen: os.stat_result) -> bool:
    """The name, if it is that of the file we looked at still."""
    with suppress(FileNotFoundError):
        now = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if (now.st_dev, now.st_ino) != (seen.st_dev, seen.st_ino):
            return False
        os.unlink(name, dir_fd=folder)
    return True


def _sha256(descriptor: int) -> str:
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
