"""Is every sample folder whole, and does it keep the line law before any program has run over it?"""

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from meterdrop.model.codes import Code, Severity, severity_of
from meterdrop.model.delivery import UNFINISHED, LineCounts, State

SAMPLES = Path(__file__).parents[2] / "samples"
PROFILES = Path(__file__).parents[2] / "schemas" / "partners"
FOLDERS = sorted(path for path in SAMPLES.glob("*/*") if path.is_dir())
NAMES = [str(folder.relative_to(SAMPLES)) for folder in FOLDERS]

READINGS_ONLY = {"metra-sumperk", "profiterm", "dodavatel-uspor", "renova"}
WITH_REGISTER = {"enbra", "ista", "techem", "rekostav", "inmes"}
DIRT = {
    "utf8", "utf8-bom", "windows-1250", "iso-8859-2", "utf-16-le", "utf-16-be", "semicolon", "comma", "tab",
    "decimal-comma", "dates-accepted", "dates-refused", "heading-aliases", "ragged-lines", "two-stray-quotes",
    "blank-and-comment-lines", "repeated-header", "empty-file", "header-only", "binary-rubbish", "nul",
    "one-megabyte-line", "no-final-newline",
}  # fmt: skip

Json = Mapping[str, Any]  # what json.loads gives: texts, numbers, lists and mappings of them


def _sample(folder: Path) -> Json:
    told: Json = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
    return told


def _deliveries() -> list[tuple[str, Path, Json]]:
    return [
        (f"{name}:{place}", folder / told["file"], told)
        for name, folder in zip(NAMES, FOLDERS, strict=True)
        for place, told in enumerate(_sample(folder)["files"])
    ]


DELIVERIES = _deliveries()
each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
each_delivery = pytest.mark.parametrize(
    ("path", "told"), [each[1:] for each in DELIVERIES], ids=[each[0] for each in DELIVERIES]
)


def _lines_an_editor_shows(path: Path) -> int:
    """Line ends are LF, CRLF or a lone CR; what stands after the last one is a line too."""
    sent = path.read_bytes()
    encoding = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(sent[:2], "latin-1")
    text = sent.decode(encoding)
    ends = re.findall(r"\r\n|\r|\n", text)
    return len(ends) + (text != "" and text[-1] not in "\r\n")


def test_there_are_samples_for_every_kind_of_dirt_and_every_partner() -> None:
    """The list of the issue that built the road."""
    assert {f"any-csv/{name}" for name in DIRT} <= set(NAMES)
    assert {f"{name}/readings" for name in READINGS_ONLY | WITH_REGISTER} <= set(NAMES)
    assert {f"{name}/devices" for name in WITH_REGISTER} <= set(NAMES)


@each_folder
def test_a_sample_says_what_it_is(folder: Path) -> None:
    """All keys, a sentence, a day, an account."""
    sample = _sample(folder)
    assert set(sample) - {"partners", "registrars", "any_order"} == {
        "partner",
        "group",
        "today",
        "title",
        "register",
        "files",
    }
    assert sample["group"] in (1, 2)
    assert sample["title"].endswith(".")
    assert date.fromisoformat(sample["today"]) <= date(2026, 11, 24)
    assert sample["register"] is None or (SAMPLES / sample["register"]).is_file()
    assert sample["files"]


@each_folder
def test_a_partner_of_the_samples_has_a_profile_that_owns_up_to_guessing(folder: Path) -> None:
    """Only the made-up senders of any-csv have none; the others say that their format is not public."""
    partner = _sample(folder)["partner"]
    if folder.parent.name == "any-csv":
        assert not (PROFILES / f"{partner}.yaml").exists()
    else:
        profile = (PROFILES / f"{folder.parent.name}.yaml").read_text(encoding="utf-8")
        words = " ".join(profile.split())
        assert partner == folder.parent.name
        assert "not public" in words or "no published format" in words
        assert "plausible guess" in words


