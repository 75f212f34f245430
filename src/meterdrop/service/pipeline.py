"""The long-running pipeline: the bell and the sweep wake partners, workers drain them, receipts go out."""

import json
import os
import shutil
import signal
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

import structlog

from meterdrop.bootstrap import (
    House,
    check_originals,
    house,
    problems_of_watched,
    retention_of,
    told_in,
)
from meterdrop.dispatch.children import WarmChild
from meterdrop.dispatch.embedded import EmbeddedDispatch
from meterdrop.dispatch.jobs import RECEIPTS
from meterdrop.dispatch.queue_runner import QueueRunner, Queues
from meterdrop.dispatch.scaled import ScaledDispatch
from meterdrop.dispatch.tasks import add_letters
from meterdrop.model.errors import StopAtStart, TryAgain
from meterdrop.receive import bell
from meterdrop.service.caretaker import Caretaker
from meterdrop.service.hello import written
from meterdrop.service.postman import Postman
from meterdrop.service.watcher import Watcher
from meterdrop.store import deliveries, months
from meterdrop.usecases.make_months import make_months

log = structlog.get_logger()

_START_WAIT: Final = 120.0
_STOP_WAIT: Final = 60.0
_KILL_WAIT: Final = 5.0
_SCRATCH_KEPT: Final = 2 * 24 * 3600.0
_WORKER: Final = (sys.executable, "-m", "meterdrop.service.child")
_POOL: Final = "ARROW_DEFAULT_MEMORY_POOL"


class Service:
    """One home's pipeline: this process takes in and sends out, its workers are processes of their own."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._landing = house.home / "landing"
        self._stopping = threading.Event()
        self._rung = threading.Event()
        self._postman = Postman(house.send_receipts)
        self._caretaker = Caretaker(retention_of(house), today=house.today)
        self._workers = [] if house.is_scaled else [worker_of(house) for _ in range(house.settings.workers)]
        self._dispatch = (
            _scaled(house, postman=self._postman)
            if house.is_scaled
            else EmbeddedDispatch(workers=self._workers)
        )
        self._watcher = _watcher(house)

    def run(self) -> None:
        """Works until `stop`; what is half-done then is finished or taken up at the next start."""
        with self._house.locks.hold("pipeline", wait=5.0):
            self._landing.mkdir(parents=True, exist_ok=True)
            self._clear_away()
            observer = bell.watch(self._landing, ring=self._rung.set)
            try:
                self._postman.start()
                self._caretaker.start()
                self._dispatch.run_workers()
                self._sweep()
                if not self._dispatch.is_warm(wait=_START_WAIT):
                    raise StopAtStart([self._dispatch.not_warm])
                if self._watcher is not None:
                    self._watcher.start()
                say({"event": "ready", "home": str(self._house.home)} | _watched(self._house))
                log.info("pipeline.ready")
                self._watch()
            finally:
                if self._watcher is not None:
                    self._watcher.stop()
                observer.stop()
                self._caretaker.stop()
                self._postman.stop()
                log.info("pipeline.stopped", finished=self._stop_workers())

    def stop(self) -> None:
        """No new work; the delivery being loaded is finished."""
        self._stopping.set()
        self._rung.set()

    def _watch(self) -> None:
        """The bell wakes us at once; without it we look every `sweep_seconds`."""
        while not self._stopping.is_set():
            swept = time.monotonic()
            while (left := swept + self._house.settings.sweep_seconds - time.monotonic()) > 0:
                if not self._rung.wait(left):
                    break
                self._rung.clear()
                if self._stopping.is_set():
                    return
                self._take_in()
            self._sweep()

    def _sweep(self) -> None:
        """The truth: what lies on the doorstep, in the database and in the outbox, whatever we were told."""
        self._take_in()
        self._caretaker.ring()
        with suppress(TryAgain):
            make_months(self._house.database, days=months.ahead(self._house.today()))
        with suppress(TryAgain):
            with self._house.database.reading() as store:
                waiting = deliveries.partners_with_work(store)
            for partner in waiting:
                self._dispatch.wake(partner)

    def _take_in(self) -> None:
        try:
            self._house.receive.take_all(self._landing, wake=self._dispatch.wake)
        except TryAgain as error:
            log.warning("receive.try-again", why=str(error))
        except Exception:
            # The loop of the service: what failed stays where it is for the next sweep.
            log.exception("receive.failed")
        self._postman.ring()

    def _clear_away(self) -> None:
        """Scratch that killed processes left behind, long enough ago that nobody can be at it any more."""
        for left in (self._house.home / "work").glob("*"):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime < _SCRATCH_KEPT:
                    continue
                if left.is_dir():
                    shutil.rmtree(left)
                else:
                    left.unlink()

    def _stop_workers(self) -> bool:
        """Whether every worker finished the delivery it was at; the others are cut off."""
        for worker in self._workers:
            worker.stop()
        finished = self._dispatch.stop(wait=_STOP_WAIT)
        if not finished:
            for worker in self._workers:
                worker.kill()
            self._dispatch.stop(wait=_KILL_WAIT)
        for worker in self._workers:
            worker.end()
        return finished


def worker_of(house: House) -> WarmChild:
    """A worker for this house.

    Arrow takes its memory from malloc there: its own pool maps a gigabyte at once, used or not, which would make
    the limit of memory a gigabyte wide of the mark.
    """
    return WarmChild(
        command=_WORKER,
        environment={_POOL: "system", **os.environ},
        hello=lambda number: written(house.for_worker(number)),
        seconds=house.settings.delivery_seconds,
    )


def _scaled(house: House, *, postman: Postman) -> ScaledDispatch:
    """Others load; we only hear of the receipts that come of it."""
    queues = Queues(
        at_once={(RECEIPTS,): 1}, add_tasks=partial(add_letters, ring=postman.ring), stop_wait=_KILL_WAIT
    )
    return ScaledDispatch(
        jobs=house.jobs, listener=QueueRunner(address=house.database.address(), queues=queues)
    )


def _watcher(house: House) -> Watcher | None:
    """Who looks after the watched folders, if there are any."""
    watch = house.watch_folders
    if watch is None:
        told_in(house.home).unlink(missing_ok=True)  # of a time when there were
        return None
    return Watcher(
        watch=watch,
        told=told_in(house.home),
        sweep_seconds=house.settings.sweep_seconds,
        has_bell=house.settings.watch_bell,
    )


def _watched(house: House) -> dict[str, object]:
    """What the ready line says of watched folders."""
    return {} if house.settings.watch is None else {"watched": str(house.settings.watch)}


def say(event: dict[str, object]) -> None:
    """One line for whoever started us."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def _stop_with_parent(service: Service) -> None:
    """Ends with the process that started us: its end of our stdin closes, however it died."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    service.stop()


def main(home: Path, *, stop_with_stdin: bool, watch: Path | None = None) -> None:
    """Runs one home's pipeline until SIGTERM or SIGINT; `watch` is a folder that another SFTP server fills."""
    here = house(home, watch=watch)
    if problems := problems_of_watched(here.settings):
        raise StopAtStart(problems)
    check_originals(here.settings)
    service = Service(here)

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        service.stop()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    if stop_with_stdin:
        threading.Thread(target=_stop_with_parent, args=(service,), daemon=True).start()
    service.run()
