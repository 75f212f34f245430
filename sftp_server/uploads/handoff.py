"""How does an upload leave the door? As landing/<upload>/ with ticket.json, by one atomic rename."""

import json
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sftp_server.audit import timestamp
from sftp_server.crash import CrashPoints
from sftp_server.uploads.syncing import Syncer

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


def half_made_folder(landing: Path, upload: str) -> Path:
    """Where an upload is put together, out of the pipeline's sight."""
    return landing / f".{upload}.tmp"


def put_together(*, landing: Path, ticket: Ticket, content: Path | None, crash: CrashPoints) -> list[Path]:
    """Make all that the pipeline will find, but not yet for it to see; gives what must be synced before it may.

    `content` (on the same filesystem) is linked, not moved: the partner goes on seeing its file.
    """
    half_made = half_made_folder(landing, ticket.upload)
    if half_made.exists():
        shutil.rmtree(half_made)
    half_made.mkdir(mode=0o700)
    if content is not None:
        os.link(content, half_made / "content", follow_symlinks=False)
    written = half_made / "ticket.json"
    written.write_text(ticket.as_json(), "utf-8")
    # Last: it drops the set-group-ID that gives the ticket the group of both users.
    half_made.chmod(HANDED_FOLDER_MODE)
    crash.reached("door:linked")
    return [written, half_made]


def let_out(*, landing: Path, upload: str, crash: CrashPoints) -> None:
    """The one atomic step: put what was put together (and synced) on the pipeline's doorstep."""
    half_made_folder(landing, upload).rename(landing / upload)
    crash.reached("door:handed")


def hand_over(
    *, landing: Path, ticket: Ticket, content: Path | None, syncer: Syncer, crash: CrashPoints
) -> None:
    """Both, with a content that is synced already; doing it twice is harmless."""
    if (landing / ticket.upload).exists():
        return
    syncer.sync(*put_together(landing=landing, ticket=ticket, content=content, crash=crash))
    let_out(landing=landing, upload=ticket.upload, crash=crash)
    syncer.sync(landing)


def clear_half_made(landing: Path) -> None:
    """Remove what a killed door left in landing before its rename."""
    for folder in landing.glob(".*.tmp"):
        shutil.rmtree(folder)
