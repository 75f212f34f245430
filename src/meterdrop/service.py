"""The long-running pipeline: the bell and the sweep wake partners, workers drain them, receipts go out."""

import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final

import structlog

from meterdrop.bootstrap import House, house
from meterdrop.dispatch.embedded import EmbeddedDispatch
from meterdrop.model.errors import TryAgain
from meterdrop.receive import bell
from meterdrop.store import deliveries

log = structlog.get_logger()

_STOP_WAIT: Final = 60.0
_RETRY_AFTER: Final = 1.0


class Service:
    """One home's pipeline, in this process."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._landing = house.home / "landing"
        self._stopping = threading.Event()
        self._rung = threading.Event()
        self._dispatch = EmbeddedDispatch(drain=self._drain, workers=house.settings.workers)

    def run(self) -> None:
        """Works until `stop`; what is half-done then is finished or taken up at the next start."""
        with self._house.locks.hold("pipeline", wait=5.0):
            self._landing.mkdir(parents=True, exist_ok=True)
            observer = bell.watch(self._landing, ring=self._rung.set)
            self._sweep()
            self._dispatch.run_workers()
            _say({"event": "ready", "home": str(self._house.home)})
            log.info("pipeline.ready")
            try:
                self._watch()
            finally:
                observer.stop()
                finished = self._dispatch.stop(wait=_STOP_WAIT)
                log.info("pipeline.stopped", finished=finished)

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
        with suppress(TryAgain):
            with self._house.database.reading() as store:
                waiting = deliveries.partners_with_work(store)
            for partner in waiting:
                self._dispatch.wake(partner)

    def _take_in(self) -> None:
        try:
            for partner in self._house.receive.take_all(self._landing):
                self._dispatch.wake(partner)
            self._house.send_receipts()
        except TryAgain as error:
            log.warning("receive.try-again", why=str(error))
        except Exception:
            # The loop of the service: what failed stays where it is for the next sweep.
            log.exception("receive.failed")

    def _drain(self, partner: str) -> None:
        try:
            self._house.drain(partner, stopping=self._stopping.is_set)
        except TryAgain as error:
            log.warning("drain.try-again", partner=partner, why=str(error))
        except Exception:
            # The edge of ingest: the delivery stays `loading`; the sweep tries it again until it is poisoned.
            log.exception("drain.failed", partner=partner)
            self._stopping.wait(_RETRY_AFTER)


def _say(event: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def _stop_with_parent(service: Service) -> None:
    """Ends with the process that started us: its end of our stdin closes, however it died."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    service.stop()


def main(home: Path, *, stop_with_stdin: bool) -> None:
    """Runs one home's pipeline until SIGTERM or SIGINT."""
    service = Service(house(home))

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        service.stop()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    if stop_with_stdin:
        threading.Thread(target=_stop_with_parent, args=(service,), daemon=True).start()
    service.run()
