"""What may have changed is tried again: the register grew, a rule or a profile is another one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from meterdrop.dispatch.locks import Locks
from meterdrop.model.codes import REGISTER_CODES
from meterdrop.model.delivery import State
from meterdrop.model.errors import CannotRead, OperatorMistake
from meterdrop.store import deliveries, quarantine
from meterdrop.store.database import Database
from meterdrop.usecases.rejudge import Act, Rejudge, Rejudged

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

    @property
    def accepted(self) -> int:
        """Lines that are readings now (or were known already)."""
        return sum(one.accepted + one.duplicate for one in self.deliveries)

    @property
    def still(self) -> int:
        """Lines that still fail."""
        return sum(one.still for one in self.deliveries)


@dataclass(frozen=True)
class Reprocess:
    """For cron: safe to repeat, one at a time, each delivery in a transaction of its own."""

    database: Database
    locks: Locks
    rejudge: Rejudge
    rules_now: Callable[[], Sequence[str]]

    def __call__(
        self, selection: Selection, *, dry_run: bool, progress: Callable[[int, int], None]
    ) -> Reprocessed:
        """`TryAgain` if a run is under way. `progress` is told deliveries done and in all."""
        with self.locks.hold("reprocess", wait=0):
            chosen = self._chosen(selection)
            done = tuple(self._each(chosen, dry_run=dry_run, progress=progress))
        log.info(
            "reprocess.done",
            deliveries=len(done),
            accepted=sum(one.accepted for one in done),
            dry_run=dry_run,
        )
        return Reprocessed(deliveries=done, dry_run=dry_run)

    def _tried(self, key: int, *, lines: Sequence[int], act: Act, dry_run: bool) -> Rejudged:
        """One delivery that can't be judged as things are (its profile changed, say) must not stop the others."""
        try:
            return self.rejudge(key, lines=lines, act=act, dry_run=dry_run)
        except (CannotRead, OperatorMistake) as problem:
            log.warning("reprocess.left", delivery=key, lines=len(lines), why=str(problem))
            return Rejudged(delivery=key, accepted=0, duplicate=0, still=len(lines), findings=())

    def _chosen(self, selection: Selection) -> dict[int, list[int]]:
        with self.database.reading() as store:
            return quarantine.worth_trying(
                store,
                register_codes=[code.value for code in REGISTER_CODES],
                rules_now=list(self.rules_now()),
                partner_id=selection.partner,
                feed=selection.feed,
                delivery=selection.delivery,
                code=selection.code,
                since=selection.since,
                changed_only=selection.delivery is None and selection.code is None,
            )

    def _each(
        self, chosen: dict[int, list[int]], *, dry_run: bool, progress: Callable[[int, int], None]
    ) -> Iterator[Rejudged]:
        act = Act(who="reprocess", why="judged again", ends_as="accepted", corrected={}, yields=True)
        for number, (key, lines) in enumerate(chosen.items(), start=1):
            with self.database.reading() as store:
                delivery = deliveries.get(store, key)
            if delivery.state is State.PARTLY_ACCEPTED:
                with self.locks.hold(f"partner-{delivery.partner}", wait=_PARTNER_WAIT):
                    yield self._tried(key, lines=lines, act=act, dry_run=dry_run)
            progress(number, len(chosen))
