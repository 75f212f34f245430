"""Can an operator see bans, lift them and make some, while the door runs and while it does not?"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import paramiko
import pytest

from meterdrop.bootstrap import bans_of
from meterdrop.receive.bans import Ban, read, request
from sftp_server.audit import Audit
from sftp_server.settings import Settings
from sftp_server.visitors.ban_requests import BanRequests
from sftp_server.visitors.bans import Bans
from tests.integration.door.conftest import HouseMaker
from tests.integration.door.house import House, wait_until


def meterdrop(house: House, *words: str, code: int = 0) -> str:
    """Types one command at this home."""
    done = subprocess.run(
        [sys.executable, "-m", "meterdrop", "--home", str(house.home), *words],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def listed(house: House) -> list[Ban]:
    """What `bans list` tells."""
    return bans_of(house.home).listed()


def can_log_in(house: House) -> bool:
    """Whether a partner is served."""
    try:
        with house.transport():
            return True
    except (paramiko.SSHException, EOFError, OSError):
        return False


def test_a_ban_is_seen_lifted_and_made_and_the_audit_says_by_whom(
    make_house: HouseMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make_house(ban_score=2)
    house.start()
    with pytest.raises(paramiko.AuthenticationException), house.transport("nobody"):
        pass
    wait_until(lambda: bool(house.audit("banned")))
    (ban,) = json.loads(meterdrop(house, "bans", "list", "--json"))
    assert (ban["address"], ban["by"], ban["reason"]) == ("127.0.0.1", "door", "too many failed logins")
    assert not can_log_in(house)

    assert "127.0.0.1 may connect" in meterdrop(house, "bans", "lift", "127.0.0.1", "--reason", "it was me")
    with house.transport() as running:
        assert "is banned for 2h" in meterdrop(
            house, "bans", "add", "::ffff:127.0.0.1", "--for", "2h", "--reason", "a test"
        )
        wait_until(lambda: not running.is_active(), seconds=2)
    assert not can_log_in(house)
    house.stop()

    (lifted,) = house.audit("ban.lifted")
    assert (lifted["reason"], lifted["was_banned"], lifted["by"].startswith("cli:")) == (
        "it was me",
        True,
        True,
    )
    assert house.audit("banned")[1]["reason"] == "a test"
    monkeypatch.setattr("meterdrop.usecases.bans._WAITS", 0.2)  # nobody is there to answer
    assert not bans_of(house.home).lift(None, who="cli:me", reason="")
    assert len(listed(house)) == 1
    house.start()
    assert listed(house) == []
    assert can_log_in(house)
    assert list((house.home / "ban-requests").iterdir()) == []


def test_an_address_that_is_never_banned_stays_free(make_house: HouseMaker) -> None:
    house = make_house(ban_score=2, never_banned=["127.0.0.0/8"])
    house.start()
    for _ in range(3):
        with pytest.raises(paramiko.AuthenticationException), house.transport("nobody"):
            pass
    assert can_log_in(house)
    assert "never is" in meterdrop(house, "bans", "add", "127.0.0.1", "--reason", "a test", code=2)
    assert house.audit("banned") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can work as two users")
def test_it_works_between_two_users_of_one_group() -> None:
    """As deploy/meterdrop.tmpfiles.conf makes the folders: the operator may read the list and write requests, and no more."""
    door, operator, group = 64_001, 64_002, 64_003
    with tempfile.TemporaryDirectory() as made:
        home = Path(made)
        home.chmod(0o755)
        for name, owner, mode in (("bans", door, 0o2750), ("ban-requests", operator, 0o2770)):
            (home / name).mkdir()
            os.chown(home / name, owner, group)
            (home / name).chmod(mode)

        def ask() -> None:
            request(home, id="0" * 26, act="add", address="192.0.2.1", who="jan", reason="why", seconds=60)

        def take() -> None:
            bans = Bans(file=home / "bans" / "bans.json", settings=Settings(home=home))
            audit = Audit(home / "bans" / "door.jsonl")
            requests = BanRequests(home / "ban-requests", bans=bans, audit=audit, expel=lambda source: None)
            requests.take(now=datetime.now(UTC))

        def see() -> None:
            assert [ban.address for ban in read(home)] == ["192.0.2.1"]

        def forge() -> None:
            (home / "bans" / "bans.json").write_text("{}")

        assert _works_as(operator, group, ask)
        assert _works_as(door, group, take)
        assert _works_as(operator, group, see)
        assert not _works_as(operator, group, forge)


def _works_as(user: int, group: int, act: Callable[[], None]) -> bool:
    """Whether the act comes to its end in a process of that user."""
    child = os.fork()
    if child == 0:
        try:
            os.umask(0o007)
            os.setgroups([group])
            os.setgid(user)
            os.setuid(user)
            act()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0
