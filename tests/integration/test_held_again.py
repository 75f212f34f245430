"""A held file sent again is a duplicate while the rules are the same, and judged anew once they were mended."""

from dataclasses import replace
from pathlib import Path

import pytest

from meterdrop.bootstrap import House
from meterdrop.model.delivery import Release, State
from meterdrop.settings import read_settings
from tests.homes import Homes

REGISTER = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction\n" + "".join(
    f"2026-01-01;A{number};m3;hall;CW;{1000 + number};-;1;2024-01-01;1\n" for number in range(40)
)
SLASHES = "SerialNum;Value;Unit;Date\n" + "".join(
    f"{1000 + number};1;m3;31/10/2026\n" for number in range(40)
)
PROFILE = "partner: anyone\nname: Anyone\ngroup: 2\nfeeds:\n  readings:\n    date_forms: [iso, dmy_slash]\n"


@pytest.fixture
def home(homes: Homes, tmp_path: Path) -> Path:
    made = tmp_path / "home"
    homes.make(made)
    return made


def _load(home: Path, content: str) -> tuple[State, int | None]:
    house = House(settings=read_settings(home))
    house.partners.add("anyone", name="Anyone", group=2, keys=[], networks=[], who="test")
    given = home / "work" / "given.csv"
    given.write_text(content, encoding="utf-8")
    [settled] = house.take_files([given], partner="anyone", feed=None)
    house.database.close()
    return settled.state, settled.duplicate_of


def test_held_file_is_judged_anew_after_the_profile_was_mended(home: Path) -> None:
    _load(home, REGISTER)
    assert _load(home, SLASHES) == (State.HELD, None)
    assert _load(home, SLASHES) == (State.DUPLICATE, 2)

    (home / "schemas" / "partners").mkdir(parents=True, exist_ok=True)
    (home / "schemas" / "partners" / "anyone.yaml").write_text(PROFILE, encoding="utf-8")

    assert _load(home, SLASHES) == (State.ACCEPTED, None)
    assert _load(home, SLASHES) == (State.DUPLICATE, 4)


def test_lines_of_a_held_file_that_became_poison_are_ended_by_a_corrected_one(home: Path) -> None:
    """Someone released it, and loading it killed its worker each time: it is a file of readings all the same."""
    _load(home, REGISTER)
    bad = SLASHES.replace(";1;m3;31/10/2026", ";x;m3;2026-10-31")
    assert _load(home, bad) == (State.HELD, None)
    house = House(settings=read_settings(home))
    hurried = replace(house.decide, ingest=replace(house.ingest, max_attempts=0))
    poisoned = hurried.release(2, how=Release.WHOLE, who="me", reason="let it in")
    assert (poisoned.state, poisoned.feed) == (State.POISONED, "readings")

    assert _load(home, bad.replace("x", "1")) == (State.ACCEPTED, None)

    lines = house.review.listed(partner=None, delivery=2, state=None, code=None, limit=None)
    assert {one.line.state for one in lines} == {"superseded"}
    house.database.close()
