"""Door and pipeline as two processes under one: started together, stopped together, the pipeline raised again."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from meterdrop.model.errors import TryAgain

log = structlog.get_logger()

_START_WAIT: Final = 150.0
_BACKLOG: Final = 1024
_STOP_WAIT: Final = 90.0
_LOOK_EVERY: Final = 0.2
_PAUSE: Final = 1.0


@dataclass
class Child:
    """One process that says it is ready on stdout, and ends when its stdin does."""

    name: str
    command: Sequence[str]
    cwd: Path | None = None
    listen_on: tuple[str, int] | None = None
    """Where we listen for it: who comes while it is down waits, and finds the next one."""
    listening: socket.socket | None = None
    process: subprocess.Popen[str] | None = None
    ready: dict[str, object] = field(default_factory=dict)

    def start(self) -> None:
        """Starts it and waits until it is ready; `TryAgain` if it isn't in time or ends before."""
        passed = self._socket()
        self.process = subprocess.Popen(  # noqa: S603 - our own programs with our own words
            [*self.command, *(f"--listen-fd={number}" for number in passed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=self.cwd, pass_fds=passed,
        )  # fmt: skip
        said: list[str] = []
        reader = threading.Thread(target=self._listen, args=(said,), daemon=True)
        reader.start()
        reader.join(_START_WAIT)
        if not said or not said[0]:
            self.stop()
            raise TryAgain(f"the {self.name} did not start; its last words are above")
        self.ready = json.loads(said[0])

    def _socket(self) -> list[int]:
        """The number of the socket to pass on, if any; the same one at each start."""
        if self.listen_on is None:
            return []
        if self.listening is None:
            host, port = self.listen_on
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            try:
                self.listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
            except OSError as error:
                raise TryAgain(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
        return [self.listening.fileno()]

    def _listen(self, said: list[str]) -> None:
        if self.process is not None and self.process.stdout is not None:
            said.append(self.process.stdout.readline())

    def ended(self) -> int | None:
        """Its exit code if it has ended."""
        return None if self.process is None else self.process.poll()

    def stop(self) -> int:
        """SIGTERM, and SIGKILL if that isn't enough; its exit code. Nobody listens any more."""
        if self.listening is not None:
            self.listening.close()
            self.listening = None
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(_STOP_WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def door(home: Path, *, host: str, port: int) -> Child:
    """The SFTP server, on a socket that outlives it."""
    words = ["-m", "sftp_server", "--home", str(home), "--stop-with-stdin"]
    return Child(name="door", command=[sys.executable, *words], listen_on=(host, port))


def pipeline(home: Path, *, watch: Path | None) -> Child:
    """The pipeline; `watch` is a folder that another SFTP server fills."""
    words = ["-m", "meterdrop", "--home", str(home), "pipeline", "--stop-with-stdin"]
    words += [] if watch is None else ["--watch-only", str(watch)]
    return Child(name="pipeline", command=[sys.executable, *words])


class Supervisor:
    """Keeps the door, if there is one, and the pipeline running until told to stop."""

    def __init__(self, *, door: Child | None, pipeline: Child) -> None:
        self._children = (pipeline,) if door is None else (pipeline, door)
        self._stopping = threading.Event()

    def start(self) -> dict[str, object]:
        """Starts both; what they said when they were ready, in one."""
        told: dict[str, object] = {}
        try:
            for child in self._children:
                child.start()
                told |= child.ready
        except TryAgain:
            self.stop_all()
            raise
        return told

    def stop(self) -> None:
        """Asks `watch` to return."""
        self._stopping.set()

    def watch(self) -> None:
        """Until `stop`: a child that ends by itself is started again after a pause."""
        while not self._stopping.wait(_LOOK_EVERY):
            for child in self._children:
                code = child.ended()
                if code is not None:
                    log.error("child.ended", child=child.name, code=code)
                    time.sleep(_PAUSE)
                    child.start()

    def stop_all(self) -> int:
        """Stops the door first, so that nothing new comes, then the pipeline; 0 if both stopped well."""
        codes = [child.stop() for child in reversed(self._children)]
        return 0 if all(code == 0 for code in codes) else 1
