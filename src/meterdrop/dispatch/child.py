"""The worker's side: partners to drain come in on stdin, one word each, and what came of them goes out on stdout."""

import json
import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import BinaryIO, Final, Protocol

import structlog

from meterdrop.dispatch.limits import (
    BROKEN,
    GONE,
    OUT_OF_MEMORY,
    RETIRES_AT_MB,
    GivingBack,
    Limits,
    held_mb,
    hold_to,
    let_go,
)
from meterdrop.model.errors import TryAgain

log = structlog.get_logger()

_BETWEEN: Final = 0.5


class DrainsPartner(Protocol):
    """Loads a partner's deliveries one after another, and says when each begins and is settled."""

    def __call__(
        self,
        partner: str,
        *,
        stopping: Callable[[], bool],
        begins: Callable[[int], None],
        settled: Callable[[int], None],
        leaves: Callable[[], None] | None = None,
    ) -> object:
        """`TryAgain` if the world failed, not a delivery. With `leaves` it ends where a large delivery is next, and says so."""


def stdout_for_answers() -> BinaryIO:
    """This process's stdout, for answers alone: what anything else prints goes to stderr from here on."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


class ChildSide:
    """Serves one parent until it says stop, is gone, or this process should be replaced.

    Orders are JSON lines: `{"drain": partner, "only_small": false}`, `{"stop": true}`. Answers, too: `{"ready": true}`, then for
    each drain `{"begun": key}` and `{"settled": key}` for each delivery, and at last `{"done": true}` (with `"large": true` if a
    large one is left) or `{"try_again": why}`, with `"retires": MB` if this process holds too much to go on. After a bug or at the limit
    of memory there is no answer but the end of the process.
    """

    def __init__(self, *, orders: BinaryIO, answers: BinaryIO, limits: Limits) -> None:
        self._orders = orders
        self._answers = answers
        self._limits = limits
        self._drains: queue.SimpleQueue[tuple[str, bool] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._give_back = GivingBack()
        self._loaded = 0

    def serve(self, drain: DrainsPartner, *, between: Callable[[], bool] = lambda: False) -> None:
        """Drains partners as they are named; while none is, `between` is called again and again for as long as it says yes."""
        threading.Thread(target=self._listen, name="orders", daemon=True).start()
        self._say(ready=True)
        while (order := self._next(between)) is not None:
            partner, only_small = order
            answer = self._drained(partner, drain=drain, only_small=only_small)
            if self._should_retire():
                self._say(**answer, retires=held_mb())
                return
            self._say(**answer)

    def _next(self, between: Callable[[], bool]) -> tuple[str, bool] | None:
        while between():
            with suppress(queue.Empty):
                return self._drains.get(timeout=_BETWEEN)
        return self._drains.get()

    def _listen(self) -> None:
        for line in self._orders:
            order = json.loads(line)
            if "stop" in order:
                self._stopping.set()
                self._drains.put(None)
            else:
                self._drains.put((order["drain"], order["only_small"]))
        if not self._stopping.is_set():
            # The parent is dead. What is half-done is not there yet: one transaction. Its next life must not
            # have to wait for us.
            os._exit(GONE)

    def _drained(self, partner: str, *, drain: DrainsPartner, only_small: bool) -> dict[str, object]:
        told: dict[str, object] = {"done": True}
        try:
            drain(
                partner,
                stopping=self._should_stop,
                begins=self._begins,
                settled=self._settled,
                leaves=partial(told.update, large=True) if only_small else None,
            )
        except TryAgain as error:
            return {"try_again": str(error)}
        except MemoryError:
            # What failed for want of memory may be half-built anywhere in this process.
            os._exit(OUT_OF_MEMORY)
        except Exception:
            # The edge of ingest. A bug may leave anything behind: this process ends, the attempt stays counted.
            log.exception("drain.failed", partner=partner)
            os._exit(BROKEN)
        finally:
            let_go()
        return told

    def _begins(self, key: int) -> None:
        self._say(begun=key)
        hold_to(self._limits)

    def _settled(self, key: int) -> None:
        let_go()
        self._give_back()
        self._loaded += 1
        self._say(settled=key)

    def _should_stop(self) -> bool:
        return self._stopping.is_set() or self._should_retire()

    def _should_retire(self) -> bool:
        return self._loaded > 0 and held_mb() > RETIRES_AT_MB + self._limits.remembers

    def _say(self, **words: object) -> None:
        self._answers.write(json.dumps(words).encode() + b"\n")
        self._answers.flush()
