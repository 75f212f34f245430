"""Locks of the server: one holder on all machines, and free again however the holder ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from meterdrop.model.errors import TryAgain
from meterdrop.store.database import Database
from tests.homes import POSTGRESQL, Homes

pytestmark = pytest.mark.only_on(POSTGRESQL)


HOLDER = """
import sys, time
from meterdrop.store.database import Database
with Database(sys.argv[1]).server_locks().hold("partner-techem", wait=0):
    print("mine", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def url(homes: Homes, tmp_path: Path) -> str:
    return homes.empty(tmp_path)


def test_one_holds_it_and_the_others_are_told(url: str) -> None:
    here, there = Database(url), Database(url)
    with here.server_locks().hold("partner-techem", wait=0):
        with (
            pytest.raises(TryAgain, match="partner-techem: another process is at it"),
            there.server_locks().hold("partner-techem", wait=0.05),
        ):
            raise AssertionError("two at once")
        with there.server_locks().hold("partner-ista", wait=0):
            pass
    with there.server_locks().hold("partner-techem", wait=0):
        pass
    here.close()
    there.close()


def test_a_killed_holder_lets_go_at_once(url: str) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"mine\n"
    database = Database(url)

    holder.send_signal(signal.SIGKILL)
    with database.server_locks().hold("partner-techem", wait=20):
        pass

    holder.communicate()
    database.close()


def test_a_holder_whose_connection_is_cut_loses_it_and_goes_on(url: str) -> None:
    here, there = Database(url), Database(url)
    with here.server_locks().hold("partner-techem", wait=0):
        with there.writing() as store:
            store.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        with there.server_locks().hold("partner-techem", wait=20):
            pass
    with here.server_locks().hold("partner-techem", wait=0):
        pass
    here.close()
    there.close()


def test_a_server_that_is_away_is_told_as_such() -> None:
    database = Database("postgresql://nobody@127.0.0.1:9/nothing")

    with pytest.raises(TryAgain, match="did not answer"), database.server_locks().hold("x", wait=0):
        raise AssertionError("held what nobody has")
