"""What does a new connection need to know of the house?"""

from collections.abc import Callable
from dataclasses import dataclass

import asyncssh

from sftp_server.audit import Audit, Clock
from sftp_server.logins.passwords import PasswordChecks
from sftp_server.logins.roll import Roll
from sftp_server.settings import Settings
from sftp_server.visitors.bans import Bans
from sftp_server.visitors.visits import Visit, Visits

SessionMaker = Callable[[Visit, str], asyncssh.SSHServerSession[bytes]]


@dataclass(frozen=True)
class Threshold:
    """The same for all connections."""

    settings: Settings
    roll: Roll
    passwords: PasswordChecks
    bans: Bans
    visits: Visits
    audit: Audit
    clock: Clock
    make_session: SessionMaker
