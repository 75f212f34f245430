"""One child process that hears and says JSON lines, with a clock for its answers."""

import json
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

_BLOCK: Final = 65536


class ChildProcess:
    """Started by `__init__`; raises OSError if the system can't start it.

    It is in a process group of its own: Ctrl-C at the terminal is for the parent, which tells it what to do.
    """

    def __init__(self, *, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._popen = subprocess.Popen(  # noqa: S603 - our own program with our own words
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, process_group=0
        )
        self._saying = threading.Lock()
        self._heard = bytearray()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    @property
    def _out(self) -> int:
        if self._popen.stdout is None:
            raise ValueError("there is no pipe to hear from")
        return self._popen.stdout.fileno()

    def say(self, **words: object) -> None:
        """One line to its stdin; nothing if it has ended, which `hear` will tell."""
        if self._popen.stdin is None:
            raise ValueError("there is no pipe to say it to")
        with self._saying, suppress(BrokenPipeError):
            self._popen.stdin.write(json.dumps(words).encode() + b"\n")
            self._popen.stdin.flush()

    def hear(self, *, until: float | None) -> dict[str, Any] | None:
        """Its next line; None if it has ended. TimeoutError if it says nothing `until` then (monotonic).

        ValueError if the line is no JSON.
        """
        while (end := self._heard.find(b"\n")) < 0:
            wait = None if until is None else max(0.0, until - time.monotonic())
            if not self._selector.select(wait):
                raise TimeoutError
            block = os.read(self._out, _BLOCK)
            if not block:
                return None
            self._heard += block
        line = bytes(self._heard[:end])
        del self._heard[: end + 1]
        words: dict[str, Any] = json.loads(line)  # what `ChildSide` says
        return words

    def kill(self) -> None:
        """Ends it at once."""
        self._popen.kill()

    def end(self, *, wait: float) -> int:
        """Its exit code, once it has ended; killed if it hasn't within `wait` seconds."""
        with suppress(BrokenPipeError):  # what it did not hear any more is of no interest
            if self._popen.stdin is not None:
                self._popen.stdin.close()
        with self._popen:  # closes the other pipe
            try:
                return self._popen.wait(wait)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                return self._popen.wait()
            finally:
                self._selector.close()
