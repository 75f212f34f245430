"""Every folder of samples/ goes the whole road, and must come out as its sample.json says."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from hashlib import sha256
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from meterdrop.bootstrap import House
from meterdrop.model.delivery import Delivery
from meterdrop.settings import read_settings
from tests.homes import POSTGRESQL, Homes

SAMPLES = Path(__file__).parents[2] / "samples"
FOLDERS = sorted(path.parent for path in SAMPLES.rglob("sample.json"))

Told = dict[str, Any]  # JSON of a sample or a receipt


def kinds_of(folder: Path) -> set[str]:
    """What a sample is a case of: feeds, verdicts, codes, and what it asks of the house."""
    sample = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
    outcomes = [told["expected"] for told in sample["files"]]
    asked = {word for word in sample if word not in ("files", "today", "partner")}
    codes = {finding["code"] for one in outcomes for finding in one["findings"]}
    several = {"several files"} if len(outcomes) > 1 else set()
    return {str(one[word]) for one in outcomes for word in ("feed", "verdict")} | codes | asked | several


def one_of_each_kind() -> set[Path]:
    """As few samples as have, together, everything that any sample is a case of."""
    kinds = {folder: kinds_of(folder) for folder in FOLDERS}
    missing, chosen = set[str]().union(*kinds.values()), set()
    while missing:
        best = max(FOLDERS, key=lambda folder: len(kinds[folder] & missing))
        chosen.add(best)
        missing -= kinds[best]
    return chosen


BY_DAY = one_of_each_kind()
"""On PostgreSQL, too; the others there by night."""


Furnished = Callable[[Path], Path]
"""The home that a sample's files come to, with its partners and the register it needs; to be copied."""


@pytest.fixture
def furnished(homes: Homes) -> Furnished:
    """Samples that ask for the same share one."""

    def home_of(folder: Path) -> Path:
        sample = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
        wanted = ("partner", "group", "partners", "registrars", "register", "today")
        own = str(folder) if (folder / "schemas").is_dir() else ""
        key = json.dumps([own, *(sample.get(word) for word in wanted)])
        return homes.kept(sha256(key.encode()).hexdigest(), partial(furnish, homes=homes, folder=folder))

    return home_of


@dataclass
class Rig:
    """A house of its own for one sample, with its partner and the register it needs."""

    house: House
    sample: Told
    folder: Path

    def add_partners(self) -> None:
        partner, group = self.sample["partner"], self.sample["group"]
        for known, number in {
            **dict.fromkeys(self.sample.get("partners", []), 1),
            **dict.fromkeys(self.sample.get("registrars", []), 2),
            "manager": 2,
            partner: group,
        }.items():
            self.house.partners.add(known, name=known, group=number, keys=[], networks=[], who="test")

    def load_register(self) -> None:
        if self.sample.get("register"):
            sender = "manager" if self.sample["group"] == 1 else self.sample["partner"]
            [done] = self.house.take_files(
                [SAMPLES / self.sample["register"]], partner=sender, feed="devices"
            )
            assert done.state.value == "accepted", self.house.show_delivery.receipt(done)

    def load(self, told: Told, *, workplace: Path) -> Delivery:
        """Loads one file under the path that it would have been uploaded as."""
        landing = workplace / told["path"]
        landing.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.folder / told["file"], landing)
        [done] = self.house.take_files(
            [landing], partner=self.sample["partner"], feed=told["feed"], path=told["path"]
        )
        return done


@contextmanager
def rig_of(folder: Path, *, home: Path) -> Iterator[Rig]:
    """A house in a home that is furnished for the sample."""
    sample = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
    house = House(settings=read_settings(home), today_is=date.fromisoformat(sample["today"]))
    yield Rig(house=house, sample=sample, folder=folder)
    house.database.close()


def furnish(home: Path, *, homes: Homes, folder: Path) -> None:
    """Makes a home as it is before the first file of a sample comes."""
    homes.make(home)
    if (folder / "schemas").is_dir():
        shutil.copytree(folder / "schemas", home / "schemas", dirs_exist_ok=True)
    with rig_of(folder, home=home) as rig:
        rig.add_partners()
        rig.load_register()


def _sample(folder: Path) -> ParameterSet:
    marks = [] if folder in BY_DAY else [pytest.mark.by_night(POSTGRESQL)]
    return pytest.param(folder, id=str(folder.relative_to(SAMPLES)), marks=marks)


