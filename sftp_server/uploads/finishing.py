"""What happens when a file is whole? Steps that only go forward, and can be taken again after any crash."""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sftp_server.crash import CrashPoints
from sftp_server.files.jail import Jail
from sftp_server.files.names import VirtualPath, path_of
from sftp_server.ulid import new_ulid
from sftp_server.uploads.handoff import (
    FINISHED,
    INCOMPLETE,
    Ticket,
    half_made_folder,
    hand_over,
    let_out,
    put_together,
)
from sftp_server.uploads.journal import (
    FINISHING,
    GIVING_UP,
    WRITING,
    Journal,
    journal_file,
    part_file,
    put_in_place,
    write_beside,
)
from sftp_server.uploads.staging import PART_MODE, digest
from sftp_server.uploads.syncing import Syncer
from sftp_server.uploads.usage import Change

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


@contextmanager
def _with_mode(file: Path, mode: int | None) -> Iterator[int]:
    """The file, opened to be synced; with that mode, if one is given."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if mode is not None:
            os.fchmod(descriptor, mode)
        yield descriptor
    finally:
        os.close(descriptor)


class Finisher:
    """Takes whole parts of one partner to landing and to their visible name. Works on disk only; no event loop."""

    def __init__(
        self, *, staging: Path, landing: Path, jail: Jail, syncer: Syncer, crash: CrashPoints
    ) -> None:
        self._staging = staging
        self._landing = landing
        self._jail = jail
        self._syncer = syncer
        self._crash = crash

    def digest(self, file: Path) -> tuple[str, int]:
        """Read what is there: sha256 and length."""
        found = digest(file)
        self.hashed()
        return found

    def hashed(self) -> None:
        """A part that was hashed while it came is as far as one that was hashed here."""
        self._crash.reached("door:hashed")

    def decide(self, journal: Journal) -> None:
        """Decide to hand over: put all together, bring all of it to the disk at once, then let the journal count.

        Once this returns, a kill can delay the hand-over but not undo it.
        """
        decision = None
        try:
            decision = self._prepare(journal)
            put_in_place(decision)
        except OSError:
            shutil.rmtree(half_made_folder(self._landing, journal.upload), ignore_errors=True)
            if decision is not None:
                decision.unlink(missing_ok=True)
            raise
        self._crash.reached("door:journalled")

    def _prepare(self, journal: Journal) -> Path:
        """All that the decision needs, synced; gives the journal that is not yet in its place."""
        part = part_file(self._staging, journal.upload)
        made = put_together(
            landing=self._landing, ticket=_decided_ticket(journal), content=part, crash=self._crash
        )
        decision = write_beside(self._staging, journal)
        # A file that has a name already is marked only after the decision: the mark without it would lose the file.
        with _with_mode(part, HANDED_MODE if journal.source is None else None) as content:
            self._syncer.sync(content, decision, *made)
        self._crash.reached("door:synced")
        return decision

    def complete(self, journal: Journal) -> Change:
        """What `decide` put together goes out; when this returns, a power cut cannot undo it either."""
        let_out(landing=self._landing, upload=journal.upload, crash=self._crash)
        return self._finish(journal)

    def roll_forward(self, journal: Journal) -> Change:
        """Everything after the decision, in another run or once more; harmless when some of it was done before.

        What it changed in the partner's folder.
        """
        if journal.state == GIVING_UP:
            return self._throw_away(journal)
        part = part_file(self._staging, journal.upload)
        if part.exists():  # else the file got its visible name, which happens after the hand-over
            hand_over(
                landing=self._landing, ticket=_decided_ticket(journal), content=part, syncer=self._syncer,
                crash=self._crash,
            )  # fmt: skip
        return self._finish(journal)

    def _finish(self, journal: Journal) -> Change:
        """The visible name, and everything on disk."""
        change = Change()
        part = part_file(self._staging, journal.upload)
        if part.exists():
            if journal.source is not None:
                with _with_mode(part, HANDED_MODE) as content:
                    self._syncer.sync(content)
            change += self._show(part, self._landing, as_path=path_of(journal.name))
        if journal.source is not None:
            change += self._drop_source(journal.source, journal.name)
        self._crash.reached("door:done")
        journal_file(self._staging, journal.upload).unlink(missing_ok=True)
        return change

    def set_aside(self, part: Path, *, as_path: VirtualPath) -> Change:
        """The visible name for a whole file, with a mode that says: not yet for the pipeline to read."""
        with _with_mode(part, PART_MODE) as content:
            self._syncer.sync(content)
        self._crash.reached("door:synced")
        return self._show(part, as_path=as_path)

    def _show(self, part: Path, *synced_too: Path, as_path: VirtualPath) -> Change:
        """Give the bytes their visible name, over whatever had it; never written in place."""
        with self._jail.folder(as_path.parent, make=True) as folder:
            change = Change(bytes=part.stat().st_size, files=1)
            with suppress(FileNotFoundError):
                replaced = os.stat(as_path.name, dir_fd=folder, follow_symlinks=False)
                change += Change(bytes=-replaced.st_size, files=-1)
            os.rename(part, as_path.name, dst_dir_fd=folder)
            self._syncer.sync(folder, *synced_too)
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
        decision = write_beside(self._staging, decided)
        self._syncer.sync(decision)
        put_in_place(decision)
        self._syncer.sync(self._staging)
        self._crash.reached("door:journalled")
        return decided

    def _throw_away(self, journal: Journal) -> Change:
        """Tell the pipeline of a part that was given up, then throw it away."""
        part = part_file(self._staging, journal.upload)
        if part.exists():
            hand_over(
                landing=self._landing, ticket=_decided_ticket(journal), content=None, syncer=self._syncer,
                crash=self._crash,
            )  # fmt: skip
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
            hand_over(
                landing=self._landing, ticket=ticket, content=None, syncer=self._syncer, crash=self._crash
            )
            os.fchmod(opened, TOLD_MODE)
            os.fsync(opened)
        return journal
