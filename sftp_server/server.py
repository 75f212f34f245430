"""How does the door open and close? Wires everything into asyncssh; reloads accounts, sweeps, drains."""

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncssh

from sftp_server.audit import Audit, Clock, utc_now, warn
from sftp_server.crash import CrashPoints
from sftp_server.logins.keys import SIGNATURES
from sftp_server.logins.passwords import PasswordChecks
from sftp_server.logins.roll import Roll
from sftp_server.networks import source_of
from sftp_server.refusals import Refused, StopAtStart
from sftp_server.running.draining import drain
from sftp_server.running.home_lock import HomeLock
from sftp_server.running.hostkeys import HostKeys, fingerprint_of
from sftp_server.running.metrics import Metrics, Sights
from sftp_server.running.metrics_server import MetricsServer, listen_on
from sftp_server.running.supervisor import NOTHING_PASSED, Sockets
from sftp_server.settings import Settings
from sftp_server.sftp.operations import DoorSFTP
from sftp_server.sftp.protocol import DoorHandler, DoorSession
from sftp_server.uploads.handoff import clear_half_made
from sftp_server.uploads.recovery import recover, sweep
from sftp_server.uploads.room import Room
from sftp_server.uploads.syncing import Syncer, threads_for_files
from sftp_server.uploads.tidying import tidy
from sftp_server.uploads.usage import Quota
from sftp_server.visitors.ban_requests import BanRequests
from sftp_server.visitors.bans import Bans
from sftp_server.visitors.doorkeeper import Doorkeeper
from sftp_server.visitors.threshold import Threshold
from sftp_server.visitors.visits import Visit, Visits

KEX = ("mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org")
CIPHERS = (
    "chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com",
    "aes256-ctr", "aes192-ctr", "aes128-ctr",
)  # fmt: skip
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
LEGACY_MACS = ("hmac-sha2-256", "hmac-sha2-512")
_KEEPALIVES_MISSED = 3
_BACKLOG = 1024
"""Who waits to be taken; a socket that was passed to us gets the same, and holds them while doors change."""
_IDLE_LOOK = 15
_TELL_LEFT_OUT = 10