@each_folder
def test_every_file_of_a_sample_is_used(folder: Path) -> None:
    """No input lies about that no test reads."""
    sample = _sample(folder)
    used = {each["file"] for each in sample["files"]} | {"sample.json"}
    if sample["register"] and (SAMPLES / sample["register"]).parent == folder:
        used.add(Path(sample["register"]).name)
    assert {path.name for path in folder.iterdir()} - {"schemas"} == used


@each_delivery
def test_the_expected_counts_keep_the_line_law(path: Path, told: Json) -> None:
    """And their physical lines are what an editor shows."""
    lines = told["expected"]["lines"]
    assert list(lines) == list(LineCounts().as_dict())
    assert LineCounts(**lines).lawful()
    assert lines["physical"] == _lines_an_editor_shows(path)


@each_delivery
def test_an_expected_result_is_well_formed(path: Path, told: Json) -> None:
    """A final verdict, findings in order of the file, codes that exist."""
    del path
    expected = told["expected"]
    assert set(told) == {"file", "path", "feed", "expected"}
    assert told["path"].startswith("incoming/")
    assert set(expected) - {"rows"} == {"verdict", "feed", "lines", "findings"}
    assert State(expected["verdict"]) not in UNFINISHED
    assert all(set(finding) == {"line", "column", "code"} for finding in expected["findings"])
    assert all(Code(finding["code"]) for finding in expected["findings"])
    lines = [finding["line"] for finding in expected["findings"]]
    assert lines == sorted(lines, key=lambda line: (line is None, line or 0))
    assert all(1 <= line <= expected["lines"]["physical"] for line in lines if line is not None)


@each_delivery
def test_the_verdict_fits_the_counts_and_findings(path: Path, told: Json) -> None:
    """Each line set aside has an error, each line with an error is set aside, unless the whole file is."""
    del path
    expected = told["expected"]
    lines, verdict = LineCounts(**expected["lines"]), expected["verdict"]
    bad = {
        finding["line"]
        for finding in expected["findings"]
        if severity_of(Code(finding["code"])) is Severity.ERROR and finding["line"] is not None
    }
    if verdict in ("accepted", "partly_accepted"):
        assert lines.quarantined == len(bad)
        assert (verdict == "partly_accepted") == (lines.quarantined > 0)
    elif verdict == "duplicate":
        assert lines.duplicate == lines.data()
    else:
        assert lines.accepted == lines.duplicate == 0
        assert [each for each in expected["findings"] if each["code"].startswith(("file.", "device."))]


@each_delivery
def test_expected_rows_are_as_many_as_the_lines_accepted(path: Path, told: Json) -> None:
    """Where rows are given, they are all of them."""
    del path
    expected = told["expected"]
    if "rows" in expected:
        keys = {"serial", "date", "value", "unit", "canonical_value", "canonical_unit"}
        assert len(expected["rows"]) == expected["lines"]["accepted"]
        assert all(set(row) == keys and date.fromisoformat(row["date"]) for row in expected["rows"])


def test_the_demo_s_plan_is_whole_and_lawful() -> None:
    """Its files are there, its counts keep the law, and its bad lines are too few to hold a delivery."""
    plan = json.loads((SAMPLES / "demo" / "plan.json").read_text(encoding="utf-8"))
    accounts = {partner["id"] for partner in plan["partners"]}
    *uploads, last = plan["steps"]
    assert last["reprocess"] is True
    assert {step["file"] for step in uploads} == {
        path.name for path in (SAMPLES / "demo").iterdir() if path.name != "plan.json"
    }
    for step in uploads:
        lines = LineCounts(**step["expected"]["lines"])
        assert step["partner"] in accounts
        assert lines.lawful()
        assert lines.physical == _lines_an_editor_shows(SAMPLES / "demo" / step["file"])
        assert lines.quarantined < 20
        assert State(step["expected"]["verdict"]) not in UNFINISHED
        assert all(Code(code) for code in step["expected"]["findings_by_code"])
    waiting = sum(
        step["expected"]["findings_by_code"].get("reading.device-not-in-register", 0) for step in uploads
    )
    assert last["expected"]["accepted"] == waiting
