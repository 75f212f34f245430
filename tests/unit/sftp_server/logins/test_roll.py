"""Who comes in by the files as they are now, and who may stay?"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import argon2
import asyncssh
import pytest

from sftp_server.logins.accounts import Proofs, ShownKey
from sftp_server.logins.passwords import read_hash
from sftp_server.logins.roll import Roll

KEY = asyncssh.generate_private_key("ssh-ed25519", comment="the office").export_public_key().decode().strip()
OTHER = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
HASH = argon2.PasswordHasher(memory_cost=19 * 1024, time_cost=2).hash("x")
NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)
HERE = "192.0.2.1"


def shown(line: str) -> ShownKey:
    return ShownKey(asyncssh.import_public_key(line).public_data)


def write(folder: Path, more: str, name: str = "techem") -> Path:
    """An account file."""
    file = folder / f"{name}.toml"
    file.write_text(f'partner = "{name}"\n{more}')
    return file


@pytest.fixture
def roll(tmp_path: Path) -> Roll:
    """One partner with one key, already read."""
    write(tmp_path, f'keys = ["{KEY}"]')
    made = Roll(tmp_path, secret=b"secret")
    assert made.reload() == []
    return made


def comes_in(roll: Roll, key: str = KEY, *, address: str = HERE, now: datetime = NOW) -> str | None:
    return roll.objection_to_key("techem", shown(key), address=address, now=now)


def stays(roll: Roll, proofs: Proofs, *, now: datetime = NOW) -> str | None:
    return roll.objection("techem", proofs, address=HERE, now=now)


def test_an_account_admits_its_own_keys_only(roll: Roll) -> None:
    assert comes_in(roll) is None
    assert comes_in(roll, OTHER) == "not a key of this partner"
    assert roll.objection_to_key("ista", shown(KEY), address=HERE, now=NOW) == "no such partner"


def test_a_disabled_account_admits_nobody(roll: Roll, tmp_path: Path) -> None:
    write(tmp_path, f'keys = ["{KEY}"]\ndisabled = true')
    roll.reload()
    assert comes_in(roll) == "the account is disabled"


@pytest.mark.parametrize(("address", "admitted"), [
    ("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("11.1.2.3", False), ("2001:db8::1", True), ("2001:db9::1", False), ("", False),
    ("fe80::1%eth0", False),
])  # fmt: skip
def test_networks_are_kept_to(roll: Roll, tmp_path: Path, address: str, admitted: bool) -> None:
    write(tmp_path, f'keys = ["{KEY}"]\nnetworks = ["10.0.0.0/8", "2001:db8::/32"]')
    roll.reload()
    assert (comes_in(roll, address=address) is None) is admitted


def test_an_account_ends_with_its_last_day(roll: Roll, tmp_path: Path) -> None:
    write(tmp_path, f'keys = ["{KEY}"]\nexpires = 2027-01-31')
    roll.reload()
    midnight = datetime(2027, 1, 31, 23, tzinfo=UTC)
    assert comes_in(roll, now=midnight - timedelta(seconds=1)) is None
    assert comes_in(roll, now=midnight) == "the account has expired"
    assert stays(roll, Proofs(key=shown(KEY)), now=midnight) == "the account has expired"


def test_changes_are_noticed_and_nothing_is_read_twice(roll: Roll, tmp_path: Path) -> None:
    assert roll.reload() is None
    write(tmp_path, f'keys = ["{KEY}", "{OTHER}"]')
    assert roll.reload() == []
    assert comes_in(roll, OTHER) is None
    (tmp_path / "techem.toml").unlink()
    assert roll.reload() == []
    assert roll.get("techem") is None
    assert stays(roll, Proofs(key=shown(OTHER))) == "the account is gone"


def test_a_file_that_cannot_be_read_admits_nobody_new_and_sends_nobody_away(
    roll: Roll, tmp_path: Path
) -> None:
    write(tmp_path, "keis = []")
    mistakes = roll.reload()
    assert mistakes is not None
    assert "techem.toml" in mistakes[0]
    assert comes_in(roll) == "no such partner"
    assert stays(roll, Proofs(key=shown(KEY))) is None


def test_what_could_not_be_read_is_tried_again_without_a_change(
    roll: Roll, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many open files, for a moment: nobody will touch the files to tell us."""
    write(tmp_path, f'keys = ["{OTHER}"]')
    (tmp_path / "revoked").write_text("serial: 7")
    with monkeypatch.context() as broken:
        for reads in ("read_text", "read_bytes"):
            broken.setattr(Path, reads, _no_more_files)
        assert len(roll.reload() or ()) == 4
        assert comes_in(roll, OTHER) is not None
        assert stays(roll, Proofs(key=shown(KEY))) is None
    assert roll.reload() == []
    assert comes_in(roll, OTHER) is None
    assert roll.reload() is None


def _no_more_files(*_: object) -> str:
    raise OSError(24, "Too many open files")


