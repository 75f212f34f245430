"""Commands about logins: what they write is what the door reads."""

import io
import json
import shutil
import sys
import tomllib
from datetime import UTC, date, datetime
from typing import Any

import pytest
from asyncssh.saslprep import SASLPrepError, saslprep
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.model.errors import OperatorMistake
from meterdrop.receive import passwords
from meterdrop.receive.accounts import LOGINS
from sftp_server.logins.account_file import read_account, read_authorities
from sftp_server.logins.accounts import Account, Login
from sftp_server.logins.revocations import read_revocations
from tests.homes import POSTGRESQL, rows
from tests.integration.command_line import CommandLine
from tests.integration.door.authority import Authority, make_key
from tests.integration.test_cli_partners import key_pair

pytestmark = pytest.mark.by_night(POSTGRESQL)

PASSWORD = "dlouhé heslo 1"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password on stdin."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\nnot this\n"))


def door_reads(meterdrop: CommandLine, partner: str = "anyone") -> Account:
    """The account as the door understands it."""
    return read_account(meterdrop.home / "accounts" / f"{partner}.toml")


def events(meterdrop: CommandLine) -> list[tuple[Any, ...]]:
    return rows(meterdrop.home, "select what, partner, why, after from event order by id")


def test_both_sides_know_the_same_ways_to_log_in() -> None:
    assert list(LOGINS) == [one.value for one in Login]


def test_a_password_is_kept_as_a_hash_that_the_door_takes(meterdrop: CommandLine, typed: None) -> None:
    said = meterdrop.done("partner", "password", "anyone", "--stdin").out
    account = door_reads(meterdrop)
    assert account.login is Login.KEY_OR_PASSWORD
    assert account.password is not None
    assert account.password.fits(PASSWORD)
    assert "logs in by key or password" in said
    stored = account.password.text
    told = meterdrop.document("partner", "list")[0]
    assert (told["password"], told["login"]) == (True, "key or password")
    everything = said + json.dumps(told) + str(events(meterdrop))
    assert stored not in everything
    assert PASSWORD not in everything
    assert "partner.password-set" in [what for what, *_ in events(meterdrop)]


def test_a_password_may_be_asked_for_beside_the_key(meterdrop: CommandLine, typed: None) -> None:
    meterdrop.done("partner", "password", "anyone", "--stdin", "--login", "key and password")
    assert door_reads(meterdrop).login is Login.KEY_AND_PASSWORD
    meterdrop.done("partner", "add", "anyone", "--login", "key")
    assert door_reads(meterdrop).login is Login.KEY
    meterdrop.done("partner", "password", "anyone", "--remove")
    account = door_reads(meterdrop)
    assert (account.login, account.password) == (Login.KEY, None)
    assert "has no password" in meterdrop.refused("partner", "password", "anyone", "--remove")


@pytest.mark.parametrize(
    ("password", "why"),
    [("short", "too short"), ("", "too short"), ("x" * 1025, "too long"), ("dlouhé\u0007heslo 1", "alike"), ("long enough\u00a0", "alike"),
     ("\u05d0" * 12, "alike")],
)  # fmt: skip
def test_a_password_that_would_not_work_is_refused(
    meterdrop: CommandLine, monkeypatch: pytest.MonkeyPatch, password: str, why: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(password + "\n"))
    said = meterdrop.refused("partner", "password", "anyone", "--stdin")
    assert why in said
    assert len(password) < 12 or password not in said
    assert door_reads(meterdrop).password is None


@given(st.text(min_size=12, max_size=20))
def test_what_is_hashed_is_what_clients_send(text: str) -> None:
    """asyncssh prepares what clients send by SASLprep: a password we take must come out of it as we hash it."""
    hashes: list[str] = []

    def hash_it(_: object, told: str) -> str:
        hashes.append(told)
        return ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("argon2.PasswordHasher.hash", hash_it)
        try:
            passwords.hashed(text)
        except OperatorMistake:
            return
    try:
        assert hashes == [saslprep(text)]
    except SASLPrepError as refused:
        pytest.fail(str(refused))


