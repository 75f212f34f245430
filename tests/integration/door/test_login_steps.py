"""Is there an order of login messages that opens the door without all that the account asks for?"""

import queue
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import argon2
import paramiko
import pytest
from asyncssh.constants import (
    MSG_CHANNEL_OPEN,
    MSG_GLOBAL_REQUEST,
    MSG_SERVICE_ACCEPT,
    MSG_SERVICE_REQUEST,
    MSG_USERAUTH_FAILURE,
    MSG_USERAUTH_REQUEST,
    MSG_USERAUTH_SUCCESS,
)
from paramiko.auth_handler import AuthHandler

from tests.integration.door.clients import another_address, knock
from tests.integration.door.hostile import number, text
from tests.integration.door.house import House, wait_until
from tests.tables import NoteRow

PASSWORD = "tajné heslo 1"
HASH = argon2.PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1).hash(PASSWORD)
RIGHT = PASSWORD.encode()
MSG_USERAUTH_INFO_REQUEST, MSG_USERAUTH_INFO_RESPONSE = 60, 61
ANSWERS = (MSG_USERAUTH_FAILURE, MSG_USERAUTH_SUCCESS, MSG_USERAUTH_INFO_REQUEST)
"""The last has the number of PK_OK, too."""
Step = Callable[["Talk"], bytes]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """techem and ista need both, enbra a password, metra a key."""
    made = House(home=tmp_path_factory.mktemp("steps") / "home")
    made.furnish()
    for partner in ("techem", "ista"):
        made.write_account(partner, more=f'password = "{HASH}"\nlogin = "key and password"')
    made.write_account("enbra", more=f'password = "{HASH}"\nlogin = "password"', keys=[])
    made.write_account("metra")
    made.start()
    yield made
    told = (made.home / "audit" / "door.jsonl").read_text() + made.stderr_file.read_text()
    assert PASSWORD not in told
    assert HASH not in told
    assert "Traceback" not in told
    made.clear_away()


class Ear(AuthHandler):
    """Instead of paramiko's own client of logins: only what number each answer has."""

    def __init__(self, transport: paramiko.Transport) -> None:
        super().__init__(transport)
        self.heard: queue.Queue[int] = queue.Queue()

    @property
    def _handler_table(self) -> dict[int, Callable[[paramiko.Message], None]]:
        return {kind: partial(self._hear, kind) for kind in (MSG_SERVICE_ACCEPT, *ANSWERS)}

    def _hear(self, kind: int, _: paramiko.Message) -> None:
        self.heard.put(kind)


class Talk:
    """A connection on which we say every login message ourselves."""

    def __init__(self, house: House) -> None:
        self.house, self.transport = house, knock(house)
        self._ear = Ear(self.transport)
        self.transport.auth_handler = self._ear
        self.say(bytes([MSG_SERVICE_REQUEST]) + text(b"ssh-userauth"))
        assert self._ear.heard.get(timeout=5) == MSG_SERVICE_ACCEPT

    def say(self, message: bytes) -> None:
        """One message as it is; nobody may be there any more to hear it."""
        with suppress(OSError, EOFError):
            self.transport._send_message(paramiko.Message(message))  # type: ignore[attr-defined]  # not in the types

    def answer(self) -> int | None:
        """The number of the next answer; None if the connection ended."""
        while True:
            try:
                return self._ear.heard.get(timeout=0.02)
            except queue.Empty:
                if not self.transport.is_active():
                    return None


def _request(name: str, method: bytes, rest: bytes) -> bytes:
    return (
        bytes([MSG_USERAUTH_REQUEST]) + b"".join(map(text, (name.encode(), b"ssh-connection", method))) + rest
    )


def key(name: str, *, of: str = "", signs_for: str = "") -> Step:
    """A key and its signature; of another partner perhaps, or a signature that says another name."""

    def message(talk: Talk) -> bytes:
        private = paramiko.Ed25519Key.from_private_key_file(str(talk.house.key_file(of or name)))
        about = b"\1" + text(b"ssh-ed25519") + text(private.asbytes())
        session = talk.transport.session_id
        assert session is not None
        signed = text(session) + _request(signs_for or name, b"publickey", about)
        return _request(name, b"publickey", about + text(private.sign_ssh_data(signed).asbytes()))

    return message


def offer(name: str) -> Step:
    """A question about the partner's own key, without a signature."""

    def message(talk: Talk) -> bytes:
        public = paramiko.Ed25519Key.from_private_key_file(str(talk.house.key_file(name))).asbytes()
        return _request(name, b"publickey", b"\0" + text(b"ssh-ed25519") + text(public))

    return message


