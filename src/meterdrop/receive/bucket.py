"""How are originals kept in a bucket? Whole or not at all, in bounded memory; who is away is told as `TryAgain`."""

import errno
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from meterdrop.model.errors import StopAtStart, TryAgain
from meterdrop.receive.bucket_answers import BucketRefuses, is_missing, is_past_the_end, understood

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

Answer = TypeVar("Answer")

PART: Final = 8 * 1024 * 1024
"""So much is sent or fetched at once; a file up to this size in one request."""
_PARTS_AT_ONCE: Final = 2
_SMALL: Final = 1024 * 1024
_SMALL_AT_ONCE: Final = 8
_BLOCK: Final = 1024 * 1024
_TRIES: Final = 4
"""So often is a part asked for of which only a piece came."""
_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
_RETRY_SECONDS: Final = 20.0
_CONNECT_SECONDS: Final = 5.0
_REST: Final = 2.0
"""Who was away is left alone for so long: what wants it does not wait in line for it."""
_TRIAL: Final = "meterdrop-check"
_TRIAL_CONTENT: Final = b"Written by meterdrop to see whether originals can be kept here.\n"


@dataclass(frozen=True)
class Keys:
    """What opens the bucket; called, they are as obstore asks for them. Never shown."""

    id: str = field(repr=False)
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)

    def __call__(self) -> "S3Credential":
        """They are good until told otherwise."""
        return {
            "access_key_id": self.id,
            "secret_access_key": self.secret,
            "token": self.token,
            "expires_at": None,
        }


@dataclass(frozen=True)
class Place:
    """Where a bucket is, and how it is spoken to."""

    bucket: str
    prefix: str | None = None
    endpoint: str | None = None
    """None: that of AWS for the region."""
    region: str | None = None
    path_style: bool = True
    """Whether the bucket is named in the path, not in the host."""
    http: bool = False
    """Whether it may be spoken to without TLS."""
    authorities: bytes | None = field(default=None, repr=False)
    """Certificates to trust besides the machine's own (PEM)."""
    seconds: float = 60.0
    """So long may one request take."""
    retries: int = 4
    """So often is a request made again that the store did not answer, or was too busy for."""

    def __str__(self) -> str:
        """As a person would call it."""
        at = "" if self.endpoint is None else f" at {self.endpoint}"
        return f"s3://{self.bucket}{'/' + self.prefix if self.prefix else ''}{at}"

    @property
    def address(self) -> str | None:
        """The endpoint, with the bucket in the host where that is asked for: obstore leaves this to us."""
        if self.endpoint is None or self.path_style:
            return self.endpoint
        scheme, _, host = self.endpoint.partition("://")
        return f"{scheme}://{self.bucket}.{host}"


