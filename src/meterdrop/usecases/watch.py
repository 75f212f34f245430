"""Files that another SFTP server puts into partners' folders are taken when they have stopped changing. Read `look` first."""

import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from meterdrop.model.ticket import Outcome, Ticket
from meterdrop.model.watched import LeftOut, PartnerFolder
from meterdrop.receive import hand_over, tree
from meterdrop.receive.final_names import is_temporary, why_not
from meterdrop.receive.still import (
    FileState,
    Seen,
    Stillness,
    ends_a_line,
    is_open_for_writing,
)
from meterdrop.store import partners, watched
from meterdrop.store.database import Database
from meterdrop.store.room import Room, needed_to_judge
from meterdrop.store.watched import Taken
from meterdrop.usecases.checkpoint import Checkpoint
from meterdrop.usecases.watch_ledger import LedgerOfLook, StillActive
from meterdrop.usecases.watch_told import RECEIPTS

log = structlog.get_logger()

CLIENT: Final = "watched folder"
INCOMING: Final = "incoming"
_MOST_NAMES: Final = 200_000
_SHOWN: Final = 10
_TURN: Final = 5.0
"""After so many seconds of taking one partner's files the others have their turn."""
_TEMPORARY_FOR: Final = timedelta(days=1)
_FORGOTTEN: Final = "it still has a temporary name after a day"
_ROOT: Final = 0
"""What root lays beside `incoming` is the operator's own, unless root fills `incoming` as well."""
_NOTHING: Final = hashlib.sha256().hexdigest()


@dataclass(frozen=True)
class WatchRules:
    """When is a file taken?"""

    quiet_for: float
    """Seconds without any change."""
    most_bytes: int
    leases: bool
    """Whether to ask the kernel who has a file open for writing."""
    kept_for: timedelta
    """How long it is remembered that a file was taken once it is gone."""


@dataclass
class _Waiting:
    """What this process knows of one partner's folder from look to look."""

    still: Stillness
    handed: dict[str, Seen] = field(default_factory=dict)
    """Handed over, and not seen in the ledger yet."""
    unreadable: dict[str, LeftOut] = field(default_factory=dict)
    told: frozenset[LeftOut] = frozenset()


@dataclass(frozen=True)
class Looked:
    """One look at one partner's folder: how it is, when to look again at the latest, how long looking took, and how
    many files were not there before."""

    folder: PartnerFolder
    due: float | None
    cost: float
    newcomers: int