def password(name: str, said: bytes = RIGHT, *, new: bytes | None = None) -> Step:
    """A password, or a wish to change it."""
    change = b"\0" + text(said) if new is None else b"\1" + text(said) + text(new)
    return lambda _: _request(name, b"password", change)


def ask(name: str) -> Step:
    """The beginning of keyboard-interactive."""
    return lambda _: _request(name, b"keyboard-interactive", text(b"") + text(b""))


def say(*answers: bytes) -> Step:
    """The answers to it."""
    return lambda _: bytes([MSG_USERAUTH_INFO_RESPONSE]) + number(len(answers)) + b"".join(map(text, answers))


def method(name: str, how: bytes) -> Step:
    """Another way to log in."""
    return lambda _: _request(name, how, text(b"x"))


def raw(message: bytes) -> Step:
    """A message that has no place before a login."""
    return lambda _: message


BOTH_WAYS: dict[str, list[Step]] = {
    "the key, then the password": [key("techem"), password("techem")],
    "the key, then the answer": [key("techem"), ask("techem"), say(RIGHT)],
    "a wrong password in between": [key("techem"), password("techem", b"wrong"), password("techem")],
    "another name first": [key("ista"), key("techem"), password("techem")],
    "the answer": [ask("enbra"), say(RIGHT)],
}
IN_VAIN: dict[str, list[Step]] = {
    "one's key, another's password": [key("techem"), password("ista")],
    "another name in between": [key("techem"), password("ista"), password("techem")],
    "another's question answered": [key("techem"), ask("ista"), say(RIGHT)],
    "a key asked about, then the password": [offer("techem"), password("techem")],
    "a key asked about, then none": [offer("metra"), method("metra", b"none")],
    "a key asked about, another's signature": [offer("metra"), key("metra", of="techem")],
    "a signature for another name": [key("metra", signs_for="techem")],
    "the password first": [password("techem"), key("techem")],
    "the key twice": [key("techem"), key("techem")],
    "two partners' keys": [key("techem"), key("ista")],
    "no answer": [ask("enbra"), say()],
    "two answers": [ask("enbra"), say(RIGHT, RIGHT)],
    "an answer nobody asked for": [say(RIGHT)],
    "the answer twice, after a failure": [ask("enbra"), say(b"wrong"), say(RIGHT)],
    "a new password": [password("enbra", new=b"new")],
    "an empty password": [password("enbra", b"")],
    "a NUL at the end": [password("enbra", RIGHT + b"\0")],
    "no name": [password("")],
    "a password where there is none": [password("metra")],
    "by host": [method("metra", b"hostbased")],
    "by Kerberos": [method("metra", b"gssapi-keyex"), method("metra", b"gssapi-with-mic")],
    "success, said by the client": [raw(bytes([MSG_USERAUTH_SUCCESS]))],
    "a channel": [raw(bytes([MSG_CHANNEL_OPEN]) + text(b"session") + number(0) * 3)],
    "a global request": [
        raw(bytes([MSG_GLOBAL_REQUEST]) + text(b"tcpip-forward") + b"\1" + text(b"") + number(0))
    ],
}


def comes_in(house: House, steps: list[Step]) -> bool:
    """Whether one of the answers is yes; each is waited for."""
    another_address(house)
    talk = Talk(house)
    try:
        for step in steps:
            talk.say(step(talk))
            if talk.answer() == MSG_USERAUTH_SUCCESS:
                return True
        return False
    finally:
        talk.transport.close()


def test_what_an_account_asks_for_opens_the_door(house: House) -> None:
    """Else the rest of this page would prove nothing."""
    assert {way: comes_in(house, steps) for way, steps in BOTH_WAYS.items()} == dict.fromkeys(BOTH_WAYS, True)
    wait_until(lambda: len(house.audit("login")) == len(BOTH_WAYS))


@pytest.mark.parametrize("what", IN_VAIN)
def test_nothing_less_does(house: House, what: str, note_row: NoteRow) -> None:
    before = len(house.audit("login"))
    assert not comes_in(house, IN_VAIN[what])
    assert len(house.audit("login")) == before
    note_row("hostile input", what=f"login: {what}", **{"how many": len(IN_VAIN[what]), "found": 0})


def test_nor_does_saying_all_at_once(house: House) -> None:
    """A try that is broken off by the next one counts for nothing, whenever it is found right."""
    before = len(house.audit("login"))
    talk = Talk(house)
    for step in (key("techem"), password("ista"), password("techem"), password("ista")):
        talk.say(step(talk))
    assert talk.answer() == MSG_USERAUTH_FAILURE
    wait_until(lambda: house.audit("login.refused")[-1]["user"] == "ista")
    talk.transport.close()
    assert len(house.audit("login")) == before
