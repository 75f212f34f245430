"""The quarantine page in a real browser: a hostile delivery is text in it, and nothing of it runs."""

from pathlib import Path

import pytest

from tests.integration.browser import Dom, browser
from tests.integration.command_line import CommandLine

HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=1">',
    "</td></tr></table><iframe srcdoc=x>",
    '=HYPERLINK(""http://example.invalid"")',
    "\u202e321",
    "1\x002",
)


@pytest.fixture
def page(meterdrop: CommandLine) -> Path:
    """The report of a delivery whose file name, headings and cells are hostile."""
    meterdrop.register("10001")
    rows = ['10001;"{}";m3;2026-10-31;'.format(cell.replace('"', '""')) for cell in HOSTILE]
    path = meterdrop.write("<img src=x>.csv", ["SerialNum;Value;Unit;Date;<b onclick=x>", *rows])
    meterdrop("ingest", "--partner", "anyone", str(path))
    out = meterdrop.files / "report.html"
    meterdrop.done("report", "delivery", "2", "--format", "html", "--language", "en", "--output", str(out))
    return out


def test_nothing_of_a_hostile_delivery_runs_or_becomes_a_part_of_the_page(page: Path, tmp_path: Path) -> None:
    dom = browser(tmp_path / "profile").opened(page)

    assert dom.texts["title"][0] == "Quarantine: <img src=x>.csv (000000000002)"
    assert dom.texts["h1"] == ["<img src=x>.csv"]
    assert not {"img", "iframe", "b onclick"} & set(dom.tags)
    assert dom.tags.count("script") == 1
    assert not [name for _, name, _ in dom.attributes if name.startswith("on")]
    marks = " ".join(dom.texts["mark"])
    assert "<script>document.title='owned'</script>" in marks
    assert '""><img src=x onerror=""document.title=1"">' in marks
    assert "⟨U+202E⟩321" in marks
    assert any("1␀2" in text for text in dom.texts["code"])
    assert "\u202e" not in page.read_text(encoding="utf-8")
    assert dom.console == []


def test_our_own_script_runs_and_our_own_style_is_taken(page: Path, tmp_path: Path) -> None:
    """The policy lets them through: the filter shows itself, and the browser complains of nothing."""
    dom = browser(tmp_path / "profile").opened(page)
    assert ("form", "id", "filter") in dom.attributes
    assert not [one for one in dom.attributes if one[:2] == ("form", "hidden")]
    assert dom.texts["output"][-1].split()[-1] == str(len(HOSTILE))
    assert refusals(dom) == []


def test_a_script_that_got_into_the_page_all_the_same_is_not_run(page: Path, tmp_path: Path) -> None:
    """Were the escaping ever to fail, the policy still stands."""
    text = page.read_text(encoding="utf-8")
    broken = page.with_name("broken.html")
    attack = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    broken.write_text(text.replace("<main>", f"<main>{attack}"), encoding="utf-8")

    dom = browser(tmp_path / "profile").opened(broken)

    assert dom.tags.count("script") == 2
    assert dom.texts["title"][0].startswith("Quarantine: ")
    assert refusals(dom) != []


def refusals(dom: Dom) -> list[str]:
    return [line for line in dom.console if "Content Security Policy" in line]