@dataclass
class WatchFolders:
    """Takes what lies still in `folder`/<partner>/incoming, or in `folder`/<partner> where there is no such folder."""

    database: Database
    folder: Path
    landing: Path
    scratch: Path
    rules: WatchRules
    room: Room
    clock: Callable[[], datetime]
    passed: Callable[[], float]
    """Monotonic seconds."""
    at: Checkpoint
    _waiting: dict[str, _Waiting] = field(default_factory=dict)

    def begin(self) -> None:
        """Clears away copies that a killed process left half-made."""
        shutil.rmtree(self.scratch, ignore_errors=True)

    def folders(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The active partners that have a folder, and the folders that are no active partner's."""
        with self.database.reading() as store:
            active = {one.id for one in partners.all_partners(store) if one.active}
        with os.scandir(self.folder) as entries:
            there = [one.name for one in entries if one.is_dir() and not one.name.startswith(".")]
        unknown = sorted(ascii(name)[1:-1] for name in there if name not in active)
        return tuple(sorted(name for name in there if name in active)), tuple(unknown)

    def look(self, partner: str) -> Looked | None:
        """Takes what it is time to take; the rest waits for the next look. None if the partner is not active (any more)."""
        active = StillActive(self.database, partner, self.passed)
        if not active():
            return None
        waiting = self._waiting.setdefault(partner, _Waiting(Stillness(self.rules.quiet_for)))
        begun, ledger = self.passed(), self._ledger(partner)
        fresh, left_out, walk = self._found(partner, ledger=ledger, active=active)
        fresh = self._not_taken(fresh, ledger=ledger, waiting=waiting)
        cost = self.passed() - begun
        if not active():
            return None
        due = waiting.still.look(
            [one for one in fresh if waiting.handed.get(one.path) != one], now=self.passed()
        )
        there = {one.path for one in fresh}
        waiting.unreadable = {path: one for path, one in waiting.unreadable.items() if path in there}
        self._take(due, partner=partner, waiting=waiting, active=active)
        left_out += waiting.unreadable.values()
        self._tell_left_out(left_out, partner=partner, waiting=waiting)
        if not walk.cut and not walk.unread and active():
            ledger.close()
        return Looked(
            folder=self._as_it_is(waiting, files=walk.met, left_out=left_out, cut=walk.cut),
            due=waiting.still.next_due(),
            cost=cost,
            newcomers=waiting.still.newcomers,
        )

    def _ledger(self, partner: str) -> LedgerOfLook:
        return LedgerOfLook(self.database, partner, now=self.clock(), kept_for=self.rules.kept_for)

    @staticmethod
    def _not_taken(fresh: list[Seen], *, ledger: LedgerOfLook, waiting: _Waiting) -> list[Seen]:
        """Without those that were taken and are back, or whose delivery is in the ledger by now.

        What waited already was asked about when it came; since then only we can have taken it.
        """
        newcomers = [one for one in fresh if not waiting.still.waits(one)]
        taken = ledger.taken_among([*waiting.handed.values(), *newcomers])
        waiting.handed = {path: one for path, one in waiting.handed.items() if one not in taken}
        return [one for one in fresh if one not in taken]

    # -- what lies there ---------------------------------------------------------------------------------------

    def _found(
        self, partner: str, *, ledger: LedgerOfLook, active: StillActive
    ) -> tuple[list[Seen], list[LeftOut], tree.Walk]:
        """Files under final names in states that are not taken yet, and what can't be taken by its name or kind."""
        walk, fresh, left_out = tree.Walk(most=_MOST_NAMES), [], []
        try:
            steps, without, beside = self._root(partner)
            left_out += beside
            above = "".join(f"{step}/" for step in steps[1:])
            with tree.open_folder(self.folder, *steps) as folder:
                for one in walk.through(folder, above=above, without=without):
                    if not active():
                        break
                    if isinstance(one, LeftOut):
                        left_out.append(one)
                    elif not ledger.is_taken(one):
                        why = self._why_not(one)
                        if why is not None:
                            left_out.append(LeftOut(one.path, why))
                        elif not is_temporary(one.path):
                            fresh.append(one)
        except OSError as error:
            walk.unread = True
            left_out.append(LeftOut("/", f"the folder can't be read: {os.strerror(error.errno or 0)}"))
        return fresh, left_out, walk

    def _why_not(self, one: Seen) -> str | None:
        """Why this file is not taken, if a person should know. Temporary names are uploads still going on, for a while."""
        if not is_temporary(one.path):
            return why_not(one.path)
        now = self.clock()
        return _FORGOTTEN if now - one.state.changed_at(now=now) > _TEMPORARY_FOR else None

    def _root(self, partner: str) -> tuple[tuple[str, ...], frozenset[str], list[LeftOut]]:
        """The folder to look through, which names in it are not uploads, and the files that were put beside it."""
        with tree.open_folder(self.folder, partner) as root:
            try:
                there = os.stat(INCOMING, dir_fd=root, follow_symlinks=False)
            except FileNotFoundError:
                return (partner,), frozenset({RECEIPTS}), []
            if stat.S_ISREG(there.st_mode):
                return (partner,), frozenset({RECEIPTS}), []
            beside = [
                LeftOut(name, f"not in {INCOMING}")
                for name, owner in tree.files_in(root, most=_MOST_NAMES)
                if owner == there.st_uid or owner != _ROOT
            ]
        return (partner, INCOMING), frozenset(), beside

    def _tell_left_out(self, left_out: list[LeftOut], *, partner: str, waiting: _Waiting) -> None:
        """Once, when it changes; `status` tells it as long as it is so."""
        told = frozenset(left_out)
        if told - waiting.told:
            reasons = sorted({one.why for one in told - waiting.told})
            log.warning(
                "watch.left-out", partner=partner, names=len(told), new=len(told - waiting.told), why=reasons
            )
        waiting.told = told

    def _as_it_is(
        self, waiting: _Waiting, *, files: int, left_out: list[LeftOut], cut: bool
    ) -> PartnerFolder:
        count, is_open = waiting.still.counts()
        longest = waiting.still.longest(now=self.passed())
        shown = tuple(LeftOut(ascii(one.path)[1:-1], one.why) for one in left_out[:_SHOWN])
        return PartnerFolder(
            files=files,
            waiting=count,
            open=is_open,
            waiting_since=None if longest is None else self.clock() - timedelta(seconds=longest),
            left_out=len(left_out),
            first_left_out=shown,
            cut=cut,
        )

    # -- taking it ---------------------------------------------------------------------------------------------

    def _take(self, due: list[Seen], *, partner: str, waiting: _Waiting, active: StillActive) -> None:
        """Each by itself: what is wrong with one file does not stop the next."""
        until = self.passed() + _TURN
        moved = {one.state.inode: one for one in waiting.handed.values()} if due else {}
        for one in due:
            if self.passed() > until or not active():
                break
            waiting.unreadable.pop(one.path, None)
            before = waiting.handed.get(one.path, moved.get(one.state.inode))
            if before is not None and (self.landing / before.upload(partner)).exists():
                # What was taken before is still on the doorstep: whether these are other bytes is seen after that.
                waiting.still.later(one, now=self.passed())
                continue
            try:
                self._take_one(one, waiting=waiting, active=active)
            except FileNotFoundError:
                waiting.still.taken(one)  # gone: nothing to wait for
            except (OSError, hand_over.NotRead) as error:
                waiting.still.later(one, now=self.passed())
                why = os.strerror(error.errno or 0) if isinstance(error, OSError) else str(error)
                waiting.unreadable[one.path] = LeftOut(one.path, f"can't be read: {why}")

    def _take_one(self, one: Seen, *, waiting: _Waiting, active: StillActive) -> None:
        now, still, partner = self.passed(), waiting.still, active.partner
        with tree.open_file(self.folder, partner, *one.path.split("/")) as descriptor:
            if FileState.of(os.fstat(descriptor)) != one.state:
                still.later(one, now=now)
                return
            if self.rules.leases and is_open_for_writing(descriptor):
                still.is_open(one, now=now)
                return
            if not ends_a_line(descriptor, size=one.state.size) and not still.has_waited_for_its_end(
                one, now=now
            ):
                return
            handed = self._handed_over(descriptor, one, active=active)
        if handed:
            still.taken(one)
            waiting.handed[one.path] = one
        else:
            still.later(one, now=self.passed())

    def _handed_over(self, descriptor: int, one: Seen, *, active: StillActive) -> bool:
        """Whether its bytes are on the doorstep, or need not be; False if it changed while it was copied, or its
        partner was disabled."""
        partner = active.partner
        ticket = self._ticket(one, partner=partner)
        made = self.scratch / ticket.upload
        if one.state.size > self.rules.most_bytes:
            log.warning("watch.too-large", partner=partner, upload=ticket.upload, bytes=one.state.size)
            hand_over.hand_over(made, ticket=ticket, landing=self.landing)
            return True
        self.room.check(needed=needed_to_judge(one.state.size))
        last = self._last(one, partner=partner)
        try:
            copied = hand_over.copy(
                descriptor,
                to=made,
                state=one.state,
                mark_at=0 if last is None else last.bytes,
                goes_on=active,
            )
            if copied is None:
                return False
            self.at("watch:copied")
            if self._came_before(one, partner=partner, sha256=copied.sha256):
                return True
            grown = last is not None and last.bytes < one.state.size and copied.mark == last.sha256
            ticket = self._ticket(
                one,
                partner=partner,
                sha256=copied.sha256,
                continues=last.upload if last is not None and grown else None,
            )
            hand_over.hand_over(made, ticket=ticket, landing=self.landing)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        self.at("watch:handed-over")
        log.info(
            "watch.taken",
            partner=partner,
            upload=ticket.upload,
            bytes=ticket.bytes,
            continues=ticket.continues,
        )
        return True

    def _ticket(
        self, one: Seen, *, partner: str, sha256: str | None = None, continues: str | None = None
    ) -> Ticket:
        """Nobody saw it being opened or closed: both times are those of its last change. No `sha256`: too large."""
        changed = one.state.changed_at(now=self.clock())
        return Ticket(
            upload=one.upload(partner),
            partner=partner,
            name=one.path,
            outcome=Outcome.TOO_LARGE if sha256 is None else Outcome.FINISHED,
            bytes=one.state.size,
            sha256=_NOTHING if sha256 is None else sha256,
            opened_at=changed,
            finished_at=changed,
            client=CLIENT,
            watched=one.watched(),
            continues=continues,
        )

    def _last(self, one: Seen, *, partner: str) -> Taken | None:
        with self.database.reading() as store:
            return watched.last(store, partner=partner, path=one.path)

    def _came_before(self, one: Seen, *, partner: str, sha256: str) -> bool:
        """Whether only the file's times, owner or name changed: then there is nothing new to load."""
        file = one.watched()
        with self.database.reading() as store:
            upload = watched.same_bytes(store, partner=partner, path=one.path, body=file.body, sha256=sha256)
        if upload is None:
            return False
        with self.database.writing() as store:
            watched.note(
                store,
                partner=partner,
                path=one.path,
                file=file,
                bytes=one.state.size,
                sha256=sha256,
                upload=upload,
            )
        log.info("watch.same-bytes", partner=partner, upload=upload)
        return True
