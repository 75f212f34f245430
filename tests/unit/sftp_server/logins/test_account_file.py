"""Are account files read strictly?"""

from datetime import UTC, datetime
from pathlib import Path

import argon2
import asyncssh
import pytest

from sftp_server.logins.account_file import AccountMistake, read_account, read_authorities
from sftp_server.logins.accounts import Login

KEY = asyncssh.generate_private_key("ssh-ed25519", comment="the office").export_public_key().decode().strip()
SHORT = asyncssh.generate_private_key("ssh-rsa", key_size=1024).export_public_key().decode().strip()
HASH = argon2.PasswordHasher(memory_cost=19 * 1024, time_cost=2).hash("correct horse")


def write(folder: Path, more: str, name: str = "techem") -> Path:
    """An account file."""
    file = folder / f"{name}.toml"
    file.write_text(f'partner = "{name}"\n{more}')
    return file


def test_every_word_is_read(tmp_path: Path) -> None:
    account = read_account(
        write(
            tmp_path,
            f'keys = ["{KEY}"]\nauthorities = ["{KEY}"]\npassword = "{HASH}"\nlogin = "key and password"\n'
            'networks = ["10.0.0.0/8"]\nexpires = 2027-01-31\ndisabled = true',
        )
    )
    blob = asyncssh.import_public_key(KEY).public_data
    assert account.keys[blob].comment == "the office"
    assert account.authorities == {blob}
    assert account.login is Login.KEY_AND_PASSWORD
    assert (account.disabled, len(account.networks)) == (True, 1)
    assert account.expires == datetime(2027, 1, 31, 23, tzinfo=UTC)  # midnight in Prague
    assert HASH not in repr(account)


def test_an_account_without_the_word_login_takes_what_it_has(tmp_path: Path) -> None:
    assert read_account(write(tmp_path, f'keys = ["{KEY}"]')).login is Login.KEY
    assert read_account(write(tmp_path, f'password = "{HASH}"')).login is Login.KEY_OR_PASSWORD


@pytest.mark.parametrize(
    ("told", "end"),
    [
        ("2027-06-30", datetime(2027, 6, 30, 22, tzinfo=UTC)),
        ("2027-06-30T12:00:00+02:00", datetime(2027, 6, 30, 10, tzinfo=UTC)),
        ("2027-06-30T12:00:00Z", datetime(2027, 6, 30, 12, tzinfo=UTC)),
    ],
)
def test_a_day_lasts_until_midnight_in_prague(tmp_path: Path, told: str, end: datetime) -> None:
    assert read_account(write(tmp_path, f"expires = {told}")).expires == end


@pytest.mark.parametrize(
    "more",
    ['keis = []', 'keys = "x"', 'keys = ["ssh-ed25519 AAAA"]', 'disabled = "no"', "keys = ",
     f'keys = [\'command="sh" {KEY}\']', 'networks = ["10.0.0.1/8"]', "keys = [1]",
     'expires = "2027-01-31"', "expires = 2027-01-31T12:00:00", "expires = 1",
     'login = "keys"', "login = 1", 'login = "password"', 'login = "key and password"', 'login = "key or password"',
     'password = ""', 'password = "secret"', "password = 1", f'keys = ["{SHORT}"]',
     f'authorities = [\'from="10.0.0.0/8" {KEY}\']', 'authorities = ["x"]'],
)  # fmt: skip
def test_a_mistake_is_never_read_as_something_else(tmp_path: Path, more: str) -> None:
    with pytest.raises(AccountMistake, match=r"^techem\.toml: "):
        read_account(write(tmp_path, more))


def test_a_file_must_be_its_partners_own(tmp_path: Path) -> None:
    (tmp_path / "ista.toml").write_text('partner = "techem"')
    with pytest.raises(AccountMistake, match="partner must be the file's own name"):
        read_account(tmp_path / "ista.toml")
    (tmp_path / "ista.toml").write_text("keys = []")
    with pytest.raises(AccountMistake, match="partner must be the file's own name"):
        read_account(tmp_path / "ista.toml")


def test_a_partner_name_cannot_lead_elsewhere(tmp_path: Path) -> None:
    for name in ("..", ".hidden", "Techem", "a b"):
        with pytest.raises(AccountMistake):
            read_account(write(tmp_path, "", name))


def test_authorities_of_the_house_are_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "authorities.pub"
    assert read_authorities(file) == frozenset()
    file.write_text(f"# ours\n\n{KEY}\n")
    assert read_authorities(file) == {asyncssh.import_public_key(KEY).public_data}
    file.write_text(f"{KEY}\n{KEY[:40]}\n")
    with pytest.raises(AccountMistake, match=r"authorities\.pub"):
        read_authorities(file)
