"""Is everything called back that accounts/revoked names, and is nothing in it passed over?"""

import base64
import shutil
from pathlib import Path

import pytest

from sftp_server.logins.certificates import Certificate, read_certificate
from sftp_server.logins.keys import fingerprint_of
from sftp_server.logins.revocations import Revocations, read_revocations
from tests.integration.door.authority import Authority, keygen, make_key

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


@pytest.fixture(scope="module")
def drawer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, a user's key and a certificate."""
    folder = tmp_path_factory.mktemp("keys")
    make_key(folder / "user")
    Authority(make_key(folder / "ca")).sign(folder / "user")
    return folder


def blob_of(file: Path) -> bytes:
    return base64.b64decode(file.read_text().split()[1])


def certificate(drawer: Path) -> Certificate:
    return read_certificate(blob_of(drawer / "user-cert.pub"))


def covers(drawer: Path, revoked: Revocations) -> tuple[bool, bool]:
    """Whether the plain key is called back, and whether the certificate is."""
    key = blob_of(drawer / "user.pub")
    return revoked.cover(key, None), revoked.cover(key, certificate(drawer))


@pytest.mark.parametrize(
    ("line", "plain", "certified"),
    [
        ("{user}", True, True), ("key: {user}", True, True), ("sha256: {user}", True, True), ("sha1: {user}", True, True),
        ("hash: {hash}", True, True), ("sha256:{hash}", True, True), ("{ca}", False, True), ("{user-cert}", False, True),
        ("serial: 7", False, True), ("serial: 1-7", False, True), ("serial: 8-9", False, False), ("id: robot", False, True),
        ("id: robo", False, False), ("   {user}   # lost", True, True), ("# {user}", False, False), ("", False, False),
    ],
)  # fmt: skip
def test_each_kind_of_line_calls_back_what_it_names(
    drawer: Path, line: str, plain: bool, certified: bool
) -> None:
    names = {name: (drawer / f"{name}.pub").read_text().strip() for name in ("user", "ca", "user-cert")}
    written = line.format(**names, hash=fingerprint_of(blob_of(drawer / "user.pub")))
    revoked = read_revocations(written.encode())
    assert revoked.mistakes == []
    assert covers(drawer, revoked) == (plain, certified)


def test_a_certificate_that_would_not_open_the_door_can_be_called_back(tmp_path: Path) -> None:
    """Else its line could not be read, and would shut out everybody."""
    authority = Authority(make_key(tmp_path / "weak", kind="rsa", bits="1024"))
    made = authority.sign(make_key(tmp_path / "user"), "-O", "critical:verify-required", serial=9)
    found = read_revocations(made.read_bytes())
    assert found.mistakes == []
    assert [serial for _, serial in found.certificates] == [9]
    kind, blob, *_ = made.read_text().split()
    half = base64.b64encode(base64.b64decode(blob)[:60]).decode()
    assert read_revocations(f"{kind} {half}".encode()).mistakes == ["line 1: the certificate is not whole"]


def test_a_certificate_without_a_serial_is_called_back_by_its_name(drawer: Path, tmp_path: Path) -> None:
    key = make_key(tmp_path / "other")
    authority = Authority(drawer / "ca")
    made = authority.sign(key, serial=0, id="other")
    revoked = read_revocations(made.read_bytes())
    again = read_certificate(blob_of(authority.sign(key, serial=0, id="other", valid="-1m:+2h")))
    another = read_certificate(blob_of(authority.sign(key, serial=0, id="another")))
    assert revoked.cover(again.key, again)
    assert not revoked.cover(another.key, another)
    assert covers(drawer, revoked) == (False, False)


@pytest.mark.parametrize(
    "line",
    ["ssh-ed25519 AAAA", "serial: 0", "serial: 9-8", "serial: x", "serial: 0x10", "serial:", "id:", "hash: SHA256:x",
     "hash: MD5:00", "name: x", "robot", "-----BEGIN OPENSSH PRIVATE KEY-----", "serial: 99999999999999999999", "key: robot",
     "\N{GREEK SMALL LETTER ALPHA}"],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_a_mistake_and_the_others_count(drawer: Path, line: str) -> None:
    user = (drawer / "user.pub").read_text()
    revoked = read_revocations(f"{line}\n{user}".encode())
    assert [mistake.split(":")[0] for mistake in revoked.mistakes] == ["line 1"]
    assert covers(drawer, revoked) == (True, True)


def test_a_binary_list_is_told_as_such(drawer: Path) -> None:
    keygen("-k", "-f", str(drawer / "krl"), str(drawer / "user.pub"))
    (mistake,) = read_revocations((drawer / "krl").read_bytes()).mistakes
    assert "binary" in mistake


def test_bytes_that_are_no_text_are_a_mistake() -> None:
    assert len(read_revocations(b"\xff\xfe\n\x00\n").mistakes) == 2
