"""An S3-compatible store for the tests: moto's server as a process of its own, and a wire to it that can be cut.

A test that takes `bucket` has a new bucket of its own there; whoever takes `wire` as well speaks to it over the wire.
"""

import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Final
from urllib.error import URLError
from urllib.parse import urlencode

import pytest

from meterdrop.receive.bucket import Bucket, Keys, Place

REGION: Final = "us-east-1"
KEYS: Final = Keys(id="AKIAOFNOBODY", secret="sesame-of-the-tests")
_START_WAIT: Final = 60.0
_BLOCK: Final = 65536
_EVERYBODY: Final = "inf"


@dataclass
class Moto:
    """A server that runs; its buckets end with it."""

    port: int
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        """Its endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def new_bucket(self) -> str:
        """The name of a new bucket."""
        name = f"meterdrop-{next(self._numbers)}"
        self.ask("PUT", f"/{name}")
        return name

    def unfinished(self, bucket: str) -> int:
        """How many uploads were begun there and neither finished nor given up."""
        return self.ask("GET", f"/{bucket}?uploads").count("<UploadId>")

    def keys_without_rights(self) -> Keys:
        """Keys that are known, of somebody who may do nothing."""
        name = f"user-{next(self._numbers)}"
        self._identity(Action="CreateUser", UserName=name)
        told = self._identity(Action="CreateAccessKey", UserName=name)
        found = [
            re.findall(rf"<{word}>(.+?)</{word}>", told)[0] for word in ("AccessKeyId", "SecretAccessKey")
        ]
        return Keys(id=found[0], secret=found[1])

    @contextmanager
    def asking_for_keys(self) -> Iterator[None]:
        """Keys and rights count meanwhile, as in a real store."""
        self.ask("POST", "/moto-api/reset-auth", b"0")
        try:
            yield
        finally:
            self.ask("POST", "/moto-api/reset-auth", _EVERYBODY.encode())

    def ask(self, method: str, path: str, body: bytes | None = None, *, service: str = "s3") -> str:
        """What it answers to somebody who is nobody."""
        scope = f"Credential=AKIA/20260101/{REGION}/{service}/aws4_request"
        words = {
            "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
            "Content-Type": "text/plain" if service == "s3" else "application/x-www-form-urlencoded",
        }
        asked = urllib.request.Request(f"{self.url}{path}", data=body, headers=words, method=method)  # noqa: S310 - loopback
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - loopback
            told: bytes = answer.read()
        return told.decode()

    def _identity(self, **words: str) -> str:
        return self.ask("POST", "/", urlencode({"Version": "2010-05-08", **words}).encode(), service="iam")


@dataclass
class Wire:
    """A way to a server that breaks when it is told to, however many use it."""

    server: int
    listener: socket.socket
    sent: int = 0
    """Bytes that went to the server."""
    received: int = 0
    """Bytes that came from it."""
    _breaks: Callable[["Wire"], bool] = lambda _wire: False
    _times: int = 0
    _sends: int | None = None
    _ends: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The endpoint of who is to use it."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def break_when(self, breaks: Callable[["Wire"], bool], *, times: int = 1_000_000) -> None:
        """Each connection breaks from when this is true on; after so many times that is over."""
        self._breaks, self._times = breaks, times

    def hold(self, *, after: int = 0) -> None:
        """When so many bytes were sent, nothing goes through any more, and nothing breaks."""
        self._sends = after

    def mend(self) -> None:
        """All is well again."""
        self._times, self._sends = 0, None

    def serve(self) -> None:
        """Until the listener is closed."""
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                self._ends.append(near)
                if self._is_broken():
                    near.close()
                elif not self._holds():
                    self._join(near)

    def close(self) -> None:
        """Ends it, and all that goes through it."""
        for end in (self.listener, *self._ends):
            _end(end)

    def _join(self, near: socket.socket) -> None:
        far = socket.create_connection(("127.0.0.1", self.server))
        self._ends.append(far)
        for source, target, counted in ((near, far, "sent"), (far, near, "received")):
            threading.Thread(target=self._carry, args=(source, target, counted), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, counted: str) -> None:
        with suppress(OSError):
            while block := source.recv(_BLOCK):
                setattr(self, counted, getattr(self, counted) + len(block))
                if self._is_broken():
                    break
                while self._holds():
                    time.sleep(0.01)
                target.sendall(block)
        _end(source)
        _end(target)

    def _holds(self) -> bool:
        return self._sends is not None and self.sent >= self._sends

    def _is_broken(self) -> bool:
        broken = self._times > 0 and self._breaks(self)
        self._times -= broken
        return broken


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def moto() -> Iterator[Moto]:
    """A server of our own, which does not outlive this process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        made = Moto(port=probe.getsockname()[1])
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(made.port)]
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig=KILL", "--", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(made, process)
        yield made
    finally:
        process.kill()
        process.wait()


def _wait(made: Moto, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _START_WAIT
    while True:
        try:
            made.ask("GET", "/moto-api/")
        except (URLError, ConnectionError):
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def s3() -> Iterator[Moto]:
    """A server for all tests of this process."""
    with moto() as made:
        yield made


@pytest.fixture
def wire(s3: Moto) -> Iterator[Wire]:
    """A way to it."""
    made = Wire(server=s3.port, listener=socket.create_server(("127.0.0.1", 0)))
    threading.Thread(target=made.serve, daemon=True).start()
    yield made
    made.close()


@pytest.fixture
def place(s3: Moto) -> Place:
    """Where a new bucket is."""
    return Place(bucket=s3.new_bucket(), prefix="kept/here", endpoint=s3.url, region=REGION, http=True)


@pytest.fixture
def bucket(place: Place) -> Bucket:
    """A new bucket."""
    return Bucket(place, keys=KEYS)
