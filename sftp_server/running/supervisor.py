"""What do we and our supervisor say to each other? Sockets that it listens on for us, and signs that we are ready.

The two protocols are systemd's, and small: sd_listen_fds(3) and sd_notify(3).
"""

import asyncio
import socket
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass

from sftp_server.audit import warn
from sftp_server.refusals import StopAtStart

METRICS = "metrics"
_FIRST_PASSED = 3
_PATIENCE_WITH_IT = 0.1
"""A supervisor that does not listen fills its queue; no partner waits for it longer than that."""


@dataclass(frozen=True)
class Sockets:
    """What somebody else listens on for us: where partners knock, and where numbers are asked for."""

    partners: Sequence[socket.socket] = ()
    metrics: socket.socket | None = None


NOTHING_PASSED = Sockets()


def passed_sockets(environment: MutableMapping[str, str], *, process: int) -> Sockets:
    """Those that were passed to this process; none if nobody did. Raises `StopAtStart`.

    The one named `metrics` (FileDescriptorName=) is for the numbers, all others are for partners.
    """
    meant_for = environment.pop("LISTEN_PID", "")
    count = environment.pop("LISTEN_FDS", "0")
    names = environment.pop("LISTEN_FDNAMES", "").split(":")
    if meant_for != str(process):
        return NOTHING_PASSED
    if not count.isdecimal():
        raise StopAtStart(f"LISTEN_FDS is not a number: {count!r}.")
    passed = [listening_socket(_FIRST_PASSED + place) for place in range(int(count))]
    metrics = [sock for sock, name in zip(passed, names, strict=False) if name == METRICS]
    if len(metrics) > 1:
        raise StopAtStart(f"only one socket may be named {METRICS}.")
    return Sockets(
        partners=[sock for sock in passed if sock not in metrics], metrics=metrics[0] if metrics else None
    )


def listening_socket(descriptor: int) -> socket.socket:
    """A socket that somebody else opened for us; raises `StopAtStart` if it is not a listening TCP socket."""
    try:
        passed = socket.socket(fileno=descriptor)
        listens = passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise StopAtStart(f"file descriptor {descriptor} is not a socket that was passed to us.") from error
    if not listens or passed.family not in (socket.AF_INET, socket.AF_INET6):
        raise StopAtStart(
            f"file descriptor {descriptor} is not a listening TCP socket (ListenStream=, Accept=no)."
        )
    passed.setblocking(False)
    passed.set_inheritable(False)
    return passed


class Supervisor:
    """Whoever started us, if it wants to know how we are (systemd's Type=notify)."""

    def __init__(self, address: str | None, *, patience: float | None = None) -> None:
        self._address = address
        self._patience = patience

    @classmethod
    def of(cls, environment: MutableMapping[str, str]) -> "Supervisor":
        """The one that the environment names; it may want a sign of life every so often (WatchdogSec=)."""
        microseconds = environment.pop("WATCHDOG_USEC", "")
        environment.pop("WATCHDOG_PID", None)
        patience = int(microseconds) / 1_000_000 if microseconds.isdecimal() else None
        return cls(environment.pop("NOTIFY_SOCKET", None), patience=patience)

    async def show_life(self) -> None:
        """Again and again, as long as the event loop turns; a door that hangs is started again."""
        while self._patience:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self._patience / 3)

    def tell(self, *words: str) -> None:
        """`READY=1`, `STOPPING=1`, `STATUS=…`; nobody listening is no reason to stop."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.settimeout(_PATIENCE_WITH_IT)
                line.sendto("\n".join(words).encode(), address)
        except OSError as error:
            warn("supervisor.not-told", reason=error.strerror or str(error), words=" ".join(words))