def test_a_file_that_may_be_read_again_is_read_again(roll: Roll, tmp_path: Path) -> None:
    """Also if nothing but its mode or owner changed; a file that is not ours to read is told once, not each second."""
    file = write(tmp_path, "keys = []")
    roll.reload()
    file.chmod(0o640)
    assert roll.reload() == []


@pytest.mark.parametrize("what", ["gone", "no folder"])
def test_a_folder_that_cannot_be_read_lets_nobody_in_and_keeps_who_is_here(
    roll: Roll, tmp_path: Path, what: str
) -> None:
    here, away = tmp_path / "accounts", tmp_path / "away"
    here.mkdir()
    write(here, f'keys = ["{KEY}"]')
    roll = Roll(here, secret=b"secret")
    roll.reload()
    here.rename(away)
    if what == "no folder":
        here.touch()
    (told,) = roll.reload() or [""]
    assert "the folder cannot be read" in told
    assert comes_in(roll) == "no such partner"
    assert stays(roll, Proofs(key=shown(KEY))) is None
    here.unlink(missing_ok=True)
    away.rename(here)
    assert roll.reload() == []
    assert comes_in(roll) is None


def test_a_changed_password_or_login_ends_sessions(roll: Roll, tmp_path: Path) -> None:
    by_password = Proofs(password=read_hash(HASH))
    both = Proofs(key=shown(KEY), password=read_hash(HASH))
    write(tmp_path, f'keys = ["{KEY}"]\npassword = "{HASH}"')
    roll.reload()
    assert [stays(roll, one) for one in (by_password, both, Proofs(key=shown(KEY)))] == [None] * 3

    write(tmp_path, f'keys = ["{KEY}"]\npassword = "{HASH}"\nlogin = "key and password"')
    roll.reload()
    assert stays(roll, both) is None
    assert stays(roll, by_password) is not None
    assert stays(roll, Proofs(key=shown(KEY))) is not None

    new = argon2.PasswordHasher(memory_cost=19 * 1024, time_cost=2).hash("x")
    write(tmp_path, f'keys = ["{KEY}"]\npassword = "{new}"\nlogin = "password"')
    roll.reload()
    assert stays(roll, by_password) is not None
    assert stays(roll, Proofs(password=read_hash(new))) is None
    assert comes_in(roll) == "this partner logs in by password"


def test_a_password_counts_only_where_it_is_asked_for(roll: Roll, tmp_path: Path) -> None:
    def told(proofs: Proofs | None = None, name: str = "techem") -> str | None:
        return roll.password_for(name, proofs or Proofs(), address=HERE, now=NOW)[1]

    write(tmp_path, f'keys = ["{KEY}"]\npassword = "{HASH}"\nlogin = "key and password"')
    write(tmp_path, f'keys = ["{KEY}"]\npassword = "{HASH}"\nlogin = "key"', "ista")
    write(tmp_path, f'password = "{HASH}"\ndisabled = true', "enbra")
    roll.reload()
    assert roll.has_passwords
    assert told() == "the key comes first"
    assert told(Proofs(key=shown(KEY))) is None
    assert told(name="ista") == "this partner has no password"
    assert told(name="enbra") == "the account is disabled"
    assert told(name="nobody") == "no such partner"
    decoy, _ = roll.password_for("nobody", Proofs(), address=HERE, now=NOW)
    assert decoy.text[:30] == HASH[:30]
    assert decoy.text != HASH


def test_passwords_are_offered_only_where_somebody_has_one(roll: Roll) -> None:
    assert not roll.has_passwords


def test_a_revoked_key_neither_comes_in_nor_stays(roll: Roll, tmp_path: Path) -> None:
    (tmp_path / "revoked").write_text(KEY)
    assert roll.reload() == []
    assert comes_in(roll) == "revoked"
    assert stays(roll, Proofs(key=shown(KEY))) == "revoked"


def test_a_list_of_revoked_keys_with_a_mistake_lets_no_key_in_and_keeps_who_is_here(
    roll: Roll, tmp_path: Path
) -> None:
    write(tmp_path, f'keys = ["{KEY}", "{OTHER}"]')
    (tmp_path / "revoked").write_text(f"nonsense\n{OTHER}")
    mistakes = roll.reload()
    assert mistakes is not None
    assert mistakes[0].startswith("revoked: line 1")
    assert comes_in(roll) == "the list of revoked keys cannot be read"
    assert stays(roll, Proofs(key=shown(KEY))) is None
    assert stays(roll, Proofs(key=shown(OTHER))) == "revoked"
    (tmp_path / "revoked").unlink()
    assert roll.reload() == []
    assert comes_in(roll, OTHER) is None


def test_authorities_that_cannot_be_read_are_told(roll: Roll, tmp_path: Path) -> None:
    (tmp_path / "authorities.pub").write_text("nonsense")
    mistakes = roll.reload()
    assert mistakes is not None
    assert mistakes[0].startswith("authorities.pub: ")
    assert comes_in(roll) is None
