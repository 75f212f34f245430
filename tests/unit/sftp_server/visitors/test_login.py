"""Is every password checked at the same price, and every try counted, whatever comes in between?"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import argon2
import asyncssh
import pytest

from sftp_server.audit import Audit
from sftp_server.logins.accounts import NOTHING_YET, Proofs
from sftp_server.logins.passwords import PasswordChecks, PasswordHash
from sftp_server.logins.roll import Roll
from sftp_server.settings import Settings
from sftp_server.visitors.bans import Bans
from sftp_server.visitors.login import LoginSteps
from sftp_server.visitors.threshold import Threshold
from sftp_server.visitors.visits import Visit, Visits

NOW = datetime(2026, 11, 28, tzinfo=UTC)
HASH = argon2.PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1).hash("right")
ACCOUNTS = {
    "ista": f'password = "{HASH}"',
    "metra": "keys = []",
    "enbra": f'password = "{HASH}"\ndisabled = true',
    "inmes": f'password = "{HASH}"\nnetworks = ["10.0.0.0/8"]',
    "techem": f'password = "{HASH}"\nlogin = "key and password"',
    "renova": f'password = "{HASH}"\nexpires = 2026-01-01',
    "spoilt": "keis = []",
}


@dataclass
class Checks:
    """Counts what is checked, and takes as long as it is told."""

    seconds: float = 0
    checked: list[PasswordHash] = field(default_factory=list)

    async def fits(self, stored: PasswordHash, password: str, *, source: str) -> bool:
        """Like the real ones."""
        self.checked.append(stored)
        await asyncio.sleep(self.seconds)
        return stored.fits(password)


class Connection:
    """What LoginSteps touches of a connection."""

    _next_service = b""

    async def validate_public_key(self, *_: object) -> bool:
        """Not needed here."""
        return False

    async def send_userauth_success(self) -> None:
        """Not needed here."""


@dataclass
class Caller:
    """What LoginSteps touches of a visit."""

    connection: Connection = field(default_factory=Connection)
    address: str = "192.0.2.1"
    proofs: Proofs = NOTHING_YET
    user: str | None = None
    tries: int = 0
    points: int = 0
    debts: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, event: str, **_: object) -> None:
        """A line of the audit."""
        self.notes.append(event)


@dataclass
class Scene:
    """One connection before its login."""

    steps: LoginSteps
    visit: Caller
    checks: Checks


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A house with all kinds of accounts."""
    for partner, more in ACCOUNTS.items():
        (tmp_path / f"{partner}.toml").write_text(f'partner = "{partner}"\n{more}')
    settings, roll, checks = Settings(home=tmp_path), Roll(tmp_path, secret=b"secret"), Checks()
    roll.reload()
    audit = Audit(tmp_path / "door.jsonl", clock=lambda: NOW)
    house = Threshold(
        settings=settings, roll=roll, passwords=cast(PasswordChecks, checks), audit=audit, visits=Visits(),
        bans=Bans(file=tmp_path / "bans.json", settings=settings), clock=lambda: NOW,
        make_session=cast(Any, None),  # no session is made here
    )  # fmt: skip
    caller = Caller()
    return Scene(LoginSteps(house, cast(Visit, caller)), caller, checks)


@pytest.mark.parametrize("name", [*ACCOUNTS, "nobody", "../ista", ""])
def test_every_name_costs_one_check_of_the_same_price(scene: Scene, name: str) -> None:
    """Whether there is such a partner, and what is against it: the time must tell nothing."""
    assert not asyncio.run(scene.steps.judge_password(name, "wrong"))
    (checked,) = scene.checks.checked
    assert checked.text.rsplit("$", 2)[0] == HASH.rsplit("$", 2)[0]
    assert (scene.visit.tries, scene.visit.points > 0) == (1, True)


def test_a_right_password_is_no_try(scene: Scene) -> None:
    assert asyncio.run(scene.steps.judge_password("ista", "right"))
    assert (scene.visit.tries, scene.visit.points) == (0, 0)


@pytest.mark.parametrize("name", ["enbra", "inmes", "techem", "renova"])
def test_a_right_password_does_not_help_where_something_else_is_wrong(scene: Scene, name: str) -> None:
    assert not asyncio.run(scene.steps.judge_password(name, "right"))


def test_a_check_that_is_broken_off_counts_as_a_try(scene: Scene) -> None:
    """A client may ask again before it is answered: that must not buy it more guesses."""
    scene.checks.seconds = 30

    async def ask_and_break_off() -> None:
        task = asyncio.create_task(scene.steps.judge_password("ista", "right"))
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    for _ in range(6):
        asyncio.run(ask_and_break_off())
    assert (scene.visit.tries, scene.visit.points) == (6, 6)
    with pytest.raises(asyncssh.DisconnectError):
        asyncio.run(scene.steps.judge_password("ista", "right"))
    assert len(scene.checks.checked) == 6


def test_answers_that_are_no_password_are_wrong_ones(scene: Scene) -> None:
    for answers in ((), ("right", "right"), ("right" * 1000,), ("\0",), ("",), ("ri\u00adght\u0007",)):
        scene.visit.tries = 0
        assert not asyncio.run(scene.steps.judge_answers("ista", answers))
    scene.visit.tries = 0
    assert asyncio.run(
        scene.steps.judge_answers("ista", ("ri\u00adght",))
    )  # a soft hyphen is nothing (RFC 4013)


def test_a_house_without_passwords_asks_for_none(tmp_path: Path, scene: Scene) -> None:
    for partner in ACCOUNTS:
        (tmp_path / f"{partner}.toml").unlink()
    scene.steps._house.roll.reload()
    assert not scene.steps.takes_passwords()
    assert scene.steps.challenge("ista") is False
    with pytest.raises(asyncssh.DisconnectError):
        asyncio.run(scene.steps.judge_password("ista", "right"))
    assert scene.checks.checked == []
