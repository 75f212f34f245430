"""Are account files read strictly, and again when they change?"""

from pathlib import Path

import asyncssh
import pytest

from sftp_server.accounts import AccountMistake, Accounts, read_account

KEY = asyncssh.generate_private_key("ssh-ed25519", comment="the office").export_public_key().decode().strip()
OTHER = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()


def public(line: str) -> bytes:
    """The wire form of a key line."""
    return asyncssh.import_public_key(line).public_data


def write(folder: Path, text: str, name: str = "techem") -> Path:
    """An account file."""
    file = folder / f"{name}.toml"
    file.write_text(text)
    return file


def test_an_account_admits_its_own_keys_only(tmp_path: Path) -> None:
    account = read_account(write(tmp_path, f'partner = "techem"\nkeys = ["{KEY}"]'))
    assert account.admits(key=public(KEY), address="192.0.2.1")
    assert not account.admits(key=public(OTHER), address="192.0.2.1")
    assert account.keys[public(KEY)] == "the office"


def test_a_disabled_account_admits_nobody(tmp_path: Path) -> None:
    account = read_account(write(tmp_path, f'partner = "techem"\nkeys = ["{KEY}"]\ndisabled = true'))
    assert not account.admits(key=public(KEY), address="192.0.2.1")


@pytest.mark.parametrize(("address", "admitted"), [
    ("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("11.1.2.3", False), ("2001:db8::1", True), ("2001:db9::1", False), ("", False),
    ("fe80::1%eth0", False),
])  # fmt: skip
def test_networks_are_kept_to(tmp_path: Path, address: str, admitted: bool) -> None:
    text = f'partner = "techem"\nkeys = ["{KEY}"]\nnetworks = ["10.0.0.0/8", "2001:db8::/32"]'
    assert read_account(write(tmp_path, text)).admits(key=public(KEY), address=address) is admitted


@pytest.mark.parametrize(
    "text",
    ['partner = "ista"', "keys = []", 'partner = "techem"\nkeis = []', 'partner = "techem"\nkeys = "x"',
     'partner = "techem"\nkeys = ["ssh-ed25519 AAAA"]', 'partner = "techem"\ndisabled = "no"', "partner = ",
     f'partner = "techem"\nkeys = [\'command="sh" {KEY}\']', 'partner = "techem"\nnetworks = ["10.0.0.1/8"]',
     'partner = "techem"\nkeys = [1]', 'partner = "techem"\nexpires = 2020-01-01'],
)  # fmt: skip
def test_a_mistake_is_never_read_as_something_else(tmp_path: Path, text: str) -> None:
    with pytest.raises(AccountMistake, match=r"^techem\.toml: "):
        read_account(write(tmp_path, text))


def test_a_partner_name_cannot_lead_elsewhere(tmp_path: Path) -> None:
    for name in ("..", ".hidden", "Techem", "a b"):
        with pytest.raises(AccountMistake):
            read_account(write(tmp_path, f'partner = "{name}"', name))


def test_changes_are_noticed_and_nothing_is_read_twice(tmp_path: Path) -> None:
    file = write(tmp_path, f'partner = "techem"\nkeys = ["{KEY}"]')
    accounts = Accounts(tmp_path)
    assert accounts.reload() == []
    assert accounts.get("techem") is not None
    assert accounts.reload() is None
    write(tmp_path, f'partner = "techem"\nkeys = ["{KEY}", "{OTHER}"]')
    assert accounts.reload() == []
    assert accounts.still_admits(partner="techem", key=public(OTHER), address="192.0.2.1")
    file.unlink()
    assert accounts.reload() == []
    assert accounts.get("techem") is None
    assert not accounts.still_admits(partner="techem", key=public(OTHER), address="192.0.2.1")


def test_a_file_that_cannot_be_read_admits_nobody_new_and_sends_nobody_away(tmp_path: Path) -> None:
    write(tmp_path, f'partner = "techem"\nkeys = ["{KEY}"]')
    accounts = Accounts(tmp_path)
    accounts.reload()
    write(tmp_path, "partner = ")
    mistakes = accounts.reload()
    assert mistakes is not None
    assert "techem.toml" in mistakes[0]
    assert accounts.get("techem") is None
    assert accounts.still_admits(partner="techem", key=public(KEY), address="192.0.2.1")
