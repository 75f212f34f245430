"""Do passwords open the door where an account has one, and only as it says?"""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import argon2
import asyncssh
import bcrypt
import paramiko
import pytest
from paramiko.auth_handler import AuthOnlyHandler
from paramiko.transport import ServiceRequestingTransport

from tests.integration.door.clients import (
    IN,
    OUT,
    another_address,
    asyncssh_client,
    by_name,
    knock,
    openssh,
    paramiko_client,
)
from tests.integration.door.house import House, wait_until
from tests.tables import NoteRow

PASSWORD, OTHER = "správný kůň 1", "jiný kůň"
ARGON2 = argon2.PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1).hash(PASSWORD)
BCRYPT = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()


ASKS = {
    "techem": "key and password", "ista": "password", "enbra": "key or password", "metra": "key", "renova": "key (has a password)",
    "inmes": "key or password, from elsewhere", "nobody": "none",
}  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One running door: a partner for each way to log in."""
    made = House(home=tmp_path_factory.mktemp("town") / "home", settings={"reload_every": 0.2})
    made.furnish()
    made.write_account("techem", more=f'password = "{ARGON2}"\nlogin = "key and password"')
    made.write_account("ista", more=f'password = "{BCRYPT}"\nlogin = "password"')
    made.write_account("enbra", more=f'password = "{ARGON2}"')
    made.write_account("metra")
    made.write_account("renova", more=f'password = "{ARGON2}"\nlogin = "key"')
    made.write_account("inmes", more=f'password = "{ARGON2}"\nnetworks = ["10.0.0.0/8"]')
    made.start()
    yield made
    made.clear_away()


@pytest.fixture(autouse=True)
def nothing_secret_is_written_down(house: House) -> Iterator[None]:
    """Whatever a test did: no password and no hash in the audit or on stderr."""
    another_address(house)
    yield
    told = (house.home / "audit" / "door.jsonl").read_text() + house.stderr_file.read_text()
    for secret in (PASSWORD, OTHER, ARGON2, BCRYPT, json.dumps(PASSWORD)[1:-1], json.dumps(OTHER)[1:-1]):
        assert secret not in told


@pytest.mark.parametrize(
    ("partner", "with_key", "password", "method", "expected"),
    [
        ("techem", True, PASSWORD, "password", IN), ("techem", True, PASSWORD, "keyboard-interactive", IN),
        ("techem", True, OTHER, "password", OUT), ("techem", False, PASSWORD, "keyboard-interactive", OUT),
        ("techem", False, PASSWORD, "password", OUT), ("techem", True, None, "password", OUT),
        ("ista", False, PASSWORD, "password", IN), ("ista", False, PASSWORD, "keyboard-interactive", IN),
        ("ista", False, OTHER, "keyboard-interactive", OUT), ("ista", True, None, "password", OUT),
        ("enbra", False, PASSWORD, "password", IN), ("enbra", True, None, "password", IN),
        ("metra", False, PASSWORD, "password", OUT), ("renova", False, PASSWORD, "keyboard-interactive", OUT),
        ("renova", True, None, "password", IN), ("inmes", False, PASSWORD, "password", OUT),
        ("nobody", False, PASSWORD, "keyboard-interactive", OUT),
    ],
)  # fmt: skip
def test_each_account_opens_as_it_says(
    house: House, partner: str, with_key: bool, password: str | None, method: str, expected: str, note_row: NoteRow
) -> None:  # fmt: skip
    key = house.key_file(partner) if with_key else None
    came = {
        "OpenSSH sftp": openssh(house, partner, key=key, password=password, methods=f"publickey,{method}"),
        "asyncssh": asyncssh_client(house, partner, key=key, password=password, methods=f"publickey,{method}"),
        "paramiko": paramiko_client(house, partner, key=key, password=password, interactive=method != "password"),
    }  # fmt: skip
    shown = ["key"] * with_key + ([] if password is None else [method + " (wrong)" * (password == OTHER)])
    for client, result in came.items():
        note_row("logins", client=client, shows=" and ".join(shown), account=ASKS[partner], came=result)
    assert came == dict.fromkeys(came, expected)


def test_the_audit_says_by_what_somebody_came_or_why_not(house: House) -> None:
    key = house.key_file("techem")
    assert paramiko_client(house, "techem", key=key, password=PASSWORD) == IN
    wait_until(lambda: house.audit("login")[-1]["method"] == "key and password")
    line = house.audit("login")[-1]
    assert (line["partner"], line["key_comment"]) == ("techem", "techem at home")
    assert paramiko_client(house, "ista", password=PASSWORD) == IN
    wait_until(lambda: house.audit("login")[-1]["method"] == "password")
    line = house.audit("login")[-1]
    assert (line["partner"], line["key"]) == ("ista", None)
    for partner, password, reason in (
        ("ista", OTHER, "wrong password"), ("techem", PASSWORD, "the key comes first"),
        ("metra", PASSWORD, "this partner has no password"), ("nobody", PASSWORD, "no such partner"),
        ("inmes", PASSWORD, "not from a network of this partner"),
    ):  # fmt: skip
        assert paramiko_client(house, partner, password=password) == OUT
        wait_until(lambda told=reason: house.audit("login.refused")[-1]["reason"] == told)  # type: ignore[misc]  # a default to bind it


def test_a_client_is_told_the_same_whatever_the_account(house: House) -> None:
    """Methods and answers give away neither who is here nor who has a password."""
    for partner in ("techem", "ista", "metra", "renova", "nobody"):
        transport = knock(house)
        with pytest.raises(paramiko.BadAuthenticationType) as refused:
            transport.auth_none(partner)
        assert sorted(refused.value.allowed_types) == ["keyboard-interactive", "password", "publickey"]
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_password(partner, OTHER)
        transport.close()


def test_a_key_that_was_only_offered_counts_for_nothing(house: House) -> None:
    """Everybody may know techem's public key: asked about without a signature, then the right password."""
    public = asyncssh.read_public_key(f"{house.key_file('techem')}.pub").public_data

    heard = threading.Event()

    class Asker(AuthOnlyHandler):
        """Asks about a key, and signs nothing."""

        def _parse_userauth_info_request(self, m: paramiko.Message) -> None:  # PK_OK has the same number
            heard.set()
            self.authenticated = False
            wait_until(lambda: self.auth_event is not None)
            if self.auth_event is not None:
                self.auth_event.set()

    def ask(message: paramiko.Message) -> None:
        message.add_boolean(False)
        message.add_string("ssh-ed25519")
        message.add_string(public)

    transport = knock(house, ServiceRequestingTransport)
    assert isinstance(transport, ServiceRequestingTransport)
    transport.ensure_session()
    transport.auth_handler = Asker(transport)
    with pytest.raises(paramiko.AuthenticationException):
        transport.auth_handler.send_auth_request("techem", "publickey", ask)
    assert heard.is_set()
    with pytest.raises(paramiko.SSHException):
        transport.auth_password("techem", PASSWORD, fallback=False)
    assert not transport.is_authenticated()
    transport.close()
    wait_until(lambda: house.audit("login.refused")[-1]["reason"] == "the key comes first")


