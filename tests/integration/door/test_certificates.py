"""Do certificates open the door for whom they should, and for nobody else? Signed by the real ssh-keygen."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import paramiko
import pytest

from tests.integration.door.authority import Authority, make_key
from tests.integration.door.clients import (
    IN,
    OUT,
    another_address,
    asyncssh_client,
    asyncssh_with,
    knock,
    openssh,
    paramiko_client,
)
from tests.integration.door.house import House, wait_until
from tests.tables import NoteRow

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


@dataclass(frozen=True)
class Town:
    """A door whose partner techem trusts `own`, and everybody trusts `ours`."""

    house: House
    drawer: Path
    own: Authority
    ours: Authority
    stranger: Authority

    def key(self, name: str) -> Path:
        """A user's key of that name."""
        return make_key(self.drawer / name)

    def let_in(self, partner: str, key: Path, certificate: Path | None) -> str:
        """What asyncssh's client is told."""
        return asyncssh_client(self.house, partner, key=key, certificate=certificate)

    def refused_for(self, reason: str) -> None:
        """Wait until the audit says so of one of the last two refusals: the certificate's, or that of its key alone."""
        wait_until(lambda: reason in [line.get("reason") for line in self.house.audit("login.refused")[-2:]])

    def closed_for(self, reason: str) -> None:
        """Wait until the audit says so of the last session that was closed."""
        wait_until(lambda: [line["reason"] for line in self.house.audit("closed")[-1:]] == [reason])


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One running door for all tests of this module."""
    drawer = tmp_path_factory.mktemp("drawer")
    own, ours, stranger = (Authority(make_key(drawer / name)) for name in ("own_ca", "our_ca", "strange_ca"))
    house = House(home=drawer / "home", settings={"reload_every": 0.2})
    house.furnish()
    house.write_account("techem", more=f'authorities = ["{own.line}"]')
    house.write_account("ista")
    (house.home / "accounts" / "authorities.pub").write_text(f"# the house's\n{ours.line}\n")
    house.start()
    yield Town(house, drawer, own, ours, stranger)
    house.clear_away()


@pytest.fixture(autouse=True)
def from_another_address(town: Town) -> None:
    """Each test comes from its own."""
    another_address(town.house)


def test_a_certificate_opens_the_door_with_every_client(town: Town, note_row: NoteRow) -> None:
    key = town.key("robot")
    certificate = town.own.sign(key, id="robot of Brno", serial=42)
    clients = {
        "OpenSSH sftp": openssh(town.house, "techem", key=key, certificate=certificate),
        "asyncssh": asyncssh_client(town.house, "techem", key=key, certificate=certificate),
        "paramiko": paramiko_client(town.house, "techem", key=key, certificate=certificate),
    }
    for client, came in clients.items():
        note_row("logins", client=client, shows="certificate", account="key", came=came)
    assert set(clients.values()) == {IN}
    wait_until(lambda: len(town.house.audit("login")) == 3)
    line = town.house.audit("login")[-1]
    assert (line["method"], line["certificate"], line["certificate_serial"]) == (
        "certificate",
        "robot of Brno",
        42,
    )
    assert line["authority"] == asyncssh.import_public_key(town.own.line).get_fingerprint()
    assert line["key"] == asyncssh.read_public_key(f"{key}.pub").get_fingerprint()


def test_the_key_alone_without_its_certificate_opens_nothing(town: Town) -> None:
    assert town.let_in("techem", town.key("robot"), None) == OUT


def test_an_authority_of_the_house_counts_for_every_account_and_only_for_accounts(town: Town) -> None:
    key = town.key("robot2")
    for partner, came in (("ista", IN), ("techem", IN), ("enbra", OUT)):
        assert town.let_in(partner, key, town.ours.sign(key, principals="ista,techem,enbra")) == came
    town.refused_for("no such partner")


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("of a stranger", "the certificate is not from an authority of this partner"),
        ("of another account's authority", "the certificate is not from an authority of this partner"),
        ("expired", "the certificate has expired"),
        ("too early", "the certificate is not valid yet"),
        ("for another", "the certificate is for somebody else"),
        ("without principals", "the certificate names no principal"),
        ("for a host", "the certificate is for hosts"),
        ("from elsewhere", "not from a network of the certificate"),
        ("for another command", "the certificate is for another command"),
        ("with an unknown option", "the certificate cannot be read, is not signed rightly, or has a critical option we do not know"),
        ("for a short RSA key", "an RSA key must have 2048 bits or more"),
    ],
)  # fmt: skip
def test_a_certificate_that_is_not_right_is_refused_and_the_audit_says_why(
    town: Town, what: str, reason: str, note_row: NoteRow
) -> None:
    key = town.key("robot3")
    if what == "of a stranger":
        certificate = town.stranger.sign(key, principals="ista")
    elif what == "of another account's authority":
        certificate = town.own.sign(key, principals="ista")
    elif what == "for a short RSA key":
        key = make_key(town.drawer / "short", kind="rsa", bits="1024")
        certificate = town.ours.sign(key, principals="ista")
    else:
        options: tuple[str, ...] = {
            "for a host": ("-h",), "from elsewhere": ("-O", "source-address=10.0.0.0/8"),
            "for another command": ("-O", "force-command=sh"), "with an unknown option": ("-O", "critical:new@example.com"),
        }.get(what, ())  # fmt: skip
        principals = {"for another": "techem", "without principals": None}.get(what, "ista")
        valid = {"expired": "-2h:-1h", "too early": "+1h:+2h"}.get(what, "-1m:+1h")
        certificate = town.ours.sign(key, *options, principals=principals, valid=valid)
    if what == "for a host":  # OpenSSH's client would not show it
        client, came = "paramiko", paramiko_client(town.house, "ista", key=key, certificate=certificate)
    else:
        client, came = "OpenSSH sftp", openssh(town.house, "ista", key=key, certificate=certificate)
    note_row("logins", client=client, shows=f"certificate {what}", account="key", came=came)
    assert came == OUT
    town.refused_for(reason)


def test_a_certificate_signed_with_sha1_is_refused(town: Town) -> None:
    old = make_key(town.drawer / "rsa_ca", kind="rsa", bits="2048")
    key = town.key("robot4")
    certificate = asyncssh.read_private_key(str(old)).generate_user_certificate(
        asyncssh.read_public_key(f"{key}.pub"), "robot", principals=["ista"], sig_alg="ssh-rsa"
    )
    file = town.drawer / "sha1-cert.pub"
    certificate.write_certificate(str(file))
    assert town.let_in("ista", key, file) == OUT
    town.refused_for("the certificate is signed with ssh-rsa")


def signing(pair: asyncssh.SSHKeyPair, key: Path, algorithm: bytes) -> asyncssh.SSHKeyPair:
    """The same pair, that signs with another key, or in another way."""
    signer = asyncssh.read_private_key(str(key))
    pair.sign = lambda data: signer.sign(data, algorithm)  # type: ignore[method-assign]  # that is the lie
    return pair


def test_a_signature_with_sha1_is_refused_for_plain_keys_as_well(town: Town) -> None:
    key = make_key(town.drawer / "rsa_user", kind="rsa", bits="2048")
    town.house.write_account("enbra", keys=[Path(f"{key}.pub").read_text().strip()])
    wait_until(lambda: paramiko_client(town.house, "enbra", key=key) == IN, seconds=5)
    (pair,) = asyncssh.load_keypairs([asyncssh.read_private_key(str(key))])
    assert asyncssh_with(town.house, "enbra", [signing(pair, key, b"ssh-rsa")]) == OUT
    town.refused_for("signed with ssh-rsa")
    (town.house.home / "accounts" / "enbra.toml").unlink()


def test_a_certificate_does_not_open_the_door_with_another_key(town: Town) -> None:
    """Whoever found the certificate but has not the key."""
    victim, thief = town.key("victim"), town.key("thief")
    pair = asyncssh.load_keypairs([(str(victim), str(town.own.sign(victim)))])[0]
    assert isinstance(pair, asyncssh.public_key.SSHLocalKeyPair)
    assert asyncssh_with(town.house, "techem", [signing(pair, thief, b"ssh-ed25519")]) == OUT
    town.refused_for("wrong signature")


# -- while somebody is here ------------------------------------------------------------------------------------


@dataclass
class Revoked:
    """The file of what was called back, and a witness who is let in again once it is gone."""

    file: Path
    key: Path | None = None
    certificate: Path | None = None


@pytest.fixture
def revoked(town: Town) -> Iterator[Revoked]:
    """Gone again after the test, and the door knows."""
    made = Revoked(town.house.home / "accounts" / "revoked")
    yield made
    made.file.unlink(missing_ok=True)
    key, certificate = made.key, made.certificate
    assert key is not None
    wait_until(lambda: town.let_in("techem", key, certificate) == IN, seconds=5)


@contextmanager
def visiting(town: Town, partner: str, key: Path, certificate: Path) -> Iterator[paramiko.Transport]:
    """Logged in by certificate."""
    transport = knock(town.house)
    try:
        shown = paramiko.PKey.from_path(str(key))
        shown.load_certificate(str(certificate))
        transport.auth_publickey(partner, shown)
        yield transport
    finally:
        transport.close()


def put(file: Path, text: str) -> None:
    """Write a file in one step, as the command line does."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.rename(file)