class Bucket:
    """A part of one bucket of an S3-compatible store. Objects appear whole or not at all.

    Every method raises `TryAgain` if the store does not do it; that is a `BucketRefuses` if a person must act. `keys` None:
    those that obstore finds in its own ways, which are those of AWS. `StopAtStart` if nothing can be made of all that.
    """

    def __init__(
        self,
        place: Place,
        *,
        keys: Keys | None,
        pause: Callable[[float], None] = time.sleep,
        passed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.place = place
        self.store = _store(place, keys)
        self._pause = pause
        self._passed = passed
        self._away: str | None = None
        self._away_since = 0.0
        self._last: tuple[str, bytes] | None = None

    def put(self, name: str, *, content: Path, sha256: str) -> None:
        """Keeps a file under this name, if it is not there with this size already; looks whether it is then.

        It gets its name only when all of it was sent, and only if it has this hash. Of what was cut, parts without a name
        may be left in the store, which a lifecycle rule removes.
        """
        with content.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if self.size(name) == size:
                return
            self._send(name, _hashed(stream, sha256=sha256), size=size)
        if (kept := self.size(name)) != size:
            raise TryAgain(f"the originals in {self.place}: of {size} bytes sent {kept} are there")

    def put_all(self, contents: Mapping[str, tuple[Path, str]]) -> None:
        """The same for several, by name: small ones at the same time, for each of them mostly waits for answers."""
        small = {name for name, (content, _) in contents.items() if content.stat().st_size <= _SMALL}
        with ThreadPoolExecutor(_SMALL_AT_ONCE) as at_once:
            sent = [
                at_once.submit(self.put, name, content=content, sha256=sha256)
                for name, (content, sha256) in contents.items()
                if name in small
            ]
            for one in sent:
                one.result()
        for name in contents.keys() - small:
            content, sha256 = contents[name]
            self.put(name, content=content, sha256=sha256)

    def forget(self, name: str) -> None:
        """Removes what is under this name; safe to repeat."""
        self._last = None
        with suppress(FileNotFoundError):
            self.asked("remove a file", partial(obstore.delete, self.store, name))

    def _send(self, name: str, blocks: Iterator[bytes], *, size: int) -> None:
        if size <= PART:
            self.asked("keep a file", partial(obstore.put, self.store, name, b"".join(blocks)))
            return
        self.asked(
            "keep a file",
            lambda: obstore.put(
                self.store,
                name,
                blocks,
                use_multipart=True,
                chunk_size=PART,
                max_concurrency=_PARTS_AT_ONCE,
            ),
        )

    def size(self, name: str) -> int | None:
        """How many bytes are under this name; None if nothing is."""
        with suppress(FileNotFoundError):
            return self.asked("look for a file", partial(obstore.head, self.store, name))["size"]
        return None

    def part(self, name: str, *, start: int) -> tuple[bytes, int]:
        """The bytes from `start` on, PART of them at most, and how many there are in all.

        FileNotFoundError if nothing has this name. A connection that broke is taken up again.
        """
        span: GetOptions = {"range": (start, start + PART)}
        for _ in range(_TRIES):
            try:
                found = self.asked("read a file", partial(obstore.get, self.store, name, options=span))
            except _PastTheEnd:
                return b"", start
            with suppress(BaseError):
                told = bytes(found.bytes())
                if len(told) == found.range[1] - found.range[0]:
                    return told, found.meta["size"]
            self._pause(_PAUSE)
        raise TryAgain(f"the originals in {self.place}: can't read a file: the connection breaks each time")

    def remember(self, name: str, content: bytes) -> None:
        """Keeps the bytes of the small file that was read last: whoever loads a file reads it three times."""
        self._last = (name, content)

    def remembered(self, name: str) -> bytes | None:
        """Its bytes, if it was this one."""
        last = self._last
        return None if last is None or last[0] != name else last[1]

    def try_out(self) -> None:
        """Writes a small object and reads it back: so it shows whether originals can be kept here."""
        self.asked("keep a file", partial(obstore.put, self.store, _TRIAL, _TRIAL_CONTENT))
        told, _ = self.part(_TRIAL, start=0)
        if told != _TRIAL_CONTENT:
            raise BucketRefuses(f"the originals in {self.place}: what is read is not what was written there")

    def look(self) -> None:
        """Whether the store answers."""
        self.size(_TRIAL)

    def asked(self, act: str, request: Callable[[], Answer]) -> Answer:
        """What obstore answers to a request; `act` says in an error what it was to do.

        FileNotFoundError if there is no such object. Who was away a moment ago is not asked.
        """
        if self._away is not None and self._passed() - self._away_since < _REST:
            raise TryAgain(self._away)
        try:
            return request()
        except (BaseError, FileNotFoundError) as error:
            told = str(error)
        # Outside of the handler: the store's own words are in no traceback of ours.
        if is_missing(told):
            raise FileNotFoundError(errno.ENOENT, "no such original", str(self.place))
        if is_past_the_end(told):
            raise _PastTheEnd
        failure = understood(told, where=str(self.place), act=act)
        if not isinstance(failure, BucketRefuses):
            self._away, self._away_since = str(failure), self._passed()
        raise failure


class _PastTheEnd(Exception):
    """The range asked for begins where the object has ended: of an empty one each does."""


def _store(place: Place, keys: Keys | None) -> S3Store:
    try:
        return S3Store(
            place.bucket,
            prefix=place.prefix,
            credential_provider=keys,
            client_options=_client(place),
            retry_config=_retry(place),
            config=_config(place),
        )
    except (BaseError, ValueError):
        problem = (
            f"the originals in {place}: obstore can make nothing of these settings and the variables AWS_… of the "
            "environment: is there half of a key, or a misspelt value?"
        )
    # Outside of the handler: what obstore says of them is in no traceback of ours.
    raise StopAtStart([problem])


def _retry(place: Place) -> "RetryConfig":
    return {
        "max_retries": place.retries,
        "retry_timeout": timedelta(seconds=_RETRY_SECONDS),
        "backoff": {
            "init_backoff": timedelta(seconds=_PAUSE),
            "max_backoff": timedelta(seconds=_LONGEST_PAUSE),
            "base": 2,
        },
    }


def _client(place: Place) -> "ClientConfig":
    options: ClientConfig = {
        "allow_http": place.http,
        "timeout": timedelta(seconds=place.seconds),
        "connect_timeout": timedelta(seconds=min(place.seconds, _CONNECT_SECONDS)),
    }
    if place.authorities is not None:
        options["root_certificate"] = place.authorities
    return options


def _config(place: Place) -> "S3Config":
    config: S3Config = {
        "virtual_hosted_style_request": not place.path_style,
        "disable_bulk_delete": True,  # not every store has it
    }
    if place.address is not None:
        config["endpoint"] = place.address
    if place.region is not None:
        config["region"] = place.region
    return config


def _hashed(stream: IO[bytes], *, sha256: str) -> Iterator[bytes]:
    """The stream in blocks. `TryAgain` instead of its end if it does not have this hash: then it gets no name."""
    hashed = hashlib.sha256()
    while block := stream.read(_BLOCK):
        hashed.update(block)
        yield block
    if hashed.hexdigest() != sha256:
        raise TryAgain("a file was changed while it was being kept")
