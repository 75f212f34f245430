"""What happens when a file is whole? Steps that only go forward, and can be taken again after any crash."""

import hashlib
import os
import stat
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sftp_server.crash import CrashPoints
from sftp_server.handoff import FINISHED, INCOMPLETE, Ticket, hand_over
from sftp_server.jail import Jail
from sftp_server.journal import FINISHING, GIVING_UP, WRITING, Journal, journal_file, part_file, save_journal
from sftp_server.names import VirtualPath, path_of
from sftp_server.staging import PART_MODE, digest
from sftp_server.ulid import new_ulid
from sftp_server.usage import Change

HANDED_MODE = 0o640
"""For the pipeline to read; also the mark, on the file itself, that it was handed over."""
TOLD_MODE = stat.S_ISVTX | PART_MODE
"""A whole file under a temporary name, of which its partner was told that it lacks its final one."""


def ticket_of(journal: Journal, *, outcome: str, sha256: str, finished_at: datetime) -> Ticket:
    """The ticket that belongs to a journal."""
    return Ticket(
        upload=journal.upload, partner=journal.partner, name=journal.name, outcome=outcome, bytes=journal.bytes,
        sha256=sha256, opened_at=journal.opened_at, finished_at=finished_at,
        key=journal.key, address=journal.address, client=journal.client,
    )  # fmt: skip


def _decided_ticket(journal: Journal) -> Ticket:
    """The ticket of a journal that decides something; such a one knows its hash and time."""
    if journal.sha256 is None or journal.finished_at is None:
        raise ValueError(f"the journal of {journal.upload} decides nothing")
    outcome = FINISHED if journal.state == FINISHING else INCOMPLETE
    return ticket_of(journal, outcome=outcome, sha256=journal.sha256, finished_at=journal.finished_at)


