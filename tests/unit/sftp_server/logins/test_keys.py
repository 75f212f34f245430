"""Which lines of keys are taken?"""

from datetime import UTC, datetime

import asyncssh
import pytest

from sftp_server.logins.keys import fingerprint_of, read_key_line
from sftp_server.refusals import Unusable

PUBLIC = asyncssh.generate_private_key("ssh-ed25519", comment="the office").convert_to_public()
KEY = PUBLIC.export_public_key().decode().strip()
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def test_a_key_has_its_comment_and_fingerprint() -> None:
    line = read_key_line(KEY)
    assert (line.blob, line.comment) == (PUBLIC.public_data, "the office")
    assert fingerprint_of(line.blob) == PUBLIC.get_fingerprint()
    assert line.objection(address="192.0.2.1", now=NOW) is None


def test_a_key_may_be_narrowed_to_networks() -> None:
    line = read_key_line(f'from="10.0.0.0/8,192.0.2.1",restrict {KEY}')
    assert line.objection(address="10.1.1.1", now=NOW) is None
    assert line.objection(address="192.0.2.1", now=NOW) is None
    assert line.objection(address="192.0.2.2", now=NOW) == "not from a network of this key"


@pytest.mark.parametrize(
    ("stamp", "end"),
    [
        ("20261128", datetime(2026, 11, 27, 23, tzinfo=UTC)),
        ("20261128Z", datetime(2026, 11, 28, tzinfo=UTC)),
        ("202607011200", datetime(2026, 7, 1, 10, tzinfo=UTC)),
        ("20261128120001Z", datetime(2026, 11, 28, 12, 0, 1, tzinfo=UTC)),
    ],
)
def test_a_key_may_end(stamp: str, end: datetime) -> None:
    line = read_key_line(f'expiry-time="{stamp}" {KEY}')
    assert line.expires == end
    assert (line.objection(address="192.0.2.1", now=NOW) is None) is (end > NOW)
    assert line.objection(address="192.0.2.1", now=end) == "the key has expired"


@pytest.mark.parametrize(
    "options",
    ['command="sh"', "no-pty", 'from="*.example.com"', 'from="!10.0.0.1"', 'from=""', "cert-authority",
     'expiry-time="tomorrow"', 'expiry-time="20261301"', 'expiry-time="2026112812"', 'from="10.0.0.0/8",from="11.0.0.0/8"',
     'restrict,pty', 'from="10.0.0.0/8"x'],
)  # fmt: skip
def test_other_options_are_refused_and_never_passed_over(options: str) -> None:
    with pytest.raises(Unusable):
        read_key_line(f"{options} {KEY}")


@pytest.mark.parametrize("kind", ["ssh-ed448", "ecdsa-sha2-1.3.132.0.10"])
def test_kinds_that_nobody_needs_are_refused(kind: str) -> None:
    line = asyncssh.generate_private_key(kind).export_public_key().decode()
    with pytest.raises(Unusable):
        read_key_line(line)
