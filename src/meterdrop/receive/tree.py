"""What lies in a folder that others write to? Every step below an opened folder, and no link followed, ever."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from meterdrop.model.watched import LeftOut
from meterdrop.receive.still import FileState, Seen

MOST_FOLDERS: Final = 4
"""Folders inside the one that is watched, one in another."""

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_FOLDER_MODE: Final = 0o750


@contextmanager
def open_folder(base: Path, *steps: str, make: bool = False) -> Iterator[int]:
    """A descriptor of the folder below `base`, which is ours and trusted; `NotADirectoryError` for a link in the way.

    With `make`, the last step is made if it is missing.
    """
    here = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for step in steps:
            if make and step == steps[-1]:
                with suppress(FileExistsError):
                    os.mkdir(step, _FOLDER_MODE, dir_fd=here)
            below = os.open(step, _FOLDER, dir_fd=here)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)


@contextmanager
def open_file(base: Path, *steps: str) -> Iterator[int]:
    """A descriptor of a plain file below `base`; `OSError` for anything else, without waiting for a pipe's other end."""
    with open_folder(base, *steps[:-1]) as folder:
        descriptor = os.open(steps[-1], _FILE, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise IsADirectoryError(steps[-1])
        yield descriptor
    finally:
        os.close(descriptor)


def files_in(folder: int, *, most: int) -> Iterator[tuple[str, int]]:
    """Name and owner of each plain file in this very folder, hidden ones left out; not more than `most` names are met."""
    with os.scandir(folder) as entries:
        for entry in islice(entries, most):
            with suppress(FileNotFoundError):
                if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                    yield entry.name, entry.stat(follow_symlinks=False).st_uid


@dataclass
class Walk:
    """One look through a folder; not more than `most` names of it, hidden ones among them."""

    most: int
    met: int = 0
    cut: bool = False
    unread: bool = False
    """Whether there was a folder that may not be read: what is in it is not gone for that."""

    def through(
        self, folder: int, *, above: str = "", without: frozenset[str] = frozenset()
    ) -> Iterator[Seen | LeftOut]:
        """Plain files, and what is neither that nor a folder. `above` is the path so far, with its last slash."""
        with os.scandir(folder) as entries:
            for entry in entries:
                self.met += 1
                if self.met > self.most:
                    self.cut = True
                    return
                if entry.name.startswith(".") or entry.name in without:
                    continue
                with suppress(FileNotFoundError):  # gone between listing and looking
                    yield from self._one(entry, folder=folder, path=above + entry.name)

    def _one(self, entry: "os.DirEntry[str]", *, folder: int, path: str) -> Iterator[Seen | LeftOut]:
        if entry.is_dir(follow_symlinks=False):
            yield from self._below(entry.name, folder=folder, path=path)
        elif not entry.is_file(follow_symlinks=False):
            yield LeftOut(path, "a link" if entry.is_symlink() else "no plain file")
        else:
            status = entry.stat(follow_symlinks=False)
            if status.st_nlink > 1:
                yield LeftOut(path, "a file with a second name (hard link)")
            else:
                yield Seen(path, FileState.of(status))

    def _below(self, name: str, *, folder: int, path: str) -> Iterator[Seen | LeftOut]:
        if path.count("/") > MOST_FOLDERS:
            yield LeftOut(path, f"folders go {MOST_FOLDERS} deep")
            return
        try:
            below = os.open(name, _FOLDER, dir_fd=folder)
        except PermissionError:
            self.unread = True
            yield LeftOut(path, "a folder that may not be read")
            return
        except NotADirectoryError:
            yield LeftOut(path, "a link")
            return
        try:
            yield from self.through(below, above=f"{path}/")
        finally:
            os.close(below)