def test_what_was_proven_for_one_name_does_not_count_for_another(house: House) -> None:
    transport = knock(house)
    left = transport.auth_publickey("techem", paramiko.PKey.from_path(str(house.key_file("techem"))))
    assert sorted(left) == ["keyboard-interactive", "password"]
    with pytest.raises(paramiko.AuthenticationException):
        transport.auth_password("ista", OTHER, fallback=False)
    with pytest.raises(paramiko.AuthenticationException):
        transport.auth_password("techem", PASSWORD, fallback=False)
    transport.close()


def test_the_sixth_wrong_password_ends_the_connection_also_after_a_right_key(house: House) -> None:
    transport = knock(house)
    transport.auth_publickey("techem", paramiko.PKey.from_path(str(house.key_file("techem"))))
    for _ in range(5):
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_password("techem", OTHER, fallback=False)
        assert transport.is_active()
    with pytest.raises(paramiko.SSHException):
        transport.auth_password("techem", OTHER, fallback=False)
    wait_until(lambda: not transport.is_active())
    transport.close()


def test_a_password_as_long_as_a_book_ends_the_connection(house: House) -> None:
    """asyncssh would prepare it letter by letter, and hold up everybody else."""
    transport = knock(house)
    with pytest.raises(paramiko.SSHException):
        transport.auth_password("ista", "ž" * 10_000, fallback=False)
    wait_until(lambda: not transport.is_active())
    transport.close()


