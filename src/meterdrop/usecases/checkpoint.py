"""Where can a kill hit? Named points on the road from ticket to receipt, for tests that do it."""

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


def walk_on(_point: str) -> None:
    """The ordinary checkpoint: nothing happens."""
