"""What is past its time goes, kind by kind; by default nothing has a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from meterdrop.dispatch.locks import Locks
from meterdrop.model.retention import Ended
from meterdrop.usecases.retention.part import Part, Turn

log = structlog.get_logger()


@dataclass(frozen=True)
class Retention:
    """Safe to repeat and to be killed at any point; one run at a time. No parts: nothing is ever taken away."""

    parts: Sequence[Part]
    """Of what the settings limit, in the order in which it goes: none takes away what another one counts."""
    locks: Locks
    clock: Callable[[], datetime]
    half_done: Callable[[], bool] = lambda: False
    """Whether a run that was cut off has left something that others wait for. `TryAgain` if the database is away."""

    def foreseen(self) -> tuple[Ended, ...]:
        """What a run would take away now, kind by kind; nothing is changed."""
        now = self.clock()
        return tuple(part.foreseen(now) for part in self.parts)

    def __call__(
        self,
        *,
        who: str,
        go_on: Callable[[], bool] = lambda: True,
        did: Callable[[Ended], None] = lambda _ended: None,
    ) -> tuple[Ended, ...]:
        """What went, kind by kind; `TryAgain` if a run is under way. It ends early once `go_on` says no."""
        turn = Turn(now=self.clock(), who=who, go_on=go_on, did=did)
        gone: list[Ended] = []
        with self.locks.hold("retention", wait=0):
            for part in self.parts:
                ended = part.run(turn)
                gone.append(ended)
                if ended.count:
                    log.info(
                        "retention.done", what=ended.what.value, count=ended.count, bytes=ended.bytes, who=who
                    )
        return tuple(gone)