class Door:
    """The running server. `start`, then `stop`; `port` is known in between."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now) -> None:
        self.settings = settings
        self._clock = clock
        self._roll = Roll(settings.home / "accounts", secret=secrets.token_bytes(32))
        self._passwords = PasswordChecks(at_once=settings.password_checks_at_once)
        self._bans = Bans(file=settings.home / "bans" / "bans.json", settings=settings)
        self._visits = Visits()
        self._metrics = Metrics(
            Sights(
                home=settings.home, visits=self._visits, bans=self._bans,
                rooms=lambda: list(self._rooms.values()), clock=clock,
            )
        )  # fmt: skip
        self._metrics_server: MetricsServer | None = None
        self._audit = Audit(settings.home / "audit" / "door.jsonl", clock=clock, watch=self._metrics.watch)
        self._ban_requests = BanRequests(
            settings.home / "ban-requests", bans=self._bans, audit=self._audit, expel=self._expel
        )
        self._crash = CrashPoints(settings.crash_at)
        self._syncer = Syncer()
        self._rooms: dict[str, Room] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._lock = HomeLock(settings.home / "audit" / "door.lock")
        self._host_keys = HostKeys(settings.home / "hostkeys")
        self._acceptors: list[asyncssh.SSHAcceptor] = []
        self._hurry = asyncio.Event()
        self._account_mistakes: list[str] = []

    @property
    def port(self) -> int:
        """The port it listens on; the first one's, if sockets were passed to it."""
        return self._acceptors[0].get_port() if self._acceptors else 0

    @property
    def metrics_port(self) -> int | None:
        """The port on which it tells its numbers, if it does."""
        return None if self._metrics_server is None else self._metrics_server.port

    # -- opening ---------------------------------------------------------------------------------------------

    async def start(self, *, sockets: Sockets = NOTHING_PASSED) -> None:
        """Clean up after the last run, then accept; raises `StopAtStart` if the home is not fit.

        `sockets` listen already: whoever passed them goes on listening while one door ends and the next one starts.
        """
        asyncio.get_running_loop().set_default_executor(threads_for_files())
        self._make_folders()
        await self._lock.take(wait=self.settings.wait_for_home)
        self._bans.load()
        self._ban_requests.take(now=self._clock())
        self._reload_accounts()
        self._host_keys.changed()
        host_keys = self._host_keys.read()
        await asyncio.to_thread(self._recover)
        self._metrics_server = self._serve_metrics(sockets.metrics)
        self._acceptors = [await self._listen(host_keys, sock=sock) for sock in sockets.partners or (None,)]
        self._tasks = [
            asyncio.create_task(self._every(self.settings.reload_every, self._look_after_accounts)),
            asyncio.create_task(self._every(self.settings.reload_every, self._look_after_host_keys)),
            asyncio.create_task(
                self._every(min(_IDLE_LOOK, self.settings.idle_timeout), self._look_after_idle)
            ),
            asyncio.create_task(self._every(self.settings.reload_every, self._look_after_ban_requests)),
            asyncio.create_task(self._every(self.settings.sweep_every, self._sweep)),
            asyncio.create_task(self._every(_TELL_LEFT_OUT, self._tell_left_out)),
            asyncio.create_task(self._every(self.settings.tidy_every, self._tidy)),
        ]
        self._audit.note("door.opened", port=self.port)

    def _serve_metrics(self, passed: socket.socket | None) -> MetricsServer | None:
        """On a socket that was passed for it, or where the settings say."""
        settings, registry = self.settings, self._metrics.registry
        if passed is not None:
            return MetricsServer(registry, sock=passed)
        if not settings.metrics:
            return None
        return MetricsServer(registry, sock=listen_on(settings.metrics_host, settings.metrics_port))

    def _make_folders(self) -> None:
        home = self.settings.home
        if not home.is_dir():
            raise StopAtStart(f"{home} is not a folder. Make it with `meterdrop --home {home} init`.")
        for name in ("accounts", "partners", "landing", "receipts", "audit", "bans", "ban-requests"):
            (home / name).mkdir(mode=0o750, exist_ok=True)
        if (home / "landing").stat().st_dev != (home / "partners").stat().st_dev:
            raise StopAtStart(
                f"{home}/landing and {home}/partners must be on one filesystem (files are linked)."
            )

    async def _listen(
        self, host_keys: list[asyncssh.SSHKeyPair], *, sock: socket.socket | None
    ) -> asyncssh.SSHAcceptor:
        settings = self.settings
        threshold = Threshold(
            settings=settings, roll=self._roll, passwords=self._passwords, bans=self._bans, visits=self._visits,
            audit=self._audit, clock=self._clock, make_session=self._make_session,
        )  # fmt: skip
        try:
            return await asyncssh.listen(
                "" if sock else settings.host, 0 if sock else settings.port, sock=sock, server_factory=lambda: Doorkeeper(threshold),
                server_host_keys=host_keys, send_server_host_keys=True, server_version="Meterdrop", config=None,
                kex_algs=KEX, encryption_algs=CIPHERS, mac_algs=MACS + LEGACY_MACS * settings.legacy_macs,
                compression_algs=None, signature_algs=SIGNATURES,
                host_based_auth=False, gss_host=None,
                allow_pty=False, line_editor=False, agent_forwarding=False, x11_forwarding=False,
                login_timeout=settings.login_timeout, keepalive_interval=settings.keepalive,
                keepalive_count_max=_KEEPALIVES_MISSED, backlog=_BACKLOG,
            )  # fmt: skip
        except OSError as error:
            raise StopAtStart(f"cannot listen on {settings.host} port {settings.port}: {error}") from error

    def _make_session(self, visit: Visit, partner: str) -> DoorSession:
        room = self._room(partner)

        def make_handler(
            channel: "asyncssh.SSHServerChannel[bytes]",
            reader: "asyncssh.SSHReader[bytes]",
            writer: "asyncssh.SSHWriter[bytes]",
        ) -> DoorHandler:
            door = DoorSFTP(channel, visit=visit, room=room)
            return DoorHandler(
                door, reader, writer, visits=self._visits, settings=self.settings, clock=self._clock
            )

        return DoorSession(visit=visit, make_handler=make_handler)

    def _room(self, partner: str) -> Room:
        """The partner's room, made at the start or at its first visit; what the last run left comes first."""
        if partner not in self._rooms:
            room = Room(
                settings=self.settings,
                partner=partner,
                audit=self._audit,
                crash=self._crash,
                syncer=self._syncer,
                clock=self._clock,
            )
            room.prepare()
            room.usage.quota = self._quota_of(partner)
            recover(room)
            self._rooms[partner] = room
        return self._rooms[partner]

    def _quota_of(self, partner: str) -> Quota:
        """What the partner's account says, and for the rest what the house does."""
        account, settings = self._roll.get(partner), self.settings
        return Quota(
            bytes=settings.bytes_per_partner
            if account is None or account.max_bytes is None
            else account.max_bytes,
            files=settings.files_per_partner
            if account is None or account.max_files is None
            else account.max_files,
        )

    def _recover(self) -> None:
        """Take up what the last run left; runs before anybody can come in."""
        clear_half_made(self.settings.home / "landing")
        for staging in sorted((self.settings.home / "partners").glob("*/.staging")):
            partner = staging.parent.name
            try:
                self._room(partner)
            except (OSError, Refused) as error:  # one partner's spoilt folder must not shut out the others
                warn("partner.folder-unusable", partner=partner, reason=str(error))

    # -- while open ------------------------------------------------------------------------------------------

    async def _every(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        """Do something again and again; what goes wrong is warned about and tried again."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await act()
            except Exception as error:  # the loop of the service: a dead sweep would be silent and worse
                warn(
                    "door.task-failed",
                    task=getattr(act, "__name__", ""),
                    kind=type(error).__name__,
                    reason=str(error),
                )

    def _reload_accounts(self) -> None:
        mistakes = self._roll.reload()
        if mistakes is None:
            return
        for mistake in mistakes:
            if (
                mistake not in self._account_mistakes
            ):  # what cannot be read is tried again each second, and told once
                warn("account.mistake", reason=mistake)
        self._account_mistakes = mistakes

    async def _look_after_accounts(self) -> None:
        """Read accounts that changed, and close the sessions of who may not be here any more, or not any longer."""
        self._reload_accounts()
        for partner, room in self._rooms.items():
            room.usage.quota = self._quota_of(partner)
        now = self._clock()
        for visit in self._visits:
            if visit.partner is None:
                continue
            objection = self._roll.objection(visit.partner, visit.proofs, address=visit.address, now=now)
            if objection is not None:
                visit.ending = objection
                visit.note("closed", reason=objection)
                visit.connection.disconnect(asyncssh.DISC_BY_APPLICATION, "you may not be here any more")

    async def _look_after_host_keys(self) -> None:
        """New connections get the keys that are there now; with unfit ones the door goes on with those it has."""
        if not self._host_keys.changed():
            return
        try:
            keys = self._host_keys.read()
        except StopAtStart as mistake:
            warn("hostkeys.mistake", reason=str(mistake))
            return
        for acceptor in self._acceptors:
            acceptor.update(server_host_keys=keys)
        self._audit.note("hostkeys.changed", keys=" ".join(fingerprint_of(key) for key in keys))

    async def _look_after_ban_requests(self) -> None:
        self._ban_requests.take(now=self._clock())

    def _expel(self, source: str) -> None:
        """Whoever is here from an address that the operator has banned must go."""
        for visit in self._visits:
            if source_of(visit.address) == source:
                visit.note("closed", reason="the address was banned")
                visit.connection.abort()

    async def _look_after_idle(self) -> None:
        """Close connections that have been silent for too long."""
        oldest = self._clock() - timedelta(seconds=self.settings.idle_timeout)
        for visit in self._visits:
            if visit.last_seen < oldest:
                visit.ending = "idle"
                visit.note("closed", reason=visit.ending)
                visit.connection.disconnect(asyncssh.DISC_BY_APPLICATION, "idle for too long")

    async def _tell_left_out(self) -> None:
        self._audit.tell_left_out()

    async def _sweep(self) -> None:
        for room in list(self._rooms.values()):
            await sweep(room)

    async def _tidy(self) -> None:
        for room in list(self._rooms.values()):
            await tidy(room)

    # -- closing ---------------------------------------------------------------------------------------------

    def hurry(self) -> None:
        """Let `stop` wait for nobody any more."""
        self._hurry.set()

    async def stop(self) -> None:
        """No new connections; uploads in flight get `drain` seconds; then everybody is sent home."""
        for acceptor in self._acceptors:
            acceptor.close()
        await drain(
            visits=self._visits, rooms=lambda: list(self._rooms.values()), seconds=self.settings.drain,
            hurry=self._hurry, clock=self._clock,
        )  # fmt: skip
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._metrics_server is not None:
            await asyncio.to_thread(self._metrics_server.stop)
        self._passwords.close()
        self._audit.tell_left_out()
        self._audit.note("door.closed")
        self._lock.release()
