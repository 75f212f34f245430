"""Where is this on disk? Every step below an opened folder, and no link followed, ever."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sftp_server.files.names import RECEIPTS, VirtualPath, check_name
from sftp_server.refusals import Refused

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
FOLDER_MODE = 0o750


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder as it lies on disk; links and devices are never entries."""

    name: str
    size: int
    mtime: float
    atime: float
    is_folder: bool

    @classmethod
    def of(cls, name: str, status: os.stat_result) -> "Entry":
        """From what `lstat` says; anything but a plain file or folder is refused."""
        is_folder = stat.S_ISDIR(status.st_mode)
        if not is_folder and not stat.S_ISREG(status.st_mode):
            raise Refused("not a plain file or folder")
        return cls(name, status.st_size, status.st_mtime, status.st_atime, is_folder)


def _step(name: str, below: int) -> int:
    """Open the folder `name` below an opened one; a link in its place is refused."""
    try:
        return os.open(name, _FOLDER, dir_fd=below)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(name, dir_fd=below, follow_symlinks=False).st_mode):
            raise Refused("links are not followed") from None
        raise
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Refused("links are not followed") from None
        raise


@contextmanager
def open_folder(base: Path, steps: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
    """The folder below `base`, step by step; `base` itself is ours and trusted. With `make`, made if missing."""
    here = os.open(base, _FOLDER)
    try:
        for name in steps:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, FOLDER_MODE, dir_fd=here)
            below = _step(name, here)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)


class Jail:
    """One partner's two trees: its own files, and its receipts (read only)."""

    def __init__(self, *, home: Path, partner: str) -> None:
        self._home = home
        self.partner = partner

    @contextmanager
    def folder(self, path: VirtualPath, *, make: bool = False) -> Iterator[int]:
        """An opened folder of the partner; missing parts are made only with `make`."""
        if path.in_receipts:
            with open_folder(self._home / RECEIPTS, (self.partner, *path.parts[1:])) as opened:
                yield opened
        else:
            steps = (self.partner, "files", *path.parts)
            with open_folder(self._home / "partners", steps, make=make) as opened:
                yield opened

    def entry(self, path: VirtualPath) -> Entry:
        """What lies there; `FileNotFoundError` if nothing does."""
        if path.is_fixed:
            with self.folder(path) as opened:
                return Entry.of(path.name, os.fstat(opened))
        with self.folder(path.parent) as opened:
            return Entry.of(path.name, os.stat(path.name, dir_fd=opened, follow_symlinks=False))

    def find(self, path: VirtualPath) -> Entry | None:
        """What lies there, or None."""
        try:
            return self.entry(path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open_file(self, path: VirtualPath) -> int:
        """A descriptor to read a plain file; links, devices and pipes are refused."""
        with self.folder(path.parent) as opened:
            try:
                descriptor = os.open(path.name, _FILE, dir_fd=opened)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENXIO):
                    raise Refused("not a plain file") from None
                raise
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Refused("not a plain file")
        return descriptor

    def listing(self, path: VirtualPath) -> list[Entry]:
        """The files and folders in a folder, as one snapshot; what a partner could not name is left out."""
        found = []
        with self.folder(path) as opened, os.scandir(opened) as entries:
            for entry in entries:
                try:
                    check_name(entry.name)
                    found.append(Entry.of(entry.name, entry.stat(follow_symlinks=False)))
                except (Refused, FileNotFoundError):
                    continue
        return sorted(found, key=lambda entry: entry.name)

    def status(self, path: VirtualPath) -> os.stat_result:
        """All that is known of what lies there; `FileNotFoundError` if nothing does."""
        with self.folder(path.parent) as opened:
            return os.stat(path.name, dir_fd=opened, follow_symlinks=False)

    def walk(self, below: VirtualPath) -> Iterator[tuple[VirtualPath, os.stat_result]]:
        """Every file and folder there is below; links and devices are none, and what vanishes meanwhile is left out."""
        try:
            with self.folder(below) as opened, os.scandir(opened) as entries:
                found = [
                    (VirtualPath((*below.parts, one.name)), one.stat(follow_symlinks=False))
                    for one in entries
                ]
        except FileNotFoundError:
            return
        for path, status in found:
            if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
                yield path, status
            if stat.S_ISDIR(status.st_mode):
                yield from self.walk(path)

    def make_folder(self, path: VirtualPath) -> None:
        """Make one folder; its parent must be there."""
        with self.folder(path.parent) as opened:
            os.mkdir(path.name, FOLDER_MODE, dir_fd=opened)

    def remove_folder(self, path: VirtualPath) -> None:
        """Remove one empty folder."""
        with self.folder(path.parent) as opened:
            os.rmdir(path.name, dir_fd=opened)

    def remove_file(self, path: VirtualPath) -> None:
        """Take one visible name away."""
        with self.folder(path.parent) as opened:
            os.unlink(path.name, dir_fd=opened)

    def move(self, old: VirtualPath, new: VirtualPath) -> None:
        """Rename within the partner's files."""
        with self.folder(old.parent) as source, self.folder(new.parent) as target:
            os.rename(old.name, new.name, src_dir_fd=source, dst_dir_fd=target)

    def set_times(self, path: VirtualPath, times: tuple[float, float]) -> None:
        """Access and modification time of a visible file or folder."""
        with self.folder(path.parent) as opened:
            os.utime(path.name, times, dir_fd=opened, follow_symlinks=False)
