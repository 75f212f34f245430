"""Can a partner that was added a moment ago come in, without a restart?"""

import time

import pytest

from tests.road.clients.rig import Road

pytestmark = pytest.mark.road


def test_new_partner_can_log_in_within_two_seconds_without_a_restart(road: Road) -> None:
    key = road.up.add_partner("beta")
    time.sleep(2)

    with road.up.paramiko("beta", key) as sftp:
        assert sorted(sftp.listdir("/")) == ["incoming", "receipts"]
        assert sftp.listdir("/receipts") == []
