"""What does the operator ask about bans? Small files in <home>/ban-requests, taken, done, audited and removed.

Whoever can write there is an operator; but the folder is another user's, so what lies in it is looked at like anything from outside.
"""

import json
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sftp_server.audit import Audit, warn
from sftp_server.networks import parse_address, source_of
from sftp_server.visitors.bans import Bans

_NAME = re.compile(r"[0-9A-Z]{26}\.json")
_LONGEST = 4096
_LONGEST_BAN = 10 * 366 * 24 * 60 * 60.0
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class BadRequest(Exception):
    """A file that is no request of ours; the text says why."""


@dataclass(frozen=True)
class BanRequest:
    """`act` is `add` or `lift`; `address` is None for all there are (`lift` only)."""

    act: str
    address: str | None
    who: str
    reason: str
    seconds: float


def read_request(file: Path) -> BanRequest:
    """One request, read strictly."""
    try:
        descriptor = os.open(file, _FLAGS)
    except OSError as error:
        raise BadRequest(error.strerror or "cannot be opened") from error
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadRequest("not a plain file")
        content = stream.read(_LONGEST + 1)
    try:
        words = json.loads(content)
        request = BanRequest(
            act=_text(words, "act"), address=None if words["address"] is None else _text(words, "address"),
            who=_text(words, "who"), reason=_text(words, "reason"), seconds=float(words["seconds"]),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise BadRequest(f"not as agreed: {type(error).__name__}") from error
    return _checked(request)


def _text(words: dict[str, object], name: str) -> str:
    text = words[name]
    if not isinstance(text, str):
        raise TypeError
    return text[:500]


def _checked(request: BanRequest) -> BanRequest:
    if request.act not in ("add", "lift"):
        raise BadRequest("neither add nor lift")
    if request.address is None and request.act == "add":
        raise BadRequest("no address")
    if request.address is not None and parse_address(request.address.removesuffix("/64")) is None:
        raise BadRequest("not an address")
    if not 0 <= request.seconds <= _LONGEST_BAN:
        raise BadRequest("not a time")
    return request


class BanRequests:
    """The folder of requests."""

    def __init__(self, folder: Path, *, bans: Bans, audit: Audit, expel: Callable[[str], None]) -> None:
        self._folder = folder
        self._bans = bans
        self._audit = audit
        self._expel = expel
        self._stuck: set[str] = set()

    def take(self, *, now: datetime) -> None:
        """Do all that is asked, in order, each once."""
        try:
            names = sorted(file.name for file in self._folder.iterdir() if _NAME.fullmatch(file.name))
        except FileNotFoundError:
            return
        for name in names:
            if name not in self._stuck:
                self._take(self._folder / name, now=now)

    def _take(self, file: Path, *, now: datetime) -> None:
        try:
            self._do(read_request(file), now=now)
        except BadRequest as mistake:
            warn("bans.request-unreadable", file=file.name, reason=str(mistake))
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            self._stuck.add(file.name)
            warn("bans.request-stuck", file=file.name, reason=error.strerror or "")

    def _do(self, request: BanRequest, *, now: datetime) -> None:
        if request.act == "add" and request.address is not None:
            self._ban(request, request.address, now=now)
            return
        addresses = [ban.source for ban in self._bans.running(now=now)]
        for address in addresses if request.address is None else [request.address]:
            lifted = self._bans.lift(address, now=now)
            self._audit.note(
                "ban.lifted",
                address=source_of(address),
                by=request.who,
                reason=request.reason,
                was_banned=lifted,
            )

    def _ban(self, request: BanRequest, address: str, *, now: datetime) -> None:
        source = source_of(address)
        if self._bans.is_never_banned(address):
            self._audit.note(
                "ban.refused", address=source, by=request.who, reason="never_banned in door.toml"
            )
            return
        self._bans.ban(address, seconds=request.seconds, reason=request.reason, by=request.who, now=now)
        self._audit.note(
            "banned", address=source, seconds=request.seconds, by=request.who, reason=request.reason
        )
        self._expel(source)
