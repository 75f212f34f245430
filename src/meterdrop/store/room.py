"""Is there room on the disk for what is to be written? Asked before, so that the disk never runs full."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from meterdrop.model.delivery import LineCounts
from meterdrop.model.errors import NoRoom

_MB: Final = 1024 * 1024

_ROW: Final = 200
"""Bytes that a stored row takes: in the database, and for a while in its log."""
_ASIDE: Final = 300
"""The same of a line set aside, without the line's own text."""
_FINDING: Final = 300
"""The same of a finding, with its words in the rejects file, once as an original and once as a receipt."""
_COPIES: Final = 4
"""So often is the text of a line set aside there for a while: quarantine, its log, original and receipt."""


@dataclass(frozen=True)
class Room:
    """The disks that all is written to; `floor` bytes of each stay free for the door and for the person who makes room."""

    folders: Sequence[Path]
    floor: int

    def check(self, *, needed: int = 0) -> None:
        """`NoRoom` if a disk has not so many bytes above the floor."""
        for folder in self.folders:
            free = shutil.disk_usage(folder).free
            if free < needed + self.floor:
                raise NoRoom(
                    f"the disk of {folder} has {free // _MB} MB free; {_why(needed)}{self.floor // _MB} MB stay free "
                    "(free_disk_mb): make room, and what waits is loaded by itself",
                    needed=needed,
                )


def _why(needed: int) -> str:
    return f"some {needed // _MB + 1} MB are needed now, and " if needed else ""


def needed_for(lines: LineCounts, *, findings: int, size: int) -> int:
    """About how many bytes storing a file of this size will take at most, once it is known what is in it."""
    aside = lines.quarantined
    text = size * _COPIES * aside // max(1, lines.data())
    return lines.accepted * _ROW + aside * _ASIDE + findings * _FINDING + text


def needed_to_judge(size: int) -> int:
    """How many bytes a file of this size takes while it is judged, if nothing is wrong with it."""
    return 5 * size
