"""What do the jobs do? Draining partners in warm processes, work that comes round by the clock, letters to be written."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from meterdrop.dispatch.children import LARGE_NEXT
from meterdrop.dispatch.jobs import DRAIN, LARGE, RECEIPTS, UPKEEP, lock_of
from meterdrop.dispatch.stalled import Running
from meterdrop.model.errors import TryAgain

if TYPE_CHECKING:
    from procrastinate import App
    from procrastinate.job_context import JobContext

    from meterdrop.dispatch.children import WarmChild

log = structlog.get_logger()

_LONGEST_WAIT: Final = 60
_OLD_HOURS: Final = 48


@dataclass(frozen=True)
class Round:
    """Work that comes round: its name, when (as cron says it, UTC), and what it is."""

    name: str
    cron: str
    work: Callable[[], object]


class Drains:
    """Drains partners, each in a process of its own that is kept warm.

    Where there are several, one is never at a large delivery: so many at once, of which queues, tells `at_once`.
    """

    def __init__(self, children: "Sequence[WarmChild]") -> None:
        self._is_alone = len(children) == 1
        self.at_once: dict[tuple[str, ...], int] = (
            {(DRAIN, LARGE): 1} if self._is_alone else {(DRAIN, LARGE): len(children) - 1, (DRAIN,): 1}
        )
        self._free = list(children)
        self._one_is_free = asyncio.Semaphore(len(children))
        self._had_by: dict[str, WarmChild] = {}
        """The process that drained a partner last: it remembers its meters."""

    def add_to(self, app: "App", running: Running) -> None:
        """Adds the tasks to an app."""

        @app.task(name=DRAIN, queue=DRAIN, pass_context=True)
        async def drain(context: "JobContext", partner: str, tries: int = 0) -> None:
            with running.at(context):
                why = await self._drained(partner, only_small=not self._is_alone)
                if why == LARGE_NEXT:
                    await _ask_for_large(app, partner)
                elif why is not None:
                    await _ask_again(app, partner, tries=tries + 1)

        @app.task(name=LARGE, queue=LARGE, pass_context=True)
        async def drain_large(context: "JobContext", partner: str) -> None:
            with running.at(context):
                if await self._drained(partner, only_small=False) is not None:
                    await _ask_again(app, partner, tries=1)

    async def _drained(self, partner: str, *, only_small: bool) -> str | None:
        child = await self._taken(partner)

        def drained() -> str | None:
            why = child.drain(partner, only_small=only_small)
            child.warm()
            return why

        at_it = asyncio.get_running_loop().run_in_executor(None, drained)
        # Given back when it is free, not when nobody waits for it any more.
        at_it.add_done_callback(lambda _: self._give_back(child))
        return await asyncio.shield(at_it)

    async def _taken(self, partner: str) -> "WarmChild":
        await self._one_is_free.acquire()
        last = self._had_by.get(partner)
        child = last if last is not None and last in self._free else self._free[0]
        self._free.remove(child)
        self._had_by[partner] = child
        return child

    def _give_back(self, child: "WarmChild") -> None:
        self._free.append(child)
        self._one_is_free.release()


async def _ask_for_large(app: "App", partner: str) -> None:
    """By whoever may; the partner's other jobs, which have the same lock, come after it."""
    from procrastinate.exceptions import AlreadyEnqueued

    lock, once = lock_of(DRAIN, partner), lock_of(LARGE, partner)
    with suppress(AlreadyEnqueued):
        await app.configure_task(LARGE, queue=LARGE, lock=lock, queueing_lock=once).defer_async(
            partner=partner
        )


async def _ask_again(app: "App", partner: str, *, tries: int) -> None:
    """Later, the longer the more often it was in vain; what waits already is enough."""
    from procrastinate.exceptions import AlreadyEnqueued

    wait, lock = min(2**tries, _LONGEST_WAIT), lock_of(DRAIN, partner)
    try:
        await app.configure_task(
            DRAIN, queue=DRAIN, lock=lock, queueing_lock=lock, schedule_in={"seconds": wait}
        ).defer_async(partner=partner, tries=tries)
    except AlreadyEnqueued:
        return
    log.info("drain.again", partner=partner, seconds=wait, tries=tries)


def add_letters(app: "App", running: Running, *, ring: Callable[[], None]) -> None:
    """Adds the task of those next to the door: receipts are waiting to be written."""

    @app.task(name=RECEIPTS, queue=RECEIPTS, pass_context=True)
    async def receipts(context: "JobContext", partner: str) -> None:
        with running.at(context):
            ring()


def add_rounds(app: "App", running: Running, *, rounds: Sequence[Round]) -> None:
    """Adds what comes round, once for all workers: whoever is first puts the job down, and one at a time does it."""
    for one in rounds:
        _add_round(app, running, one)

    @app.periodic(cron="37 3 * * *")
    @app.task(name="forget-old-jobs", queue=UPKEEP, pass_context=True)
    async def forget_old_jobs(context: "JobContext", timestamp: int) -> None:
        with running.at(context):
            await app.job_manager.delete_old_jobs(
                nb_hours=_OLD_HOURS, include_failed=True, include_aborted=True, include_cancelled=True
            )


def _add_round(app: "App", running: Running, one: Round) -> None:
    @app.periodic(cron=one.cron, periodic_id=one.name)
    @app.task(name=one.name, queue=UPKEEP, lock=one.name, queueing_lock=one.name, pass_context=True)
    async def done(context: "JobContext", timestamp: int) -> None:
        with running.at(context):
            try:
                await asyncio.to_thread(one.work)
            except TryAgain as error:
                log.warning("round.try-again", round=one.name, why=str(error))