def test_a_session_ends_with_its_certificate(town: Town) -> None:
    key = town.key("short-lived")
    with visiting(town, "techem", key, town.own.sign(key, valid="-1m:+2s")) as running:
        assert running.is_active()
        wait_until(lambda: not running.is_active(), seconds=8)
    town.closed_for("the certificate has expired")


@pytest.mark.parametrize("how", ["serial: 77", "id: robot77", "the key", "the authority", "the certificate"])
def test_what_is_called_back_is_sent_away_and_kept_out(town: Town, revoked: Revoked, how: str) -> None:
    key = town.key("called-back")
    certificate = town.own.sign(key, serial=77, id="robot77")
    revoked.key, revoked.certificate = key, certificate
    lines = {
        "the key": f"{key}.pub",
        "the authority": f"{town.own.file}.pub",
        "the certificate": str(certificate),
    }
    other = town.key("other")
    with visiting(town, "techem", key, certificate) as running:
        put(revoked.file, Path(lines[how]).read_text() if how in lines else how)
        wait_until(lambda: not running.is_active(), seconds=5)
        assert town.let_in("techem", key, certificate) == OUT
        town.refused_for("revoked")
        assert town.let_in("techem", other, town.ours.sign(other)) == IN


def test_a_list_of_revoked_keys_that_cannot_be_read_keeps_keys_out_and_sends_nobody_away(
    town: Town, revoked: Revoked
) -> None:
    key = town.key("unlucky")
    certificate = town.own.sign(key)
    revoked.key, revoked.certificate = key, certificate
    with visiting(town, "techem", key, certificate) as running:
        put(revoked.file, "serial: seven")
        wait_until(lambda: town.let_in("techem", key, certificate) == OUT, seconds=5)
        town.refused_for("the list of revoked keys cannot be read")
        assert running.is_active()
    wait_until(lambda: "revoked: line 1" in str(town.house.warnings()))


def test_a_session_ends_when_its_authority_is_taken_away(town: Town) -> None:
    key, file = town.key("last"), town.house.home / "accounts" / "authorities.pub"
    by_ours, by_own = town.ours.sign(key, name="ours"), town.own.sign(key, name="own")
    ours = file.read_text()
    with visiting(town, "techem", key, by_ours) as running, visiting(town, "techem", key, by_own) as other:
        put(file, "# nobody\n")
        wait_until(lambda: not running.is_active(), seconds=5)
        assert other.is_active()
    town.closed_for("the certificate is not from an authority of this partner")
    put(file, ours)
    wait_until(lambda: town.let_in("techem", key, by_ours) == IN, seconds=5)
