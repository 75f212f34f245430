"""Which folder does another SFTP server fill, and where do receipts of its partners go?"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from meterdrop.settings import Settings
from meterdrop.store.database import Database
from meterdrop.store.room import Room
from meterdrop.usecases import init
from meterdrop.usecases.checkpoint import Checkpoint
from meterdrop.usecases.send_receipts import ReceiptsFolder
from meterdrop.usecases.watch_told import receipts_steps

if TYPE_CHECKING:
    from meterdrop.usecases.watch import WatchFolders


def watch_folders(
    settings: Settings, *, database: Database, room: Room, at: Checkpoint, clock: Callable[[], datetime]
) -> "WatchFolders | None":
    """Takes what another SFTP server puts into partners' folders; None if there is no such server."""
    from meterdrop.usecases.watch import WatchFolders, WatchRules

    if settings.watch is None:
        return None
    return WatchFolders(
        database=database,
        folder=settings.watch,
        landing=settings.home / "landing",
        scratch=settings.home / "work" / "watched",
        rules=WatchRules(
            quiet_for=settings.watch_quiet_seconds,
            most_bytes=settings.watch_max_mb * 1024 * 1024,
            leases=settings.watch_leases,
            kept_for=timedelta(days=settings.watch_forget_days),
        ),
        room=room,
        clock=clock,
        passed=monotonic,
        at=at,
    )


def told_in(home: Path) -> Path:
    """Where the pipeline writes down what it saw in the watched folders, for `status`."""
    return home / "work" / "watched.json"


def receipts_folder(settings: Settings, partner: str) -> ReceiptsFolder:
    """The home's, or the partner's own in the watched folder where that is asked for."""
    if settings.watch is not None and settings.watch_receipts:
        steps = receipts_steps(settings.watch, partner)
        if steps is not None:
            return settings.watch, steps
    return settings.home / "receipts", (partner,)


def problems_of_watched(settings: Settings) -> list[str]:
    """Why the watched folder can't be one that another SFTP server fills; nothing if it can, or if none is named."""
    if settings.watch is None:
        return []
    folder = settings.watch.resolve()
    if not folder.is_dir():
        return [f"watch: {settings.watch} is no folder that can be looked into: make it, or name another"]
    ours = [settings.home / name for name in init.FOLDERS]
    if folder == settings.home.resolve() or any(folder.is_relative_to(one.resolve()) for one in ours):
        return [f"watch: {settings.watch} is the home's own folder: name one that another SFTP server fills"]
    return []