def _sync_with_mode(file: Path, mode: int | None) -> None:
    """Bring a file to the disk; its mode too, if one is given."""
    descriptor = os.open(file, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if mode is not None:
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Finisher:
    """Takes whole parts of one partner to landing and to their visible name. Works on disk only; no event loop."""

    def __init__(self, *, staging: Path, landing: Path, jail: Jail, crash: CrashPoints) -> None:
        self._staging = staging
        self._landing = landing
        self._jail = jail
        self._crash = crash

    def sync(self, file: Path) -> None:
        """Bring the bytes to the disk, not yet for the pipeline to read."""
        _sync_with_mode(file, PART_MODE)
        self._crash.reached("door:synced")

    def sync_and_digest(self, file: Path, *, hand_over: bool) -> tuple[str, int]:
        """Bring the bytes to the disk, then read what is there: sha256 and length."""
        _sync_with_mode(file, HANDED_MODE if hand_over else None)
        self._crash.reached("door:synced")
        found = digest(file)
        self._crash.reached("door:hashed")
        return found

    def commit(self, journal: Journal) -> None:
        """Decide to hand over. Once this returns, a crash can delay the hand-over but not undo it."""
        save_journal(self._staging, journal, durable=True)
        self._crash.reached("door:journalled")

    def roll_forward(self, journal: Journal) -> Change:
        """Everything after the decision; harmless when some of it was done before. What it changed in the partner's folder."""
        if journal.state == GIVING_UP:
            return self._throw_away(journal)
        change = Change()
        part = part_file(self._staging, journal.upload)
        if part.exists():  # else the file got its visible name, which happens after the hand-over
            ticket = _decided_ticket(journal)
            if journal.source is not None:  # only now: a mark without the decision would lose the file
                _sync_with_mode(part, HANDED_MODE)
            hand_over(landing=self._landing, ticket=ticket, content=part, crash=self._crash)
            change += self.show(part, as_path=path_of(journal.name))
        if journal.source is not None:
            change += self._drop_source(journal.source, journal.name)
        self._crash.reached("door:done")
        journal_file(self._staging, journal.upload).unlink(missing_ok=True)
        return change

    def show(self, part: Path, *, as_path: VirtualPath) -> Change:
        """Give the bytes their visible name, over whatever had it; never written in place."""
        with self._jail.folder(as_path.parent, make=True) as folder:
            change = Change(bytes=part.stat().st_size, files=1)
            with suppress(FileNotFoundError):
                replaced = os.stat(as_path.name, dir_fd=folder, follow_symlinks=False)
                change += Change(bytes=-replaced.st_size, files=-1)
            os.rename(part, as_path.name, dst_dir_fd=folder)
            os.fsync(folder)
        part.unlink(missing_ok=True)  # rename leaves both names when they are one file already
        self._crash.reached("door:shown")
        return change

    def _drop_source(self, source_name: str, final_name: str) -> Change:
        """Take away the temporary name that the rename left, if it is still that very file."""
        source = path_of(source_name)
        final = path_of(final_name)
        try:
            with self._jail.folder(source.parent) as old, self._jail.folder(final.parent) as new:
                before = os.stat(source.name, dir_fd=old, follow_symlinks=False)
                after = os.stat(final.name, dir_fd=new, follow_symlinks=False)
                if os.path.samestat(before, after):
                    os.unlink(source.name, dir_fd=old)
                    return Change(bytes=-before.st_size, files=-1)
        except FileNotFoundError:
            pass
        return Change()

    def link_visible(self, path: VirtualPath, *, upload: str) -> Path:
        """A second name, in staging, for a visible file that is about to be handed over."""
        part = part_file(self._staging, upload)
        with self._jail.folder(path.parent) as folder:
            os.link(path.name, part, src_dir_fd=folder, follow_symlinks=False)
        return part

    def was_handed_over(self, path: VirtualPath) -> bool:
        """Whether this visible file is one that the pipeline has: it is not given again under another name."""
        with self._jail.folder(path.parent) as folder:
            status = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
        return stat.S_IMODE(status.st_mode) == HANDED_MODE

    def give_up(self, journal: Journal, *, finished_at: datetime) -> Journal:
        """Decide to end a part nobody went on with: it cannot be resumed any more, for its upload id will have been told."""
        sha256, _ = digest(part_file(self._staging, journal.upload))
        self._crash.reached("door:hashed")
        decided = replace(journal, state=GIVING_UP, sha256=sha256, finished_at=finished_at)
        self.commit(decided)
        return decided

    def _throw_away(self, journal: Journal) -> Change:
        """Tell the pipeline of a part that was given up, then throw it away."""
        part = part_file(self._staging, journal.upload)
        if part.exists():
            hand_over(landing=self._landing, ticket=_decided_ticket(journal), content=None, crash=self._crash)
        part.unlink(missing_ok=True)
        self._crash.reached("door:done")
        journal_file(self._staging, journal.upload).unlink(missing_ok=True)
        return Change()

    def tell_forgotten(self, path: VirtualPath, *, now: datetime) -> Journal:
        """A file that was never given its final name: tell the pipeline, mark the file so that it is told once.

        The upload id follows from the file: should a kill come before the mark, the pipeline knows the second ticket.
        """
        with os.fdopen(self._jail.open_file(path), "rb") as stream:
            opened = stream.fileno()
            status = os.fstat(opened)
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            since = datetime.fromtimestamp(status.st_ctime, tz=UTC)
            what = f"{self._jail.partner}/{path.text} {status.st_ino} {status.st_ctime_ns}"
            upload = new_ulid(
                milliseconds=int(status.st_ctime * 1000),
                randomness=hashlib.sha256(what.encode()).digest()[:10],
            )
            journal = Journal(
                upload=upload, partner=self._jail.partner, name=path.text, state=WRITING, bytes=status.st_size, opened_at=since,
                finished_at=now, sha256=sha256,
            )  # fmt: skip
            ticket = ticket_of(journal, outcome=INCOMPLETE, sha256=sha256, finished_at=now)
            hand_over(landing=self._landing, ticket=ticket, content=None, crash=self._crash)
            os.fchmod(opened, TOLD_MODE)
            os.fsync(opened)
        return journal
