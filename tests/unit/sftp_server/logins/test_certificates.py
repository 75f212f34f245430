"""Which certificates let somebody in? Made by the real ssh-keygen."""

import base64
import contextlib
import functools
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftp_server.logins.accounts import Account, Login, ShownKey
from sftp_server.logins.certificates import Certificate, is_certificate, read_certificate
from sftp_server.logins.keys import fingerprint_of
from sftp_server.refusals import Unusable
from sftp_server.visitors.login import read_shown
from tests.integration.door.authority import Authority, make_key

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
ADDRESS = "192.0.2.1"


@pytest.fixture(scope="module")
def drawer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority and a user's key."""
    folder = tmp_path_factory.mktemp("keys")
    make_key(folder / "ca")
    make_key(folder / "user")
    return folder


@pytest.fixture(scope="module")
def sign(drawer: Path) -> Callable[..., bytes]:
    """Signs the user's key as told; the certificate's bytes."""

    def sign_it(*options: str, principals: str | None = "techem", valid: str = "-1m:+1h") -> bytes:
        made = Authority(drawer / "ca").sign(drawer / "user", *options, principals=principals, valid=valid)
        return blob_of(made)

    return sign_it


def blob_of(file: Path) -> bytes:
    """The bytes of a public key's or certificate's file."""
    return base64.b64decode(file.read_text().split()[1])


def objection(certificate: Certificate, drawer: Path, *, address: str = ADDRESS) -> str | None:
    """What an account with the drawer's authority has against it."""
    account = Account(partner="techem", keys={}, authorities=frozenset([blob_of(drawer / "ca.pub")]))
    shown = ShownKey(certificate.key, certificate)
    return account.objection_to_key(shown, authorities=(), address=address, now=datetime.now(tz=UTC))


def test_a_certificate_says_whose_key_it_is_and_who_signed_it(
    drawer: Path, sign: Callable[..., bytes]
) -> None:
    blob = sign()
    assert is_certificate(blob)
    assert not is_certificate(blob_of(drawer / "user.pub"))
    read = read_certificate(blob)
    assert read.key == blob_of(drawer / "user.pub")
    assert read.authority_fingerprint == fingerprint_of(blob_of(drawer / "ca.pub"))
    assert (read.key_id, read.serial, read.principals, read.for_users) == ("robot", 7, ("techem",), True)
    assert (read.networks, read.command) == (None, None)
    assert objection(read, drawer) is None


@pytest.mark.parametrize(
    ("options", "principals", "valid", "reason"),
    [
        ((), "ista", "-1m:+1h", "the certificate is for somebody else"),
        ((), "ista,techem", "-1m:+1h", None),
        ((), "techem2", "-1m:+1h", "the certificate is for somebody else"),
        ((), None, "-1m:+1h", "the certificate names no principal"),
        ((), "techem", "-2h:-1h", "the certificate has expired"),
        ((), "techem", "+1h:+2h", "the certificate is not valid yet"),
        ((), "techem", "always:forever", None),
        (("-h",), "techem", "-1m:+1h", "the certificate is for hosts"),
        (("-O", "source-address=10.0.0.0/8"), "techem", "-1m:+1h", "not from a network of the certificate"),
        (("-O", "source-address=10.0.0.0/8,192.0.2.0/24"), "techem", "-1m:+1h", None),
        (("-O", "force-command=sh"), "techem", "-1m:+1h", "the certificate is for another command"),
        (("-O", "force-command=internal-sftp"), "techem", "-1m:+1h", None),
        (("-O", "clear"), "techem", "-1m:+1h", None),
    ],
    ids=str,
)  # fmt: skip
def test_a_certificate_opens_the_door_for_its_principal_in_its_time_only(
    drawer: Path, sign: Callable[..., bytes], options: tuple[str, ...], principals: str | None, valid: str,
    reason: str | None,
) -> None:  # fmt: skip
    read = read_certificate(sign(*options, principals=principals, valid=valid))
    assert objection(read, drawer) == reason


def test_a_critical_option_that_we_do_not_know_is_refused(sign: Callable[..., bytes]) -> None:
    blob = sign("-O", "critical:verify-required")
    with pytest.raises(Unusable, match="critical option"):
        read_certificate(blob)


def test_an_unknown_extension_does_not_matter(drawer: Path, sign: Callable[..., bytes]) -> None:
    assert objection(read_certificate(sign("-O", "extension:login@example.com=x")), drawer) is None