def test_without_a_terminal_stdin_must_be_asked_for(
    meterdrop: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    assert "give --stdin" in meterdrop.refused("partner", "password", "anyone")


def test_no_way_to_log_in_is_chosen_that_would_close_the_account(meterdrop: CommandLine) -> None:
    assert "has no password yet" in meterdrop.refused("partner", "add", "anyone", "--login", "password")
    assert "has no password yet" in meterdrop.refused("partner", "add", "nova", "--login", "key and password")
    assert "no way to log in" in meterdrop.refused("partner", "add", "anyone", "--login", "fingers")
    assert [one["id"] for one in meterdrop.document("partner", "list")] == ["anyone"]


@pytest.mark.by_day(POSTGRESQL)
def test_an_account_lasts_through_its_last_day(meterdrop: CommandLine) -> None:
    told = meterdrop.document("partner", "expire", "anyone", "2027-01-31")
    assert told["expires"] == "2027-01-31"
    assert door_reads(meterdrop).expires == datetime(2027, 1, 31, 23, tzinfo=UTC)
    written = tomllib.loads((meterdrop.home / "accounts" / "anyone.toml").read_text())
    assert written["expires"] == date(2027, 1, 31)
    assert "2027-01-31" in meterdrop.done("partner", "list").out
    assert meterdrop.document("partner", "expire", "anyone", "--never")["expires"] is None
    assert door_reads(meterdrop).expires is None
    for words in ((), ("2027-01-31", "--never"), ("tomorrow",)):
        meterdrop.refused("partner", "expire", "anyone", *words)


def test_authorities_come_and_go(meterdrop: CommandLine) -> None:
    _, one = key_pair(meterdrop, "one")
    _, two = key_pair(meterdrop, "two")
    meterdrop.done("partner", "authority", "add", "anyone", str(one))
    told = meterdrop.document("partner", "authority", "add", "anyone", str(one))
    assert len(told["authorities"]) == len(door_reads(meterdrop).authorities) == 1
    assert "has no authority 'two@x'. It has: one@x" in meterdrop.refused(
        "partner", "authority", "remove", "anyone", "two@x"
    )
    assert meterdrop.document("partner", "authority", "remove", "anyone", "one@x")["authorities"] == []

    file = meterdrop.home / "accounts" / "authorities.pub"
    meterdrop.done("authority", "add", str(one))
    file.write_text("# kept\n" + file.read_text())
    meterdrop.done("authority", "add", str(two))
    assert len(meterdrop.document("authority", "add", str(two))) == len(read_authorities(file)) == 2
    assert [line.split()[2] for line in meterdrop.document("authority", "remove", str(one))] == ["two@x"]
    assert file.read_text().startswith("# kept\n")
    assert "no authority 'one@x'. It has: two@x" in meterdrop.refused("authority", "remove", "one@x")
    assert [line.split()[2] for line in meterdrop.document("authority", "list")] == ["two@x"]


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_keys_that_would_close_the_account_are_refused(meterdrop: CommandLine) -> None:
    """The door reads an account as a whole: one short or torn key would shut out a partner who comes in today."""
    short = f"{make_key(meterdrop.files / 'short', kind='rsa', bits='1024')}.pub"
    torn, strange = meterdrop.files / "torn.pub", meterdrop.files / "strange.pub"
    _, whole = key_pair(meterdrop, "one")
    torn.write_text(whole.read_text()[:60])
    strange.write_text(whole.read_text().replace("ssh-ed25519", "sk-of-tomorrow@x"))
    before = (meterdrop.home / "accounts" / "anyone.toml").read_text()
    for words in (
        ("partner", "key", "add", "anyone"),
        ("partner", "authority", "add", "anyone"),
        ("authority", "add"),
    ):
        assert "must have 2048 bits, this one has 1024" in meterdrop.refused(*words, short)
        for other in (torn, strange):
            assert "is not an OpenSSH public key" in meterdrop.refused(*words, str(other))
    assert "must have 2048 bits" in meterdrop.refused("partner", "add", "newcomer", "--key", short)
    assert (meterdrop.home / "accounts" / "anyone.toml").read_text() == before
    meterdrop.done("partner", "revoke", short, "--reason", "anybody may guess it")
    assert read_revocations((meterdrop.home / "accounts" / "revoked").read_bytes()).mistakes == []


def test_what_is_revoked_is_what_the_door_reads(meterdrop: CommandLine) -> None:
    private, public = key_pair(meterdrop, "one")
    words = (
        str(public),
        "--serial",
        "7-9",
        "--key-id",
        "robot of Brno",
        "--fingerprint",
        "SHA256:" + "x" * 43,
    )
    meterdrop.done("partner", "revoke", *words, "--reason", "the notebook was stolen")
    again = meterdrop.document("partner", "revoke", *words, "--reason", "again")
    assert len(again) == 4
    found = read_revocations((meterdrop.home / "accounts" / "revoked").read_bytes())
    assert found.mistakes == []
    assert (len(found.keys), found.serials, found.key_ids) == (2, [range(7, 10)], {"robot of Brno"})
    assert meterdrop.document("partner", "revoked") == again
    (first, second) = [one for one in events(meterdrop) if one[0] == "keys.revoked"]
    assert (first[2], len(json.loads(first[3])["revoked"])) == ("the notebook was stolen", 4)
    assert json.loads(second[3])["revoked"] == []
    assert "private key" in meterdrop.refused("partner", "revoke", str(private), "--reason", "x")


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_a_certificate_is_revoked_by_its_file(meterdrop: CommandLine) -> None:
    authority, key = Authority(make_key(meterdrop.files / "ca")), make_key(meterdrop.files / "user")
    meterdrop.done("partner", "revoke", str(authority.sign(key)), "--reason", "lost")
    found = read_revocations((meterdrop.home / "accounts" / "revoked").read_bytes())
    assert (found.mistakes, len(found.certificates), found.keys) == ([], 1, set())
    said = meterdrop.refused("partner", "key", "add", "anyone", str(meterdrop.files / "user-cert.pub"))
    assert "is not an OpenSSH public key" in said


@pytest.mark.parametrize(
    "words",
    [(), ("--serial", "0"), ("--serial", "x"), ("--serial", "99999999999999999999"), ("--serial", "9-7"), ("--serial", "٧"), ("--key-id", "a\u2028serial: 1"), ("--key-id", "a#b"), ("--key-id", ""),
     ("--key-id", "a\nserial: 1-99"), ("--fingerprint", "MD5:00"), ("nowhere.pub",)],
    ids=str,
)  # fmt: skip
def test_what_would_spoil_the_list_is_refused(meterdrop: CommandLine, words: tuple[str, ...]) -> None:
    meterdrop.refused("partner", "revoke", *words, "--reason", "x")
    assert not (meterdrop.home / "accounts" / "revoked").exists()


def test_a_binary_list_is_told_and_not_written_over(meterdrop: CommandLine) -> None:
    path = meterdrop.home / "accounts" / "revoked"
    path.write_bytes(b"SSHKRL\n\0\xff")
    assert "is a binary list" in meterdrop.refused("partner", "revoke", "--serial", "7", "--reason", "x")
    assert path.read_bytes() == b"SSHKRL\n\0\xff"


def test_options_of_a_key_outlive_our_changes(meterdrop: CommandLine) -> None:
    _, public = key_pair(meterdrop, "one")
    path = meterdrop.home / "accounts" / "anyone.toml"
    line = f'from="10.0.0.0/8",expiry-time="20270131" {public.read_text().strip()}'
    path.write_text(f'partner = "anyone"\nkeys = [{json.dumps(line)}]\n')
    told = meterdrop.document("partner", "key", "add", "anyone", str(public))
    assert told["keys"] == [line]
    assert door_reads(meterdrop).keys
    assert meterdrop.document("partner", "key", "remove", "anyone", "one@x")["keys"] == []


def test_a_network_is_written_as_the_door_reads_it(meterdrop: CommandLine) -> None:
    meterdrop.done("partner", "add", "nova", "--from", "192.0.2.7/24", "--from", "2001:db8::1")
    assert [str(one) for one in door_reads(meterdrop, "nova").networks] == ["192.0.2.0/24", "2001:db8::1/128"]
