"""Can a partner and an operator look every code up? The pages say exactly what the receipts say."""

import json
import re
from pathlib import Path

import pytest

from meterdrop.model.codes import Code, severity_of
from meterdrop.report.words import message

ROOT = Path(__file__).parents[2]
CODES = (ROOT / "docs" / "codes.md").read_text(encoding="utf-8")
CZECH, ENGLISH = (
    (ROOT / "docs" / "partner-guide.md").read_text(encoding="utf-8").split("\n# English\n", maxsplit=1)
)


def _cells(code: Code, *, language: str) -> str:
    """The sentence and the next step, as cells of a table."""
    sentence, fix = message(code.value, language=language)
    return f"{sentence} | {fix}".replace("|", "\\|").replace(" \\| ", " | ")


@pytest.mark.parametrize("code", Code)
def test_the_page_of_codes_has_a_row_for_every_code(code: Code) -> None:
    """With its weight, meaning and next step; add the row when you add the code."""
    row = f"| `{code.value}` | {severity_of(code).value} | {_cells(code, language='en')} | "
    assert CODES.count(row) == 1


@pytest.mark.parametrize("code", Code)
def test_the_partner_guide_has_every_code_in_both_languages(code: Code) -> None:
    """The same sentences as in the receipts."""
    assert CZECH.count(f"| `{code.value}` | {_cells(code, language='cs')} |\n") == 1
    assert ENGLISH.count(f"| `{code.value}` | {_cells(code, language='en')} |\n") == 1


def test_the_pages_list_no_code_that_does_not_exist() -> None:
    """A renamed code would leave its old row behind."""
    known = {code.value for code in Code}
    for page in (CODES, CZECH, ENGLISH):
        assert set(re.findall(r"^\| `([a-z]+\.[a-z-]+)` \|", page, re.MULTILINE)) == known


def test_each_sample_of_the_page_shows_its_code() -> None:
    """The folder is there and its expected findings have the code."""
    rows = re.findall(r"^\| `([a-z.-]+)` .* \| \[(\S+)\]\(\.\./samples/\2/\) \|$", CODES, re.MULTILINE)
    assert len(rows) > len(Code) / 2
    for code, name in rows:
        sample = json.loads((ROOT / "samples" / name / "sample.json").read_text(encoding="utf-8"))
        found = {finding["code"] for each in sample["files"] for finding in each["expected"]["findings"]}
        assert code in found, f"samples/{name} does not show {code}"


@pytest.mark.parametrize("code", Code)
def test_every_code_is_shown_by_a_sample_or_else_by_a_test(code: Code) -> None:
    """What no single file can show (a cut upload, a person's decision) has a test that names the code."""
    [row] = [line for line in CODES.splitlines() if line.startswith(f"| `{code.value}` |")]
    shown = re.search(r"\| \[\S+\]\(\.\./(\S+?)/?\) \|$", row)
    assert shown is not None, f"{code.value} has neither"
    place = ROOT / shown[1]
    assert place.is_dir() or code.value in place.read_text(encoding="utf-8")
