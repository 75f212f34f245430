"""Which uploads looked interrupted, and are believed when they end so once more?"""

from sftp_server.refusals import CannotTake
from sftp_server.uploads.openings import Upload

_NAMES = 100
"""So many uploads of a partner may look interrupted before the first of them is sent again."""


class Doubts:
    """Where the uploads of one partner ended that its client may have closed because of Ctrl-C; the oldest are forgotten."""

    def __init__(self) -> None:
        self._ends: dict[str, int] = {}

    def check(self, upload: Upload) -> None:
        """Raise `CannotTake` if it looks interrupted, unless one of its name ended there before."""
        name, end = upload.part.name, upload.part.final_size
        if not upload.may_be_interrupted or self._ends.get(name) == end:
            return
        self._ends[name] = end
        if len(self._ends) > _NAMES:
            del self._ends[next(iter(self._ends))]
        raise CannotTake("the file ends where an interrupted one would: `reput` it, or put it once more")
