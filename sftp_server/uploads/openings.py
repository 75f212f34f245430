"""How is a file opened for writing, and what did whoever opened it do so far?"""

from dataclasses import dataclass

from sftp_server.files.names import is_temporary, path_of
from sftp_server.refusals import CannotTake
from sftp_server.uploads.staging import Part


@dataclass(frozen=True)
class OpenWish:
    """How the client wants to open a file for writing (the flags of SSH_FXP_OPEN)."""

    append: bool = False
    create: bool = True
    truncate: bool = False
    exclusive: bool = False
    block: int | None = None
    """How much a client sends at once that, when interrupted, closes the file as if it were whole; None for all others."""
    announces: bool = False
    """Whether it is a client that tells the size before each CLOSE, but not when it was interrupted."""


class Upload:
    """A handle open for writing. It may write only as long as nobody else has opened the same name."""

    def __init__(self, *, part: Part, wish: OpenWish, created: bool) -> None:
        self.part = part
        self.append = wish.append
        self._block = wish.block
        self._announces = wish.announces
        self._writes = 0
        self._first_write = 0
        self._last_write = 0
        self.created = created
        """Whether this handle made the part; else it goes on with an earlier one."""
        self.touched = False

    def is_fenced(self) -> bool:
        """Whether another handle took over."""
        return self.part.writer is not self

    def is_changed_by(self, size: int) -> bool:
        """Whether an announced size says anything new: lftp repeats the size it was shown when it has nothing to send."""
        if self.part.base is not None:
            return size != self.part.size
        return self.created or size < max(self.part.size, 1)

    def check_went_on(self) -> None:
        """Who opens a part and sends nothing does not say by CLOSE that it is whole: half the clients do just that."""
        if not self.created and not self.touched:
            raise CannotTake(
                "nothing was sent: the file is as unfinished as before; send its rest, or all of it"
            )

    def count_write(self, length: int) -> None:
        """One WRITE of so many bytes."""
        self._writes += 1
        self._last_write = length
        if self._writes == 1:
            self._first_write = length

    @property
    def may_be_interrupted(self) -> bool:
        """Whether it ends where an interrupted one would, and only one whole file in very many: behind a full block.

        All its blocks are as long as the first but the last; how long, the user may have said (`sftp -B`).
        """
        if self._announces:
            return self.part.declared is None and not is_temporary(path_of(self.part.name))
        if self._block is None or not self._writes:
            return False
        return self._last_write == (self._first_write if self._writes > 1 else self._block)

    @property
    def changed_nothing(self) -> bool:
        """Whether a finished file was opened and nothing was done to it."""
        return self.created and not self.touched and self.part.base is not None
