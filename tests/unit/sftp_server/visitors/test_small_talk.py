"""Are good clients never taken for a flood, and floods always?"""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import cast

import asyncssh
import pytest
from asyncssh.constants import MSG_KEXINIT
from asyncssh.packet import SSHPacket

from sftp_server.visitors.channel import REQUESTS
from sftp_server.visitors.small_talk import ALLOWANCES, BYTES_OF_AN_EXCHANGE, Bucket, SmallTalk

MOST = ALLOWANCES[MSG_KEXINIT].at_once


@dataclass
class Connection:
    """What SmallTalk touches of asyncssh's."""

    _rekey_bytes_sent: int = 0
    processed: list[int] = field(default_factory=list)

    def process_packet(self, pkttype: int, _pktid: int, _packet: SSHPacket) -> bool | Awaitable[None]:
        """A message that was let through."""
        self.processed.append(pkttype)
        return True


@dataclass
class Line:
    """One connection, and what came on it."""

    received: int = 0
    connection: Connection = field(default_factory=Connection)

    def __post_init__(self) -> None:
        SmallTalk(cast(asyncssh.SSHServerConnection, self.connection), received=lambda: self.received)

    def change_keys(self, times: int, *, coming: int = 0, going: int = 0) -> None:
        """Key exchanges, and what is carried before each."""
        for _ in range(times):
            self.received += coming
            self.connection._rekey_bytes_sent = going
            self.connection.process_packet(MSG_KEXINIT, 0, SSHPacket(b""))


@pytest.mark.parametrize("way", ["coming", "going"])
def test_keys_may_be_changed_after_each_megabyte_at_any_speed(way: str) -> None:
    """OpenSSH's `RekeyLimit=1M` does it a hundred times a second on a good line."""
    line = Line()
    line.change_keys(500, **{way: 1024 * 1024})
    assert len(line.connection.processed) == 500


@pytest.mark.parametrize("carried", [0, BYTES_OF_AN_EXCHANGE // 4])
def test_keys_changed_for_nothing_are_a_flood(carried: int) -> None:
    line = Line()
    with pytest.raises(asyncssh.ProtocolError):
        line.change_keys(3 * MOST, coming=carried)
    assert MOST <= len(line.connection.processed) <= 2 * MOST


def test_what_was_carried_earlier_does_not_pay_for_a_flood() -> None:
    line = Line()
    line.change_keys(1, coming=1024**3)
    with pytest.raises(asyncssh.ProtocolError):
        line.change_keys(2 * MOST)


def test_a_sign_of_life_each_second_is_never_a_flood_on_a_channel() -> None:
    """Dropbear asks its channel, not the connection, for as long as it is there."""
    bucket = Bucket(REQUESTS, now=0)
    assert all(bucket.take(now=second) for second in range(24 * 60 * 60))
    assert not all(bucket.take(now=24 * 60 * 60) for _ in range(REQUESTS.at_once + 1))
