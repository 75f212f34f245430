"""The digest of a day: complete for programs, short for a mail, and a page in which nothing of a partner's runs."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from meterdrop.model.delivery import LineCounts
from meterdrop.model.reported import DayOfDelivery, OldestOpen, PartnerDay
from meterdrop.report.digest import MOST_DELIVERIES, Digest, as_json, as_page, as_text, has_news

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
QUIET = PartnerDay(
    partner="vodar",
    name="Vodař s.r.o.",
    deliveries=(),
    by_state={},
    lines=LineCounts(),
    findings_by_code={},
    corrections=0,
    acts={},
    open_lines=0,
    oldest_open=None,
    last_received=None,
    silent=False,
)
BUSY = PartnerDay(
    partner="techem",
    name="Techem",
    deliveries=(
        DayOfDelivery("000000000001", "register.csv", "devices", "accepted", 14, 0),
        DayOfDelivery("000000000002", "r\u202e<b>.csv", "readings", "partly_accepted", 1_010, 9),
    ),
    by_state={"accepted": 1, "partly_accepted": 1},
    lines=LineCounts(physical=1_035, header=2, accepted=1_024, quarantined=9),
    findings_by_code={"reading.correction": 3, "value.not-a-number": 9},
    corrections=3,
    acts={"quarantine.accepted": 4, "quarantine.corrected": 2},
    open_lines=7,
    oldest_open=OldestOpen("000000000002", "r\u202e<b>.csv", 12, NOW),
    last_received=NOW,
    silent=False,
)


def digest(*partners: PartnerDay, language: str = "en") -> Digest:
    return Digest(day=date(2026, 11, 24), made_at=NOW, language=language, partners=partners)


def test_the_document_has_all_of_it() -> None:
    document: dict[str, Any] = json.loads(as_json(digest(BUSY, QUIET)))
    [busy, quiet] = document["partners"]
    assert (document["digest"], document["day"]) == (1, "2026-11-24")
    assert busy["deliveries"] == 2
    assert busy["by_verdict"] == {"accepted": 1, "partly_accepted": 1}
    assert busy["lines"] == BUSY.lines.as_dict()
    assert busy["findings_by_code"] == {"reading.correction": 3, "value.not-a-number": 9}
    assert busy["findings"][1]["count"] == 9
    assert busy["findings"][1]["message"] == "A number is expected."
    assert busy["corrections"] == 3
    assert busy["acts"] == {"quarantine.accepted": 4, "quarantine.corrected": 2}
    assert busy["oldest_open"] == {
        "delivery": "000000000002",
        "file": "r\u202e<b>.csv",
        "line": 12,
        "since": "2026-11-24T08:00:00.000Z",
    }
    assert [one["file"] for one in busy["list"]] == ["register.csv", "r\u202e<b>.csv"]
    assert quiet["oldest_open"] is None
    assert quiet["last_received"] is None


def test_the_text_tells_what_a_mail_needs() -> None:
    text = as_text(digest(BUSY, QUIET))
    assert text.splitlines()[:8] == [
        "Digest of the day 2026-11-24 (report made 2026-11-24 09:00)",
        "",
        "Techem (techem)",
        "  deliveries: 2 (accepted 1, partly accepted 1)",
        "    000000000001  register.csv: accepted",
        "    000000000002  r⟨U+202E⟩<b>.csv: partly accepted",
        "  lines: 1,035 (header 2, accepted 1,024, quarantined 9)",
        "  findings:",
    ]
    assert "    9 × value.not-a-number: A number is expected.\n" in text
    assert "  readings replaced by a correction: 3" in text
    assert "what became of lines in quarantine: accepted 4, corrected 2" in text
    assert "lines that wait now: 7; line 12 of r⟨U+202E⟩<b>.csv waits longest" in text
    assert text.endswith("Nothing happened at partners: vodar\n")
    assert "\u202e" not in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_the_text_is_czech_where_it_is_wanted() -> None:
    text = as_text(digest(BUSY, language="cs"))
    assert "dodávky: 2 (přijatá 1, částečně přijatá 1)" in text
    assert "co se stalo s řádky v karanténě: přijatý 4, opravený 2" in text


def test_silence_is_news() -> None:
    silent = replace(QUIET, silent=True, last_received=NOW)
    assert has_news(silent)
    assert not has_news(QUIET)
    assert "Silent for a long time: last received 2026-11-24 09:00" in as_text(digest(silent))
    assert "Silent for a long time" in "".join(as_page(digest(silent)))


def test_many_deliveries_are_cut_in_the_text_and_the_page_but_not_in_the_document() -> None:
    many = replace(BUSY, deliveries=BUSY.deliveries * MOST_DELIVERIES)
    assert as_text(digest(many)).count("register.csv: accepted") == MOST_DELIVERIES // 2
    assert "… and more" in as_text(digest(many))
    assert "".join(as_page(digest(many))).count("register.csv") == MOST_DELIVERIES // 2
    assert as_json(digest(many)).count('"register.csv"') == MOST_DELIVERIES


def test_the_page_has_no_script_and_the_partners_text_is_text() -> None:
    page = "".join(as_page(digest(BUSY, QUIET)))
    assert "script-src &#39;none&#39;" in page
    assert "<script" not in page
    assert "r⟨U+202E⟩&lt;b&gt;.csv" in page
    assert "<b>.csv" not in page


@pytest.mark.parametrize(("language", "said"), [("en", "There are no partners."), ("cs", "Žádný partner")])
def test_a_house_without_partners_has_a_digest(language: str, said: str) -> None:
    nobody = digest(language=language)
    assert said in as_text(nobody)
    assert said in "".join(as_page(nobody))
