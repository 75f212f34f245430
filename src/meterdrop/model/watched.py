"""What is known of a file in a watched folder, and of the folders as a whole?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Watched:
    """Where a delivery's bytes lay, as fingerprints. `state` is the path with all that tells one state of a file
    from another; `body` is what stays the same when the file is only renamed."""

    state: str
    body: str


@dataclass(frozen=True)
class LeftOut:
    """A name in a watched folder that is not taken, and why; written so that it can be shown."""

    path: str
    why: str


@dataclass(frozen=True)
class PartnerFolder:
    """How one partner's folder was at the last look."""

    files: int = 0
    waiting: int = 0
    open: int = 0
    """Of those that wait, how many somebody has open for writing."""
    waiting_since: datetime | None = None
    left_out: int = 0
    first_left_out: tuple[LeftOut, ...] = ()
    cut: bool = False
    """Whether there is more in it than is looked at."""
    hindered: str | None = None
    """Why no file at all could be taken at the last look, whatever is in it."""


@dataclass(frozen=True)
class WatchedFolders:
    """How the watched folders were when they were last looked at."""

    at: datetime
    folder: str
    partners: Mapping[str, PartnerFolder] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    """Folders that are no active partner's."""
