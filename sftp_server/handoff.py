"""How does an upload leave the door? As landing/<upload>/ with ticket.json, by one atomic rename."""

import json
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sftp_server.audit import timestamp
from sftp_server.crash import CrashPoints

FINISHED = "finished"
INCOMPLETE = "incomplete"


@dataclass(frozen=True)
class Ticket:
    """What the pipeline is told about an upload; `name` is as the partner sees it, without a leading slash."""

    upload: str
    partner: str
    name: str
    outcome: str
    bytes: int
    sha256: str
    opened_at: datetime
    finished_at: datetime
    key: str | None
    address: str | None
    client: str | None

    def as_json(self) -> str:
        """The text of ticket.json."""
        facts = {
            "ticket": 1,
            **vars(self),
            "opened_at": timestamp(self.opened_at),
            "finished_at": timestamp(self.finished_at),
        }
        return json.dumps(facts)


HANDED_FOLDER_MODE = 0o770
"""The pipeline, under a user of its own but of the same group, empties and removes the folder."""


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(file: Path, text: str) -> None:
    """A small new file that outlives a power cut."""
    with file.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def hand_over(*, landing: Path, ticket: Ticket, content: Path | None, crash: CrashPoints) -> None:
    """Put the upload on the pipeline's doorstep; doing it twice is harmless.

    `content` (already synced, on the same filesystem) is linked, not moved: the partner goes on seeing its file.
    """
    final = landing / ticket.upload
    if final.exists():
        return
    half_made = landing / f".{ticket.upload}.tmp"
    if half_made.exists():
        shutil.rmtree(half_made)
    half_made.mkdir(mode=0o700)
    half_made.chmod(HANDED_FOLDER_MODE)
    if content is not None:
        os.link(content, half_made / "content", follow_symlinks=False)
    write_synced(half_made / "ticket.json", ticket.as_json())
    sync_folder(half_made)
    crash.reached("door:linked")
    half_made.rename(final)
    sync_folder(landing)
    crash.reached("door:handed")


def clear_half_made(landing: Path) -> None:
    """Remove what a killed door left in landing before its rename."""
    for folder in landing.glob(".*.tmp"):
        shutil.rmtree(folder)
