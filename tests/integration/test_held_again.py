"""A held file sent again is a duplicate while the rules are the same, and judged anew once they were mended."""

from pathlib import Path

import pytest

from meterdrop.bootstrap import House, make_home
from meterdrop.model.delivery import State
from meterdrop.settings import read_settings

REGISTER = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction\n" + "".join(
    f"2026-01-01;A{number};m3;hall;CW;{1000 + number};-;1;2024-01-01;1\n" for number in range(40)
)
SLASHES = "SerialNum;Value;Unit;Date\n" + "".join(
    f"{1000 + number};1;m3;31/10/2026\n" for number in range(40)
)
PROFILE = "partner: anyone\nname: Anyone\ngroup: 2\nfeeds:\n  readings:\n    date_forms: [iso, dmy_slash]\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    make_home(made, database=None)
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
