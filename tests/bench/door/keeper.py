"""A parent who waits for every descendant of a command, so that the time of orphans is counted, too.

python -m tests.bench.door.keeper COMMAND...
"""

import ctypes
import os
import signal
import subprocess
import sys
from typing import Final

_PR_SET_CHILD_SUBREAPER: Final = 36


def main() -> None:
    """Runs until the command ends; SIGTERM ends the command."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    command = subprocess.Popen(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: os.kill(command.pid, signal.SIGTERM))
    while os.wait()[0] != command.pid:
        pass


if __name__ == "__main__":
    main()
