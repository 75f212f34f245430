"""What may have changed is tried again: the register grew, a rule or a profile is another one."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import structlog

from meterdrop.dispatch.locks import Locks
from meterdrop.model.delivery import Delivery, State
from meterdrop.model.errors import CannotRead, OperatorMistake
from meterdrop.model.feed import Agreement
from meterdrop.model.line_state import LineState
from meterdrop.store import deliveries, quarantine
from meterdrop.store.database import Database, Store
from meterdrop.usecases.kept import kept_layout
from meterdrop.usecases.recheck import Recheck, Rechecked
from meterdrop.usecases.rejudge import Act, LinesEnded, Rejudge, Rejudged

log = structlog.get_logger()

_PARTNER_WAIT: Final = 600.0


@dataclass(frozen=True)
class Selection:
    """Which open lines to try; nothing named means all that may have changed.

    A named delivery or code is tried whether or not something changed.
    """

    partner: str | None = None
    feed: str | None = None
    code: str | None = None
    delivery: int | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Reprocessed:
    """What came of a run, or would: by delivery, and in all."""

    deliveries: tuple[Rejudged, ...]
    dry_run: bool
    first_pass_only: bool = False
    """A dry run that could not be done on a copy: lines that are accepted may help others, which is not told."""
    rechecked: tuple[Rechecked, ...] = ()

    @property
    def accepted(self) -> int:
        """Lines that are readings now (or were known already)."""
        return sum(one.accepted + one.duplicate for one in self.deliveries)

    @property
    def still(self) -> int:
        """Lines that still fail."""
        return sum(one.still for one in self.deliveries)

    @property
    def newly_rejected(self) -> int:
        """Accepted lines that today's rules would set aside; they stay as they are."""
        return sum(one.rejected for one in self.rechecked)

    @property
    def left_out(self) -> int:
        """Accepted lines that were not judged by today's rules, because a reviewer gave them other cells."""
        return sum(one.corrected for one in self.rechecked)

    @property
    def without_original(self) -> int:
        """Deliveries that were not judged by today's rules, because the retention of their originals ended."""
        return sum(one.original_removed_at is not None for one in self.rechecked)


