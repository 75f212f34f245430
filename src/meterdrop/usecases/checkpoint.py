"""Where can a kill hit? Named points on the road from ticket to receipt, for tests that do it."""

import os
import signal
from collections.abc import Callable
from typing import Final

Checkpoint = Callable[[str], None]
"""Called with a point's name each time the road passes it."""

POINTS: Final = (
    "receive:read",
    "receive:kept",
    "receive:recorded",
    "receive:put-away",
    "ingest:begun",
    "ingest:recognised",
    "ingest:judged",
    "publish:rows",
    "publish:quarantine",
    "publish:settled",
    "publish:committed",
    "outbox:written",
    "outbox:marked",
)
"""In the order of the road."""

AHEAD_POINTS: Final = ("publish:ahead",)
"""Between `ingest:recognised` and `ingest:judged`, where rows of a large file are stored before the last is judged."""

WATCH_POINTS: Final = ("watch:copied", "watch:handed-over")
"""Before them, where a file comes from a watched folder."""

RETENTION_POINTS: Final = (
    "retention:forgotten",
    "retention:erased",
    "retention:ended",
    "retention:removed",
    "retention:thinned",
    "retention:detached",
    "retention:dropped",
)
"""Where what was kept for its time goes."""


def kill_at(words: str, *, worker: int | None = None) -> Checkpoint:
    """A checkpoint that kills at one point. `words` name the point, and who is killed there:

    `POINT`: this process, and the pipeline with it if this is one of its workers, as a power cut would;
    `POINT in N workers`: only workers, and only the first N that are started one after another in each place.
    `worker` is how many were started before this one in its place, or None in a process that is no worker.
    """
    point, _, which = words.partition(" in ")
    dies = not which or (worker is not None and worker < int(which.split()[0]))
    takes_along = not which and worker is not None

    def check(passed: str) -> None:
        if not dies or passed != point:
            return
        if takes_along:
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    return check


def walk_on(_point: str) -> None:
    """The ordinary checkpoint: nothing happens."""
