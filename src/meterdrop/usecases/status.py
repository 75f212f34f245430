"""How are we? Counts, the oldest unfinished work, silent partners, and what is wrong."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from meterdrop.model.delivery import State
from meterdrop.model.errors import TryAgain
from meterdrop.model.watched import WatchedFolders
from meterdrop.model.working import JobQueue, WorkerSeen
from meterdrop.receive import tickets
from meterdrop.store import deliveries, outbox, partners, totals, workers
from meterdrop.store.database import Database, Store
from meterdrop.store.room import Room
from meterdrop.usecases import waiting_told, watch_told
from meterdrop.usecases.drift import ToldDrift, told_drifts
from meterdrop.usecases.waiting_told import ToldDelivery, ToldReceipts

_LATE = timedelta(minutes=10)
_LATELY = timedelta(days=90)


@dataclass(frozen=True)
class Status:
    """The state of the house at one moment."""

    at: datetime
    deliveries: Mapping[str, int]
    quarantine: Mapping[str, int]
    devices: int
    receipts_waiting: int
    oldest_unfinished: datetime | None
    silent_partners: tuple[str, ...]
    header_changes: tuple[ToldDrift, ...]
    """The last change of each partner's and feed's header in 90 days; of one that was named, all there were."""
    problems: tuple[str, ...]
    watched: WatchedFolders | None = None
    """The folders that another SFTP server fills, as they were last looked at; None if none are watched."""
    waiting: tuple[ToldDelivery, ...] = ()
    """Deliveries that wait until the world is mended; the longest waiting first."""
    receipts_in_trouble: tuple[ToldReceipts, ...] = ()
    workers: tuple[WorkerSeen, ...] | None = None
    """Those that were seen in the last minute; None where the service itself loads deliveries."""
    queues: tuple[JobQueue, ...] = ()


@dataclass(frozen=True)
class LookAround:
    """Asks the database how things are."""

    database: Database
    landing: Path
    aside: Path
    watched: Path
    room: Room
    silent_after: timedelta
    is_scaled: bool
    clock: Callable[[], datetime]
    trouble_with_originals: Callable[[], Sequence[str]]

    def __call__(self, *, partner: str | None = None) -> Status:
        """`problems` are sentences with what to do next; none means all is well.

        `partner` names whose header changes are told, all of them.
        """
        now = self.clock()
        watched = watch_told.read(self.watched)
        with self.database.reading() as store:
            by_state = totals.deliveries_by_state(store)
            oldest = _older(deliveries.oldest_unfinished(store), self._oldest_on_doorstep())
            last = deliveries.last_received(store)
            active = [one.id for one in partners.all_partners(store) if one.active]
            waiting = outbox.count_unwritten(store)
            without_receipts = outbox.partners_waiting(store, since=now - _LATE)
            lines = totals.lines_by_state(store)
            devices = totals.devices(store)
            for_room = waiting_told.deliveries_for_room(store, floor=self.room.floor)
            in_trouble = waiting_told.receipts_in_trouble(store)
            seen, queues = self._work(store)
            changes = told_drifts(store, partner=partner, since=None if partner else now - _LATELY)
        silent = tuple(
            partner for partner in active if partner in last and now - last[partner] > self.silent_after
        )
        return Status(
            at=now,
            deliveries=by_state,
            quarantine=lines,
            devices=devices,
            receipts_waiting=waiting,
            oldest_unfinished=oldest,
            silent_partners=silent,
            header_changes=tuple(changes if partner else _last_of_each(changes)),
            problems=(
                *_full(self.room),
                *self.trouble_with_originals(),
                *waiting_told.problems_of(for_room, in_trouble),
                *_problems(
                    by_state, oldest=_unexplained(oldest, for_room), now=now, silent=silent, aside=self.aside
                ),
                *_without_receipts(
                    sorted(set(without_receipts) - {one.partner for one in in_trouble if one.name is None})
                ),
                *watch_told.problems_of(watched, now=now),
                *_nobody_works(seen),
                *(
                    f"{one.failed} jobs of {one.name} failed: a worker's log says why"
                    for one in queues
                    if one.failed
                ),
            ),
            watched=watched,
            waiting=for_room,
            receipts_in_trouble=in_trouble,
            workers=seen,
            queues=queues,
        )

    def _work(self, store: Store) -> tuple[tuple[WorkerSeen, ...] | None, tuple[JobQueue, ...]]:
        if not self.is_scaled:
            return None, ()
        return workers.seen_lately(store), tuple(workers.queues(store))

    def _oldest_on_doorstep(self) -> datetime | None:
        """What the door handed over and nobody has taken in yet is unfinished work, too."""
        for folder in tickets.waiting(self.landing):
            with suppress(FileNotFoundError):  # taken in just now
                return datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        return None


def _last_of_each(latest_first: Sequence[ToldDrift]) -> list[ToldDrift]:
    """The last change of each partner and feed."""
    last: dict[tuple[str, str | None], ToldDrift] = {}
    for drift in latest_first:
        last.setdefault((drift.partner, drift.feed), drift)
    return list(last.values())


def _older(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((moment for moment in (one, other) if moment is not None), default=None)


def _unexplained(oldest: datetime | None, waiting: Sequence[ToldDelivery]) -> datetime | None:
    """None if the oldest unfinished work is a delivery of which is told why it waits."""
    return None if oldest in {one.received_at for one in waiting} else oldest


def _full(room: Room) -> tuple[str, ...]:
    try:
        room.check()
    except TryAgain as full:
        return (str(full),)
    return ()


def _nobody_works(seen: Sequence[WorkerSeen] | None) -> tuple[str, ...]:
    if seen is None or seen:
        return ()
    return ("no worker was seen in the last minute: start `meterdrop worker` on some machine",)


def _without_receipts(partners: Sequence[str]) -> tuple[str, ...]:
    if not partners:
        return ()
    return (
        f"receipts can't be written since more than ten minutes: {', '.join(partners)}. Is `meterdrop up` running? "
        "Else its log says why (`receipt.not-written`): mend the folder's owner or modes",
    )


def _problems(
    by_state: Mapping[str, int],
    *,
    oldest: datetime | None,
    now: datetime,
    silent: tuple[str, ...],
    aside: Path,
) -> tuple[str, ...]:
    problems = []
    if oldest is not None and now - oldest > _LATE:
        problems.append(f"a delivery waits since {oldest:%Y-%m-%d %H:%M} UTC: is `meterdrop up` running?")
    for state, what in (
        (State.HELD, "held: look at `meterdrop deliveries --state held`"),
        (State.POISONED, "poisoned: look at `meterdrop deliveries --state poisoned`"),
    ):
        if by_state.get(state.value):
            problems.append(f"{by_state[state.value]} deliveries are {what}")
    if aside.is_dir() and any(aside.iterdir()):
        problems.append(
            f"uploads that could not be taken in were put into {aside}: look at them, then move them away"
        )
    problems.extend(f"{partner} has sent nothing for a long time: ask them" for partner in silent)
    return tuple(problems)
