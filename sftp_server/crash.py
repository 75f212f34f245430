"""Where can a test kill the door? Named points between the steps of finishing an upload."""

import os
import signal

POINTS = (
    "door:hashed",
    "door:linked",
    "door:synced",
    "door:journalled",
    "door:handed",
    "door:shown",
    "door:done",
)


class CrashPoints:
    """Does nothing, unless a test chose one point: there the process kills itself with SIGKILL."""

    def __init__(self, chosen: str | None = None) -> None:
        if chosen is not None and chosen.startswith("door:") and chosen not in POINTS:
            raise ValueError(f"{chosen} is not a point; there are {', '.join(POINTS)}")
        self._chosen = chosen

    def reached(self, point: str) -> None:
        """Say that the work has come to `point`."""
        if point == self._chosen:
            os.kill(os.getpid(), signal.SIGKILL)
