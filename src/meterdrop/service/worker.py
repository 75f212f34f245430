"""`meterdrop worker`: one more process that loads deliveries, on this machine or another, and what comes round by the clock."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import structlog

from meterdrop.bootstrap import House, check_originals, house, now
from meterdrop.dispatch.jobs import UPKEEP
from meterdrop.dispatch.queue_runner import QueueRunner, Queues
from meterdrop.dispatch.stalled import Running
from meterdrop.dispatch.tasks import Drains, Round, add_rounds
from meterdrop.model.errors import OperatorMistake, StopAtStart, TryAgain
from meterdrop.model.working import WorkerSeen
from meterdrop.service.pipeline import say, worker_of
from meterdrop.store import deliveries, months, originals, workers
from meterdrop.usecases.make_months import make_months

if TYPE_CHECKING:
    from procrastinate import App

log = structlog.get_logger()

_UPKEEP_AT_ONCE: Final = 2
_START_WAIT: Final = 120.0
_STOP_WAIT: Final = 60.0
_END_WAIT: Final = 5.0


class WorkerService:
    """Takes drains from the queue, each for a process of its own, until `stop`."""

    def __init__(self, house: House, *, concurrency: int) -> None:
        self._house = house
        self._children = [worker_of(house) for _ in range(concurrency)]
        self._drains = Drains(self._children)
        here = socket.gethostname()
        moment = now()
        self._seen = WorkerSeen(
            name=f"{here}-{os.getpid()}-{moment:%Y%m%d%H%M%S}",
            host=here,
            pid=os.getpid(),
            concurrency=concurrency,
            since=moment,
            seen_at=moment,
        )
        self._runner = QueueRunner(
            address=house.database.address(),
            queues=Queues(
                at_once={**self._drains.at_once, (UPKEEP,): _UPKEEP_AT_ONCE},
                add_tasks=self._add_tasks,
                beat=self._beat,
                stop_wait=_STOP_WAIT,
            ),
        )

    def run(self) -> None:
        """Works until `stop`; says when it is ready."""
        threading.Thread(target=self._tell_ready, daemon=True).start()
        for child in self._children:
            threading.Thread(target=child.warm, daemon=True).start()
        try:
            self._runner.run()
        finally:
            for child in self._children:
                child.stop()
            for child in self._children:
                child.end(wait=_END_WAIT)
            with suppress(TryAgain), self._house.database.writing(lasting=False) as store:
                workers.forget(store, name=self._seen.name)
            log.info("worker.stopped", name=self._seen.name)

    def stop(self) -> None:
        """No new jobs; the delivery that each process is at is its last."""
        for child in self._children:
            child.stop()
        self._runner.stop()

    def _tell_ready(self) -> None:
        if self._runner.is_ready(wait=_START_WAIT):
            say({"event": "ready", "worker": self._seen.name, "concurrency": self._seen.concurrency})

    def _add_tasks(self, app: "App", running: Running) -> None:
        self._drains.add_to(app, running)
        add_rounds(app, running, rounds=self._rounds())

    def _rounds(self) -> tuple[Round, ...]:
        return (
            Round("sweep", "* * * * *", self._sweep),
            Round("outbox", "* * * * *", self._house.deliver_receipts),
            Round("months", "7 * * * *", self._make_months),
            Round("reprocess", "17 * * * *", self._reprocess),
        )

    def _sweep(self) -> None:
        with self._house.database.reading() as store:
            waiting = deliveries.partners_with_work(store)
        for partner in waiting:
            self._house.jobs.wake(partner)

    def _make_months(self) -> None:
        make_months(self._house.database, days=months.ahead(self._house.today()))

    def _reprocess(self) -> None:
        """In a process of its own: what it holds goes with it."""
        command = [sys.executable, "-m", "meterdrop", "--home", str(self._house.home), "reprocess", "--json"]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # noqa: S603 - our own program
        log.info("round.reprocessed", code=done.returncode)

    def _beat(self) -> None:
        with self._house.database.writing(lasting=False) as store:
            workers.note(store, self._seen)
            workers.forget_gone(store)


def _see_originals(house: House) -> None:
    """`StopAtStart` if what was kept last is not to be found: the originals are those of another machine.

    Each delivery that this worker took would be poisoned.
    """
    with house.database.reading() as store:
        sha256 = originals.newest(store)
    if sha256 is None:
        return
    try:
        house.originals.open(sha256).close()
    except FileNotFoundError:
        raise StopAtStart(
            [
                f"{house.settings.originals or house.home / 'originals'} lacks the original that came last: workers must find "
                "all originals, wherever they run. Set `originals` to a bucket, or to one folder that is mounted on each machine"
            ]
        ) from None
    except TryAgain as away:
        log.warning("originals.away", why=str(away))


def main(home: Path, *, concurrency: int) -> None:
    """Runs a worker of one home until SIGTERM or SIGINT."""
    here = house(home)
    if here.settings.dispatch != "scaled":
        raise OperatorMistake(
            "this home's own service loads its deliveries. For workers beside it set "
            'dispatch = "scaled" in meterdrop.toml (on PostgreSQL), and start `meterdrop up` again'
        )
    here.catalog.agreements("", on=here.today())  # bad schemas are told here, once
    check_originals(here.settings)
    _see_originals(here)
    (here.home / "work").mkdir(exist_ok=True)
    service = WorkerService(here, concurrency=concurrency)

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        service.stop()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    service.run()
