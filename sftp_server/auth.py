"""Is this key that partner's? Guessers are slowed down and locked out."""

from collections.abc import Callable
from dataclasses import dataclass

import asyncssh

from sftp_server.accounts import Accounts
from sftp_server.audit import Audit, Clock, warn
from sftp_server.bans import NO_SUCH_PARTNER, TOO_MANY_TRIES, WRONG_KEY, Bans
from sftp_server.refusals import Refused
from sftp_server.settings import Settings
from sftp_server.visits import Visit, Visits

_MOST_OFFERS = 40
"""How often a client may ask about keys on one connection, right ones included."""

SessionMaker = Callable[[Visit, str], asyncssh.SSHServerSession[bytes]]


@dataclass(frozen=True)
class Threshold:
    """What a new connection needs to know of the house."""

    settings: Settings
    accounts: Accounts
    bans: Bans
    visits: Visits
    audit: Audit
    clock: Clock
    make_session: SessionMaker


class Doorkeeper(asyncssh.SSHServer):
    """Meets one connection: admits by public key only, and opens nothing but SFTP sessions."""

    def __init__(self, threshold: Threshold) -> None:
        self._house = threshold
        self._visit: Visit | None = None
        self._offers = 0

    # -- coming and going ------------------------------------------------------------------------------------

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Send away who is banned, too quick, or one too many."""
        house = self._house
        now = house.clock()
        peer = conn.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        crowded = house.visits.are_crowded(address, settings=house.settings)
        if crowded or house.bans.is_banned(address, now=now) or not house.bans.may_connect(address, now=now):
            conn.abort()
            return
        number = house.visits.next_number()
        self._visit = Visit(number=number, address=address, connection=conn, audit=house.audit, last_seen=now)
        house.visits.add(self._visit)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count what was tried in vain, and forget the connection."""
        visit, house = self._visit, self._house
        if visit is None:
            return
        house.visits.remove(visit)
        if visit.partner is not None:
            visit.note("logout")
            return
        if visit.user is not None and visit.tries == 0:  # passwords, `none`, or a signature that was wrong
            visit.points += WRONG_KEY
            visit.note("login.refused", user=visit.user, offered=None, reason="left without a login")
        if visit.points and house.bans.add(visit.address, visit.points, now=house.clock()):
            house.audit.note("banned", address=visit.address, seconds=house.settings.ban_time)

    # -- logging in ------------------------------------------------------------------------------------------

    def begin_auth(self, username: str) -> bool:
        """Always True: False would let everybody in without a key."""
        if self._visit is not None:
            self._visit.offered = None
            self._visit.user = username[:64]
            _let_ask_again(self._visit.connection)
        return True

    def public_key_auth_supported(self) -> bool:
        """Keys are the only way in."""
        return True

    def password_auth_supported(self) -> bool:
        """Not here."""
        return False

    def kbdint_auth_supported(self) -> bool:
        """Not here."""
        return False

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether this key may log in as that partner; asked for an offer and again for the signed request."""
        visit, house = self._visit, self._house
        if visit is None:
            return False
        self._offers += 1
        if self._offers > _MOST_OFFERS:
            self._send_away(visit, "asked too often")
        account = house.accounts.get(username)
        if account is not None and account.admits(key=key.public_data, address=visit.address):
            self._check_number(visit, username, key.get_fingerprint())
            comment = account.keys[key.public_data]
            visit.offered = (username, key.public_data, key.get_fingerprint(), comment)
            return True
        visit.offered = None
        _let_ask_again(visit.connection)
        visit.tries += 1
        visit.points += WRONG_KEY if account is not None else NO_SUCH_PARTNER
        visit.note(
            "login.refused",
            user=username[:64],
            offered=key.get_fingerprint(),
            reason=_reason(account is None),
        )
        if visit.tries >= house.settings.tries_per_connection:
            self._send_away(visit, "too many tries")
        return False

    def _check_number(self, visit: Visit, username: str, fingerprint: str) -> None:
        """Send away who has too many connections; only whoever shows a right key learns that."""
        if self._house.visits.connections_of(username) >= self._house.settings.connections_per_partner:
            visit.note("login.refused", user=username, offered=fingerprint, reason="too many connections")
            raise asyncssh.DisconnectError(asyncssh.DISC_TOO_MANY_CONNECTIONS, "too many connections")

    def _send_away(self, visit: Visit, reason: str) -> None:
        visit.points += TOO_MANY_TRIES
        raise asyncssh.DisconnectError(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, reason)

    def auth_completed(self) -> None:
        """The signature was right: take the partner in, if it has not too many connections."""
        visit, house = self._visit, self._house
        if visit is None or visit.offered is None:
            raise asyncssh.DisconnectError(
                asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "no key was approved"
            )
        username, key, fingerprint, comment = visit.offered
        if visit.connection.get_extra_info("username") != username:
            raise asyncssh.DisconnectError(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "the name changed")
        if not house.accounts.still_admits(partner=username, key=key, address=visit.address):
            raise asyncssh.DisconnectError(
                asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "the account was disabled or changed"
            )
        self._check_number(visit, username, fingerprint)
        visit.partner, visit.key, visit.fingerprint = username, key, fingerprint
        visit.last_seen = house.clock()
        visit.note("login", key_comment=comment[:255])

    # -- after the login -------------------------------------------------------------------------------------

    def session_requested(
        self,
    ) -> tuple[asyncssh.SSHServerChannel[bytes], asyncssh.SSHServerSession[bytes]]:
        """An SFTP session, as long as there are not too many on this connection."""
        visit, house = self._visit, self._house
        if visit is None or visit.partner is None:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "log in first")
        if visit.channels >= house.settings.channels_per_connection:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "too many sessions")
        try:
            session = house.make_session(visit, visit.partner)
        except (OSError, Refused) as error:
            warn("partner.folder-unusable", partner=visit.partner, reason=str(error))
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_CONNECT_FAILED, "the server cannot open your folder"
            ) from error
        visit.channels += 1
        return visit.connection.create_server_channel(encoding=None), session


def _let_ask_again(connection: asyncssh.SSHServerConnection) -> None:
    """Take another service request before the next try: paramiko sends one with every key, and sshd takes it.

    A private name of asyncssh; without it, partners with several keys in paramiko are cut off at the second.
    """
    connection._next_service = b"ssh-userauth"


def _reason(unknown: bool) -> str:
    return "no such partner" if unknown else "not a key or network of this partner, or disabled"
