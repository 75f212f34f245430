"""Where does the time go? Clocks around the road's stages, put on from outside: the product knows nothing of them."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import Lock
from typing import Any, Final

from sqlalchemy.engine.default import DefaultDialect

from meterdrop.receive.originals import Originals
from meterdrop.store import findings, quarantine, readings
from meterdrop.usecases.judging import judge
from meterdrop.usecases.judging.readings import ReadingRules
from meterdrop.usecases.publish import Publisher
from meterdrop.usecases.send_receipts import SendReceipts
from tests.bench.memory import peak_mb

REST: Final = "the rest"

_BLOCKS: Final[tuple[str, object, str]] = ("read, split", judge, "read_blocks")
_CALLS: Final[tuple[tuple[str, object, str], ...]] = (
    ("cast", judge, "cast"),
    ("rules", ReadingRules, "judge"),
    ("join findings", judge, "join_findings"),
    ("spool", judge, "_spool_block"),
    ("settle", ReadingRules, "settle"),
    ("count", judge._Tally, "judged"),
    ("rejects file", Publisher, "keep_rejects"),
    ("keep blob", Originals, "take"),
    ("store rows", ReadingRules, "publish"),
    ("store new", readings, "store_new"),
    ("quarantine", quarantine, "add"),
    ("findings", findings, "add"),
    ("receipt", Publisher, "tell"),
    ("commit", DefaultDialect, "do_commit"),
    ("send", SendReceipts, "to"),
)
"""Stage, and the function that is it; what a stage calls of another stage, or a thread of its own does, is the other's time."""

STAGES: Final = (*(stage for stage, _, _ in (_BLOCKS, *_CALLS)), REST)


class Clocks:
    """Seconds, CPU seconds and the most memory (MB) by stage; in each thread one clock runs at any moment.

    What other threads do outside of the stages (waiting, mostly) is not counted.
    """

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)
        self.peak: dict[str, float] = defaultdict(float)
        self._of_thread = _OfThread()
        self._adding = Lock()

    def _stop(self) -> None:
        own = self._of_thread
        wall, cpu = time.perf_counter() - own.since[0], time.thread_time() - own.since[1]
        if own.running:
            stage = own.running[-1]
            with self._adding:
                self.wall[stage] += wall
                self.cpu[stage] += cpu
                self.peak[stage] = max(self.peak[stage], peak_mb())
        own.since = _now()

    @contextmanager
    def running(self, stage: str) -> Iterator[None]:
        """This stage's clock runs, and the one before it in this thread waits."""
        self._stop()
        self._of_thread.running.append(stage)
        try:
            yield
        finally:
            self._stop()
            self._of_thread.running.pop()

    @contextmanager
    def on_the_road(self) -> Iterator[None]:
        """Clocks around every stage, for one load."""
        kept = [(place, name, getattr(place, name)) for _, place, name in (_BLOCKS, *_CALLS)]
        for stage, place, name in _CALLS:
            setattr(place, name, self._timed(stage, getattr(place, name)))
        _, place, name = _BLOCKS
        setattr(place, name, self._timed_blocks(getattr(place, name)))
        peak_mb()
        try:
            with self.running(REST):
                yield
        finally:
            for place, name, was in kept:
                setattr(place, name, was)

    def _timed(self, stage: str, act: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(act)
        def timed(*args: Any, **words: Any) -> Any:  # noqa: ANN401 - stands for any stage's function
            with self.running(stage):
                return act(*args, **words)

        return timed

    def _timed_blocks(self, read: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        @wraps(read)
        def timed(*args: Any, **words: Any) -> Iterator[Any]:  # noqa: ANN401 - stands for `read_blocks`
            blocks = read(*args, **words)
            while True:
                with self.running(_BLOCKS[0]):
                    block = next(blocks, None)
                if block is None:
                    return
                yield block

        return timed


class _OfThread(threading.local):
    def __init__(self) -> None:
        self.running: list[str] = []
        self.since = _now()


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.thread_time()
