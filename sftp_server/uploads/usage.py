"""How much of a partner's lies here, and how much may?"""

from dataclasses import dataclass

from sftp_server.refusals import CannotTake


@dataclass(frozen=True)
class Quota:
    """The most that may lie in a partner's folder; 0 is no limit. Folders and parts count as files."""

    bytes: int = 0
    files: int = 0


@dataclass(frozen=True)
class Change:
    """By how much something made a folder fuller, or emptier."""

    bytes: int = 0
    files: int = 0

    def __add__(self, other: "Change") -> "Change":
        """Both, one after the other."""
        return Change(bytes=self.bytes + other.bytes, files=self.files + other.files)


class Usage:
    """What lies in one partner's folder, kept in step by every act; nobody walks the folder to open a file."""

    def __init__(self, quota: Quota | None = None) -> None:
        self.quota = quota or Quota()
        self.bytes = 0
        self.files = 0
        self.changes = 0
        """How often it changed: who counts anew can tell whether something happened meanwhile."""

    def add(self, change: Change) -> None:
        """Something came or went."""
        self.bytes += change.bytes
        self.files += change.files
        self.changes += 1

    def set_right(self, counted: Change) -> None:
        """What there is, counted anew."""
        self.bytes, self.files = counted.bytes, counted.files

    def check_bytes(self, more: int) -> None:
        """Raise `CannotTake` if so many bytes more would be too many."""
        if 0 < self.quota.bytes < self.bytes + more:
            raise CannotTake(
                f"your folder is full: {self.bytes} of {self.quota.bytes} bytes are used; remove files you need no more"
            )

    def check_file(self) -> None:
        """Raise `CannotTake` if one file or folder more would be too many."""
        if 0 < self.quota.files < self.files + 1:
            raise CannotTake(
                f"your folder is full: it holds {self.files} files, and {self.quota.files} are allowed; remove some"
            )