def test_a_certificate_that_was_changed_is_refused(sign: Callable[..., bytes]) -> None:
    blob = sign()
    for place in (blob.index(b"techem"), blob.index(b"robot"), len(blob) - 1):
        with pytest.raises(Unusable):
            read_certificate(blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :])
    for cut in range(0, len(blob), 7):
        if is_certificate(blob[:cut]):
            with pytest.raises(Unusable):
                read_certificate(blob[:cut])
    with pytest.raises(Unusable):
        read_certificate(blob + b"x")


def test_an_authority_that_signs_with_sha1_is_refused(drawer: Path) -> None:
    authority = Authority(make_key(drawer / "rsa_ca", kind="rsa", bits="2048"))
    good = read_certificate(blob_of(authority.sign(drawer / "user")))
    assert good.key_id == "robot"
    old = asyncssh.read_private_key(str(drawer / "rsa_ca")).generate_user_certificate(
        asyncssh.read_public_key(f"{drawer}/user.pub"), "robot", principals=["techem"], sig_alg="ssh-rsa"
    )
    with pytest.raises(Unusable, match="signed with ssh-rsa"):
        read_certificate(old.public_data)


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_kinds_of_keys_are_read_as_well(drawer: Path, kind: str) -> None:
    key = make_key(drawer / f"user_{kind}", kind=kind, bits="2048" if kind == "rsa" else "384")
    authority = Authority(make_key(drawer / f"ca_{kind}", kind=kind, bits="2048" if kind == "rsa" else "521"))
    read = read_certificate(blob_of(authority.sign(key)))
    assert read.key == blob_of(Path(f"{key}.pub"))
    assert read.authority == blob_of(Path(f"{authority.file}.pub"))


def test_short_rsa_keys_are_refused_also_in_certificates(drawer: Path) -> None:
    key = make_key(drawer / "short", kind="rsa", bits="1024")
    with pytest.raises(Unusable, match="2048"):
        read_certificate(blob_of(Authority(drawer / "ca").sign(key)))


def test_authorities_of_another_account_and_passwords_only_do_not_count(
    drawer: Path, sign: Callable[..., bytes]
) -> None:
    read = read_certificate(sign())
    shown = ShownKey(read.key, read)
    now = datetime.now(tz=UTC)
    stranger = Account(partner="techem", keys={})
    told = stranger.objection_to_key(shown, authorities=(), address=ADDRESS, now=now)
    assert told == "the certificate is not from an authority of this partner"
    assert (
        stranger.objection_to_key(shown, authorities=[read.authority], address=ADDRESS, now=now) is None
    )  # the house's
    by_password = Account(
        partner="techem", keys={}, login=Login.PASSWORD, authorities=frozenset([read.authority])
    )
    told = by_password.objection_to_key(shown, authorities=(), address=ADDRESS, now=now)
    assert told == "this partner logs in by password"


def test_a_certificate_ends_to_the_second(drawer: Path, sign: Callable[..., bytes]) -> None:
    read = read_certificate(sign())
    end = datetime.fromtimestamp(read.valid_until, tz=UTC)
    for now, reason in (
        (end - timedelta(seconds=1), None),
        (end, "the certificate has expired"),
        (datetime.fromtimestamp(read.valid_from, tz=UTC), None),
    ):
        told = read.objection(partner="techem", authorities=[read.authority], address=ADDRESS, now=now)
        assert told == reason


def test_a_plain_key_of_an_account_does_not_count_in_a_strangers_certificate(drawer: Path) -> None:
    read = read_certificate(blob_of(Authority(make_key(drawer / "other_ca")).sign(drawer / "user")))
    assert objection(read, drawer) == "the certificate is not from an authority of this partner"


@given(data=st.data())
def test_bytes_that_were_tampered_with_are_refused_and_break_nothing(data: st.DataObject) -> None:
    """Hundreds of mutations of real certificates and keys, by length fields above all."""
    blob = bytearray(data.draw(st.sampled_from(_seeds())))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(blob) - 1))
        blob[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    if bytes(blob) in _seeds():
        return
    with contextlib.suppress(Unusable):
        shown = read_shown(bytes(blob))
        assert (
            shown.certificate is None
        )  # its signature can't be right any more; a plain key may be another key


@functools.cache
def _seeds() -> tuple[bytes, ...]:
    """One certificate and one key of each kind."""
    made = []
    authority = asyncssh.generate_private_key("ssh-ed25519")
    for kind in ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"):
        key = asyncssh.generate_private_key(kind)
        certificate = authority.generate_user_certificate(
            key, "robot", principals=["techem"], source_address=["10.0.0.0/8"], force_command="internal-sftp"
        )
        made += [certificate.public_data, key.public_data]
    return tuple(made)
