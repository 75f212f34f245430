"""What has somebody proven so far, and is it enough? The steps of one connection's login.

asyncssh tells its server of a certificate only who signed it, and takes the first thing proven as a login. So two
methods of the connection are wrapped, `validate_public_key` and `send_userauth_success`;
`tests/integration/door/test_asyncssh_is_as_we_know_it.py` fails when an upgrade changes them. The fallback is safe:
if they were no longer called, nothing would be approved, and nobody would come in.
"""

from typing import NoReturn

import asyncssh
from asyncssh.auth import KbdIntChallenge, KbdIntResponse
from asyncssh.public_key import decode_ssh_public_key
from asyncssh.saslprep import SASLPrepError, saslprep

from sftp_server.logins.accounts import NOTHING_YET, Login, Proofs, ShownKey
from sftp_server.logins.certificates import is_certificate, read_certificate
from sftp_server.logins.keys import SIGNATURES, signed_how
from sftp_server.networks import source_of
from sftp_server.refusals import Unusable
from sftp_server.visitors.bans import NO_SUCH_PARTNER, TOO_MANY_TRIES, WRONG_KEY
from sftp_server.visitors.threshold import Threshold
from sftp_server.visitors.visits import Visit

_MOST_OFFERS = 40
"""How often a client may ask on one connection, right keys included."""
_LONGEST_PASSWORD = 1024