@pytest.mark.parametrize("folder", [_sample(folder) for folder in FOLDERS])
def test_sample_comes_out_as_it_says_and_the_same_a_second_time(
    folder: Path, furnished: Furnished, homes: Homes, tmp_path: Path
) -> None:
    """Receipts, rows and quarantined lines, to the letter; only times and upload ids are others."""
    outcomes = []
    for name in ("first", "second"):
        homes.copy(furnished(folder), tmp_path / name)
        with rig_of(folder, home=tmp_path / name) as rig:
            receipts = [_as_it_says(rig, told, workplace=tmp_path / name) for told in rig.sample["files"]]
            outcomes.append((receipts, _stored_in_the_end(rig), _set_aside(rig)))
    assert outcomes[0] == outcomes[1]


def _as_it_says(rig: Rig, told: Told, *, workplace: Path) -> Told:
    """Loads a file and compares; the receipt without what is another one each time."""
    done = rig.load(told, workplace=workplace / "files")
    receipt = rig.house.show_delivery.receipt(done)
    expected = told["expected"]
    assert receipt["verdict"] == expected["verdict"], receipt
    assert receipt["feed"] == expected["feed"]
    assert receipt["lines"] == expected["lines"]
    assert done.lines.lawful()
    assert _short(receipt["findings"]) == sorted(expected["findings"], key=_by_line)
    assert receipt["findings_total"] == len(expected["findings"])
    if "rows" in expected:
        assert _stored(rig, done) == sorted(map(_plain, expected["rows"]), key=str)
    if done.lines.quarantined and done.state.value in ("partly_accepted", "held"):
        assert _rejected_lines(rig, done)
    changing = ("upload", "received_at", "finished_at", "rejects_file")
    return {name: value for name, value in receipt.items() if name not in changing}


def _set_aside(rig: Rig) -> list[tuple[int, bytes, str]]:
    lines = rig.house.review.listed(partner=None, delivery=None, state=None, code=None, limit=None)
    return [(one.line.id, one.line.raw, one.line.state) for one in lines]


ANY_ORDER = [
    folder
    for folder in FOLDERS
    if json.loads((folder / "sample.json").read_text(encoding="utf-8")).get("any_order", False)
]


@pytest.mark.parametrize("folder", ANY_ORDER, ids=[str(path.relative_to(SAMPLES)) for path in ANY_ORDER])
def test_order_of_deliveries_does_not_matter_where_the_sample_says_so(
    folder: Path, furnished: Furnished, homes: Homes, tmp_path: Path
) -> None:
    """In the end the same readings are stored and the same lines are set aside."""
    files = json.loads((folder / "sample.json").read_text(encoding="utf-8"))["files"]
    assert len(files) > 1, "one delivery has no order"
    ends = []
    for number, order in enumerate(permutations(files)):
        home = homes.copy(furnished(folder), tmp_path / f"home-{number}")
        with rig_of(folder, home=home) as rig:
            for told in order:
                rig.load(told, workplace=tmp_path / f"files-{number}")
            ends.append((_stored_in_the_end(rig), sorted(raw for _, raw, _ in _set_aside(rig))))
    assert all(end == ends[0] for end in ends)


def test_some_samples_say_that_order_does_not_matter() -> None:
    assert ANY_ORDER


def _stored_in_the_end(rig: Rig) -> list[Told]:
    """All current readings, whoever told them."""
    rows = rig.house.export.readings(partner=None, start=None, end=None)
    told = [{name: value for name, value in row.items() if name not in ("delivery", "line")} for row in rows]
    return sorted(told, key=str)


def _by_line(finding: Told) -> tuple[float, str, str]:
    line = finding["line"]
    return (0 if line is None else line, finding["code"], finding["column"] or "")


def _short(findings: Any) -> list[Told]:  # noqa: ANN401 - JSON
    short = [{name: one[name] for name in ("line", "column", "code")} for one in findings]
    return sorted(short, key=_by_line)


def _plain(row: Told) -> Told:
    exact = {
        "value": str(Decimal(row["value"])),
        "canonical_value": Decimal(row["canonical_value"]).normalize(),
    }
    return {**row, **exact}


def _stored(rig: Rig, done: Delivery) -> list[Told]:
    rows = [
        {
            "serial": row["serial"],
            "date": str(row["date"]),
            "value": row["value"],
            "unit": row["unit"] or "",
            "canonical_value": row["canonical_value"],
            "canonical_unit": row["canonical_unit"],
        }
        for row in rig.house.export.readings(partner=done.partner, start=None, end=None)
        if row["delivery"] == done.id
    ]
    return sorted(map(_plain, rows), key=str)


def _rejected_lines(rig: Rig, done: Delivery) -> bool:
    """The rejects file has every quarantined line's own bytes; a held one only those that are bad."""
    rig.house.send_receipts()
    [path] = (rig.house.home / "receipts" / done.partner).glob(f"*{done.upload}.rejects.csv")
    rejects = path.read_bytes()
    return all(
        reviewed.line.raw in rejects
        for reviewed in rig.house.review.listed(
            partner=None, delivery=done.id, state="open", code=None, limit=None
        )
    )
