"""Every folder of samples/ goes the whole road, and must come out as its sample.json says."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from meterdrop.bootstrap import House, make_home
from meterdrop.model.delivery import Delivery
from meterdrop.settings import read_settings

SAMPLES = Path(__file__).parents[2] / "samples"
FOLDERS = sorted(path.parent for path in SAMPLES.rglob("sample.json"))

Told = dict[str, Any]  # JSON of a sample or a receipt


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("empty") / "home"
    make_home(home, database=None)
    return home


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


@pytest.fixture
def rig(request: pytest.FixtureRequest, empty_home: Path, tmp_path: Path) -> Iterator[Rig]:
    folder: Path = request.param
    sample = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
    home = tmp_path / "home"
    shutil.copytree(empty_home, home)
    house = House(settings=read_settings(home), today_is=date.fromisoformat(sample["today"]))
    made = Rig(house=house, sample=sample, folder=folder)
    made.add_partners()
    made.load_register()
    yield made
    house.database.close()


@pytest.mark.parametrize(
    "rig", FOLDERS, indirect=True, ids=[str(path.relative_to(SAMPLES)) for path in FOLDERS]
)
def test_sample_comes_out_as_it_says(rig: Rig, tmp_path: Path) -> None:
    for told in rig.sample["files"]:
        done = rig.load(told, workplace=tmp_path / "files")
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