class LoginSteps:
    """Judges what one connection shows; `visit.partner` is set once it is enough."""

    def __init__(self, house: Threshold, visit: Visit) -> None:
        self._house = house
        self._visit = visit
        self._name: str | None = None
        self._offers = 0
        self._approved: ShownKey | None = None
        """The key that may be told right if its signature is; asyncssh asks for it by the server's own methods."""
        self._just_proven: Proofs | None = None
        connection = visit.connection
        self._validate, self._succeed = connection.validate_public_key, connection.send_userauth_success
        connection.validate_public_key = self._judge_key  # type: ignore[method-assign]  # see above
        connection.send_userauth_success = self._end_step  # type: ignore[method-assign]  # see above

    def begin(self, name: str) -> None:
        """Somebody says who it is; what was proven for another name is forgotten, what was guessed is not."""
        if name != self._name:
            self._visit.debts, self._visit.points = self._visit.debts + self._visit.points, 0
        self._name, self._approved, self._just_proven = name, None, None
        self._visit.user = name[:64]
        self._visit.proofs = NOTHING_YET
        _let_ask_again(self._visit.connection)

    # -- keys --------------------------------------------------------------------------------------------------

    def wants_key(self) -> bool:
        """Whether a key may still be shown."""
        return self._visit.proofs.key is None

    def approves(self, key: asyncssh.SSHKey) -> bool:
        """Whether this is the key in question, or the authority of the certificate in question."""
        if self._approved is None:
            return False
        certificate = self._approved.certificate
        return key.public_data == (self._approved.blob if certificate is None else certificate.authority)

    async def _judge_key(self, username: str, key_data: bytes, msg: bytes, signature: bytes) -> bool:
        """Asked for an offer, without a message, and again for the signed request."""
        self._ask(username)
        try:
            shown = read_shown(key_data)
            reason = self._house.roll.objection_to_key(
                username, shown, address=self._visit.address, now=self._house.clock()
            )
        except Unusable as unusable:
            shown, reason = ShownKey(key_data), str(unusable)
        if reason is None and msg and signed_how(signature) not in SIGNATURES:
            reason = f"signed with {signed_how(signature)[:64]}"
        if reason is None:
            self._approved = shown
            if await self._validate(username, key_data, msg, signature):
                self._just_proven = Proofs(key=shown) if msg else None
                return True
            reason = "wrong signature" if msg else "the key cannot be used"
        self._visit.tries += 1
        self._visit.points += self._price(username)
        self._refuse(reason, shown)
        return False

    # -- passwords ---------------------------------------------------------------------------------------------

    def takes_passwords(self) -> bool:
        """Offered to everybody as soon as one partner has a password: who has one is nobody's business."""
        return self._house.roll.has_passwords

    async def judge_password(self, name: str, password: str) -> bool:
        """Whether the password is right; takes as long for a partner that we do not know."""
        self._ask(name)
        visit, house = self._visit, self._house
        if not self.takes_passwords() or visit.tries >= house.settings.tries_per_connection:
            self._send_away("too many tries")
        price = self._price(name)
        visit.tries += 1  # before the answer is known: a client may break off the check by asking again
        visit.points += price
        stored, reason = house.roll.password_for(name, visit.proofs, address=visit.address, now=house.clock())
        right = await house.passwords.fits(stored, password, source=source_of(visit.address))
        if right and reason is None:
            visit.tries -= 1
            visit.points -= price
            self._just_proven = Proofs(password=stored)
            return True
        self._refuse(reason or "wrong password", None)
        return False

    def challenge(self, name: str) -> KbdIntChallenge:
        """The one question of keyboard-interactive."""
        self._ask(name)
        return ("", "", "", (("Password: ", False),)) if self.takes_passwords() else False

    async def judge_answers(self, name: str, answers: KbdIntResponse) -> bool:
        """The answer, prepared like any password."""
        said = answers[0] if len(answers) == 1 and len(answers[0]) <= _LONGEST_PASSWORD else ""
        try:
            said = saslprep(said)
        except SASLPrepError:
            said = ""
        return await self.judge_password(name, said)

    # -- what comes of it --------------------------------------------------------------------------------------

    async def _end_step(self) -> None:
        """Something was proven: take the partner in if it is enough, else ask for the rest."""
        visit, house, name = self._visit, self._house, self._name or ""
        proven, self._just_proven = self._just_proven, None
        account = house.roll.get(name)
        if proven is None or account is None:
            self._send_away("nothing was proven")
        visit.proofs = visit.proofs.and_(proven)
        if account.login is Login.KEY_AND_PASSWORD and account.lacks(visit.proofs):
            visit.connection.send_userauth_failure(True)
            return
        objection = house.roll.objection(name, visit.proofs, address=visit.address, now=house.clock())
        if objection is not None:
            self._refuse(objection, visit.proofs.key)
            self._send_away("the account was disabled or changed")
        if house.visits.connections_of(name) >= house.settings.connections_per_partner:
            self._refuse("too many connections", visit.proofs.key)
            raise asyncssh.DisconnectError(asyncssh.DISC_TOO_MANY_CONNECTIONS, "too many connections")
        shown = visit.proofs.key
        visit.partner, visit.fingerprint = name, None if shown is None else shown.fingerprint
        await self._succeed()

    def note_login(self) -> None:
        """The audit's line of a login: by what, and whose key it was."""
        proofs = self._visit.proofs
        account = self._house.roll.get(self._visit.partner or "")
        line = None if account is None or proofs.key is None else account.keys.get(proofs.key.blob)
        comment = None if line is None or (proofs.key and proofs.key.certificate) else line.comment[:255]
        self._visit.note("login", method=proofs.method, key_comment=comment, **_about(proofs.key))

    def _ask(self, name: str) -> None:
        if name != self._name:
            self.begin(name)
        self._approved = self._just_proven = None
        self._offers += 1
        _let_ask_again(self._visit.connection)
        if self._offers > _MOST_OFFERS:
            self._send_away("asked too often")

    def _price(self, name: str) -> int:
        return NO_SUCH_PARTNER if self._house.roll.get(name) is None else WRONG_KEY

    def _refuse(self, reason: str, shown: ShownKey | None) -> None:
        """Note why, for the operator; the client learns nothing of it."""
        visit = self._visit
        offered = None if shown is None else shown.fingerprint
        visit.note("login.refused", user=visit.user, offered=offered, reason=reason, **_about(shown))
        if visit.tries >= self._house.settings.tries_per_connection:
            self._send_away("too many tries")

    def _send_away(self, reason: str) -> NoReturn:
        self._visit.points += TOO_MANY_TRIES
        self._visit.ending = reason
        raise asyncssh.DisconnectError(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, reason)


def read_shown(blob: bytes) -> ShownKey:
    """What the client holds up, not yet judged; raises `Unusable`."""
    if is_certificate(blob):
        certificate = read_certificate(blob)
        return ShownKey(certificate.key, certificate)
    try:
        return ShownKey(decode_ssh_public_key(blob).public_data)
    except ValueError:  # also what asyncssh and cryptography raise
        raise Unusable("a key of a kind that we do not take") from None


def _about(shown: ShownKey | None) -> dict[str, str | int]:
    """What the audit says of a certificate; of anything else nothing."""
    if shown is None or shown.certificate is None:
        return {}
    told = shown.certificate
    return {
        "certificate": told.key_id[:255],
        "certificate_serial": told.serial,
        "authority": told.authority_fingerprint,
    }


def _let_ask_again(connection: asyncssh.SSHServerConnection) -> None:
    """Take another service request before the next try: paramiko sends one with every try, and sshd takes it.

    A private name of asyncssh; without it, partners with several keys in paramiko are cut off at the second.
    """
    connection._next_service = b"ssh-userauth"