def test_a_session_by_password_ends_when_the_password_changes(house: House) -> None:
    account = house.home / "accounts" / "enbra.toml"
    before = account.read_text()
    transport = knock(house)
    transport.auth_password("enbra", PASSWORD, fallback=False)
    with house.transport("enbra") as by_key:
        new = account.with_suffix(".new")
        new.write_text(before.replace(ARGON2, BCRYPT))
        new.rename(account)
        wait_until(lambda: not transport.is_active(), seconds=5)
        assert by_key.is_active()
    account.write_text(before)


def test_a_session_ends_with_its_account(house: House) -> None:
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    with house.transport("metra") as running:
        house.write_account("metra", more=f"expires = {end}")
        assert running.is_active()
        wait_until(lambda: not running.is_active(), seconds=8)
    wait_until(lambda: house.audit("closed")[-1]["reason"] == "the account has expired")
    house.write_account("metra")


def test_wrong_passwords_ban_an_address_like_wrong_keys(tmp_path: Path) -> None:
    strict = House(home=tmp_path / "home", settings={"ban_score": 5})
    strict.furnish()
    strict.write_account("ista", more=f'password = "{BCRYPT}"')
    strict.start()
    try:
        for _ in range(5):
            assert paramiko_client(strict, "ista", password=OTHER) == OUT
        wait_until(lambda: bool(strict.audit("banned")))
        assert paramiko_client(strict, "ista", password=PASSWORD) == OUT
    finally:
        strict.clear_away()


def test_an_own_key_does_not_pay_for_guesses_at_another_partners_password(tmp_path: Path) -> None:
    """Wrong keys of one's own score nothing after a login; guesses at others' passwords do."""
    strict = House(home=tmp_path / "home", settings={"ban_score": 4})
    strict.furnish()
    strict.write_account("ista", more=f'password = "{BCRYPT}"')
    strict.write_account("techem")
    strict.start()
    try:
        transport = knock(strict)
        for _ in range(4):
            with pytest.raises(paramiko.AuthenticationException):
                transport.auth_password("ista", OTHER, fallback=False)
        transport.auth_publickey("techem", paramiko.PKey.from_path(str(strict.key_file("techem"))))
        assert transport.is_authenticated()
        transport.close()
        wait_until(lambda: bool(strict.audit("banned")))
    finally:
        strict.clear_away()


@pytest.mark.parametrize("client", ["psftp", "lftp"])
@pytest.mark.parametrize(("password", "expected"), [(PASSWORD, IN), (OTHER, OUT)])
def test_other_clients_log_in_by_password_too(
    house: House, client: str, password: str, expected: str, note_row: NoteRow
) -> None:
    """PuTTY's asks by keyboard-interactive, lftp by what OpenSSH's ssh asks of its terminal."""
    if shutil.which(client) is None:
        pytest.skip(f"{client} is not installed")
    came = by_name(house, client, "ista", password)
    note_row(
        "logins",
        client=client,
        shows="password" + " (wrong)" * (password == OTHER),
        account="password",
        came=came,
    )
    assert came == expected
