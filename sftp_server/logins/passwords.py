"""Is this password right? Hashes of argon2id and bcrypt, checked off the event loop and only a few at once."""

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import argon2
import bcrypt
from argon2.exceptions import InvalidHashError, VerificationError

from sftp_server.refusals import Unusable

_ARGON2 = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,4}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})"
)
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_AS_BCRYPT = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
)
_LEAST_WORK, _MOST_WORK, _MOST_MEMORY, _MOST_LANES = 35 * 1024, 1024 * 1024, 256 * 1024, 16
"""argon2id, in KiB: memory times rounds (the least is OWASP's), memory by itself; lanes."""
_LEAST_COST, _MOST_COST = 10, 14
_MOST_BYTES = 1024
_MOST_BYTES_OF_BCRYPT = 72


@dataclass(frozen=True)
class PasswordHash:
    """A hash that is neither too weak nor so dear that checking it would stop the door. Never shown."""

    text: str = field(repr=False)

    @property
    def _shape(self) -> str:
        """Kind and parameters: hashes of one shape take the same time to check."""
        return self.text.rsplit("$", 2)[0] if self.text.startswith("$argon2") else self.text[:7]

    def decoy(self, randomness: bytes) -> "PasswordHash":
        """A hash of the same shape that no password fits, as good as."""
        noise = hashlib.sha512(randomness).digest()
        salt, digest = _digits(noise[:16]), _digits(noise[16:48])
        if self.text.startswith("$argon2"):
            return PasswordHash(f"{self._shape}${salt}${digest}")
        return PasswordHash(self._shape + (salt + digest[:31]).translate(_AS_BCRYPT))

    def fits(self, password: str) -> bool:
        """Whether the password is this one; takes a while, and memory, on purpose."""
        secret = password.encode()
        if self.text.startswith("$argon2"):
            try:
                return (
                    argon2.PasswordHasher().verify(self.text, secret[:_MOST_BYTES])
                    and len(secret) <= _MOST_BYTES
                )
            except (VerificationError, InvalidHashError):
                return False
        right = bcrypt.checkpw(secret[:_MOST_BYTES_OF_BCRYPT], self.text.encode())
        return right and len(secret) <= _MOST_BYTES_OF_BCRYPT


def _digits(noise: bytes) -> str:
    return base64.b64encode(noise).decode().rstrip("=")


def read_hash(text: str) -> PasswordHash:
    """A hash from an account file; raises `Unusable`, which never repeats it."""
    if told := _ARGON2.fullmatch(text):
        memory, rounds, lanes = int(told[1]), int(told[2]), int(told[3])
        fits = memory <= _MOST_MEMORY and 0 < lanes <= _MOST_LANES and memory >= 8 * lanes
        if not fits or not _LEAST_WORK <= memory * rounds <= _MOST_WORK:
            raise Unusable(
                f"the password's hash must take {_LEAST_WORK} to {_MOST_WORK} KiB times rounds,"
                f" at most {_MOST_MEMORY} KiB and {_MOST_LANES} lanes"
            )
        return PasswordHash(text)
    if told := _BCRYPT.fullmatch(text):
        if not _LEAST_COST <= int(told[1]) <= _MOST_COST:
            raise Unusable(f"the password's hash must have a cost of {_LEAST_COST} to {_MOST_COST}")
        return PasswordHash(text)
    raise Unusable("the password must be a hash of argon2id or bcrypt: say `meterdrop partner password`")


class Decoys:
    """What is checked for names without a password of their own, so that the time tells nothing."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._models: list[PasswordHash] = []

    def take_after(self, hashes: Iterable[PasswordHash]) -> None:
        """Look like the hashes that there are."""
        self._models = sorted(hashes, key=lambda one: one.text)

    def __bool__(self) -> bool:
        return bool(self._models)

    def for_name(self, name: str) -> PasswordHash:
        """Always the same for a name, and as dear as that of one of the partners."""
        randomness = hmac.digest(self._secret, name.encode(), "sha256")
        return self._models[int.from_bytes(randomness[:8]) % len(self._models)].decoy(randomness)


class PasswordChecks:
    """A few threads that check passwords; who comes when all are busy waits.

    Of one source only one is checked at a time, the next when it has ended, even if nobody waits for the answer any more:
    a source that guesses on all its connections holds up itself, and others only for one check.
    """

    def __init__(self, *, at_once: int) -> None:
        self._threads = ThreadPoolExecutor(max_workers=max(at_once, 1), thread_name_prefix="password")
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By source; kept by whoever waits or is checked."""

    async def fits(self, hash: PasswordHash, password: str, *, source: str) -> bool:
        """Whether the password is the one of this hash. `source`: where the question comes from (`source_of`)."""
        turn = self._turns.setdefault(source, asyncio.Lock())
        await turn.acquire()
        check = asyncio.get_running_loop().run_in_executor(self._threads, hash.fits, password)
        check.add_done_callback(lambda _: turn.release())
        return await asyncio.shield(check)

    def close(self) -> None:
        """Check nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
