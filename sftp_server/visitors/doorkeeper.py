"""Who comes, and what may they open? Guessers are slowed down and locked out; what opens the door is in `login`."""

from datetime import datetime

import asyncssh
from asyncssh.auth import KbdIntChallenge, KbdIntResponse

from sftp_server.audit import warn
from sftp_server.networks import plain_address
from sftp_server.refusals import Refused
from sftp_server.visitors.bans import BY_THE_DOOR, WRONG_KEY
from sftp_server.visitors.channel import door_channel
from sftp_server.visitors.flow import Flow
from sftp_server.visitors.login import LoginSteps
from sftp_server.visitors.small_talk import SmallTalk
from sftp_server.visitors.stray import overlook_stray_answers
from sftp_server.visitors.threshold import Threshold
from sftp_server.visitors.visits import Traffic, Visit


class Doorkeeper(asyncssh.SSHServer):
    """Meets one connection: admits by what `LoginSteps` found proven, and opens nothing but SFTP sessions."""

    def __init__(self, threshold: Threshold) -> None:
        self._house = threshold
        self._visit: Visit | None = None
        self._steps: LoginSteps | None = None

    # -- coming and going ------------------------------------------------------------------------------------

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Send away who is banned, too quick, or one too many."""
        house = self._house
        now = house.clock()
        peer = conn.get_extra_info("peername")
        address = plain_address(str(peer[0])) if peer else ""
        reason = self._why_turned_away(address, now=now)
        if reason is not None:
            house.audit.note("turned-away", address=address, reason=reason)
            conn.abort()
            return
        in_the_way = house.visits.who_makes_room(address, settings=house.settings)
        if in_the_way is not None:
            in_the_way.ending = "made room for others"
            in_the_way.connection.abort()
        overlook_stray_answers(conn)
        number = house.visits.next_number()
        traffic = Traffic()
        self._visit = Visit(
            number=number, address=address, connection=conn, audit=house.audit, last_seen=now, begun=now,
            flow=Flow(conn), small_talk=SmallTalk(conn, received=lambda: traffic.received), traffic=traffic,
            all_traffic=house.visits.traffic,
        )  # fmt: skip
        self._steps = LoginSteps(house, self._visit)
        house.visits.add(self._visit)

    def _why_turned_away(self, address: str, *, now: datetime) -> str | None:
        house = self._house
        if house.bans.is_banned(address, now=now):
            return "banned"
        if not house.bans.may_connect(address, now=now):
            return "too quick"
        return "crowded" if house.visits.are_crowded(address, settings=house.settings) else None

    def connection_lost(self, exc: Exception | None) -> None:
        """Count what was tried in vain, and forget the connection."""
        visit, house = self._visit, self._house
        if visit is None:
            return
        house.visits.remove(visit)
        if visit.partner is not None:
            visit.note("logout", **visit.end(error=exc, now=house.clock()))
            self._score(visit, visit.debts)
            return
        visit.note("left", **visit.end(error=exc, now=house.clock()))
        if visit.user is not None and visit.tries == 0:  # `none`, or half of what is asked for
            visit.points += WRONG_KEY
            half = "left with a key alone" if visit.proofs.key else "left without a login"
            visit.note("login.refused", user=visit.user, offered=None, reason=half)
        self._score(visit, visit.debts + visit.points)

    def _score(self, visit: Visit, points: int) -> None:
        """Count points against the address."""
        house = self._house
        if points and house.bans.add(visit.address, points, now=house.clock()):
            house.audit.note(
                "banned",
                address=visit.address,
                seconds=house.settings.ban_time,
                by=BY_THE_DOOR,
                reason="too many failed logins",
            )

    # -- logging in ------------------------------------------------------------------------------------------

    def begin_auth(self, username: str) -> bool:
        """Always True: False would let everybody in without a key."""
        if self._steps is not None:
            self._steps.begin(username)
        return True

    def public_key_auth_supported(self) -> bool:
        """Keys and certificates, until one was proven."""
        return self._steps is not None and self._steps.wants_key()

    def password_auth_supported(self) -> bool:
        """Only in a house where somebody has a password."""
        return self._steps is not None and self._steps.takes_passwords()

    def kbdint_auth_supported(self) -> bool:
        """Another way to ask for the same password."""
        return self.password_auth_supported()

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether this is the key that was judged just now."""
        return self._steps is not None and self._steps.approves(key)

    def validate_ca_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether this is the authority of the certificate that was judged just now."""
        return self._steps is not None and self._steps.approves(key)

    async def validate_password(self, username: str, password: str) -> bool:
        """Whether this is the partner's password."""
        return self._steps is not None and await self._steps.judge_password(username, password)

    async def change_password(self, username: str, old_password: str, new_password: str) -> bool:
        """Not here; but it is a try at the old one, and counts."""
        if self._steps is not None:
            await self._steps.judge_password(username, old_password)
        return False

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> KbdIntChallenge:
        """Ask for the password."""
        return self._steps is not None and self._steps.challenge(username)

    async def validate_kbdint_response(self, username: str, responses: KbdIntResponse) -> KbdIntChallenge:
        """Whether the answer is the partner's password."""
        return self._steps is not None and await self._steps.judge_answers(username, responses)

    def auth_completed(self) -> None:
        """Enough was proven: say so in the audit."""
        visit, steps = self._visit, self._steps
        if visit is None or steps is None or visit.partner is None:
            raise asyncssh.DisconnectError(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "nothing was proven")
        visit.last_seen = self._house.clock()
        visit.flow.widen()
        steps.note_login()

    # -- after the login -------------------------------------------------------------------------------------

    def session_requested(
        self,
    ) -> tuple[asyncssh.SSHServerChannel[bytes], asyncssh.SSHServerSession[bytes]]:
        """An SFTP session, as long as there are not too many on this connection."""
        visit, house = self._visit, self._house
        if visit is None or visit.partner is None:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "log in first")
        if (
            visit.channels >= house.settings.channels_per_connection
            or house.visits.channels_of(visit.partner) >= house.settings.channels_per_partner
        ):
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "too many sessions")
        try:
            session = house.make_session(visit, visit.partner)
        except (OSError, Refused) as error:
            warn("partner.folder-unusable", partner=visit.partner, reason=str(error))
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_CONNECT_FAILED, "the server cannot open your folder"
            ) from error
        visit.channels += 1
        return door_channel(visit.connection), session