@dataclass(frozen=True)
class Reprocess:
    """For cron: safe to repeat, one at a time, each delivery in a transaction of its own."""

    database: Database
    locks: Locks
    rejudge: Rejudge
    recheck: Recheck
    agreement_of: Callable[[str, str, date], Agreement]
    rehearsal: Callable[[], AbstractContextManager["Reprocess | None"]]
    """The same over a copy of everything, for a dry run; None where there can be no copy."""

    def __call__(
        self,
        selection: Selection,
        *,
        dry_run: bool,
        progress: Callable[[int, int], None],
        recheck_since: datetime | None = None,
    ) -> Reprocessed:
        """`TryAgain` if a run is under way. `progress` is told deliveries done and in all.

        With `recheck_since`, accepted lines of deliveries received since then are judged by changed rules, too.
        """
        with self.locks.hold("reprocess", wait=0):
            first_pass_only = False
            if dry_run:
                done, first_pass_only = self._rehearsed(selection, progress=progress)
            else:
                done = self._until_nothing_changes(selection, dry_run=False, progress=progress)
            rechecked: tuple[Rechecked, ...] = ()
            if recheck_since is not None:
                rechecked = self.recheck(
                    since=recheck_since,
                    partner=selection.partner,
                    feed=selection.feed,
                    delivery=selection.delivery,
                    progress=progress,
                )
        log.info(
            "reprocess.done",
            deliveries=len(done),
            accepted=sum(one.accepted for one in done),
            dry_run=dry_run,
        )
        return Reprocessed(
            deliveries=done, dry_run=dry_run, first_pass_only=first_pass_only, rechecked=rechecked
        )

    def _rehearsed(
        self, selection: Selection, *, progress: Callable[[int, int], None]
    ) -> tuple[tuple[Rejudged, ...], bool]:
        """What would come of it, and whether that is told of the first pass only."""
        with self.rehearsal() as copy:
            there = copy or self
            told = there._until_nothing_changes(selection, dry_run=copy is None, progress=progress)
            return told, copy is None

    def _until_nothing_changes(
        self, selection: Selection, *, dry_run: bool, progress: Callable[[int, int], None]
    ) -> tuple[Rejudged, ...]:
        """A line that is accepted may be the neighbour that another one lacked: so a second run finds nothing to do."""
        tried: dict[int, set[int]] = {}
        outcomes: dict[int, Rejudged] = {}
        changed_only = selection.delivery is None and selection.code is None
        while chosen := self._chosen(selection, changed_only=changed_only):
            before = sum(one.accepted for one in outcomes.values())
            for one in self._each(chosen, dry_run=dry_run, progress=progress):
                lines = tried.setdefault(one.delivery, set())
                lines.update(chosen[one.delivery])
                outcomes[one.delivery] = _together(outcomes.get(one.delivery), one, tried=lines)
            changed_only = True
            if dry_run or sum(one.accepted for one in outcomes.values()) == before:
                break
        return tuple(outcomes[key] for key in sorted(outcomes))

    def _tried(self, key: int, *, lines: Sequence[int], act: Act, dry_run: bool) -> Rejudged | None:
        """One delivery that can't be judged as things are (its profile changed, say) must not stop the others.

        Nor one whose lines ended since they were chosen: a person or a corrected upload was quicker (None).
        """
        try:
            return self.rejudge(key, lines=lines, act=act, dry_run=dry_run)
        except LinesEnded:
            return None
        except (CannotRead, OperatorMistake) as problem:
            log.warning("reprocess.left", delivery=key, lines=len(lines), why=str(problem))
            return Rejudged(delivery=key, accepted=0, duplicate=0, still=len(lines), findings=())

    def _chosen(self, selection: Selection, *, changed_only: bool) -> dict[int, list[int]]:
        with self.database.reading() as store:
            waiting = deliveries.that_wait(
                store,
                partner=selection.partner,
                feed=selection.feed,
                key=selection.delivery,
                since=selection.since,
            )
            found = {
                delivery.id: self._worth_trying(
                    store, delivery, code=selection.code, changed_only=changed_only
                )
                for delivery in waiting
            }
        return {key: lines for key, lines in found.items() if lines}

    def _worth_trying(
        self, store: Store, delivery: Delivery, *, code: str | None, changed_only: bool
    ) -> list[int]:
        """By what is agreed now for the day the delivery came; its feed may be gone."""
        try:
            now = self.agreement_of(delivery.partner, str(delivery.feed), delivery.arrived_on)
        except OperatorMistake:
            now = None
        layout = kept_layout(store, delivery.id, agreement=now)
        return quarantine.worth_trying(
            store,
            delivery=delivery.id,
            rules_now=None if now is None else now.fingerprint,
            code=code,
            changed_only=changed_only,
            unit=None if layout is None else layout.heading_of("Unit"),
        )

    def _each(
        self, chosen: dict[int, list[int]], *, dry_run: bool, progress: Callable[[int, int], None]
    ) -> Iterator[Rejudged]:
        act = Act(who="reprocess", why="judged again", ends_as=LineState.ACCEPTED, yields=True)
        for number, (key, lines) in enumerate(chosen.items(), start=1):
            with self.database.reading() as store:
                delivery = deliveries.get(store, key)
            if delivery.state is State.PARTLY_ACCEPTED:
                with self.locks.hold(f"partner-{delivery.partner}", wait=_PARTNER_WAIT):
                    outcome = self._tried(key, lines=lines, act=act, dry_run=dry_run)
                if outcome is not None:
                    yield outcome
            progress(number, len(chosen))


def _together(earlier: Rejudged | None, later: Rejudged, *, tried: Collection[int]) -> Rejudged:
    """One delivery's outcome over several passes; `tried` are all lines looked at."""
    if earlier is None:
        return later
    accepted, duplicate = earlier.accepted + later.accepted, earlier.duplicate + later.duplicate
    told_again = {finding.line for finding in later.findings}
    kept = tuple(finding for finding in earlier.findings if finding.line not in told_again)
    return Rejudged(
        delivery=later.delivery,
        accepted=accepted,
        duplicate=duplicate,
        still=len(tried) - accepted - duplicate,
        findings=(*kept, *later.findings),
    )
