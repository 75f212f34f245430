"""Rules and habits change by days: each version from its day on, and the partner's own words win on every day."""

from datetime import date
from pathlib import Path

import pytest

from meterdrop.catalog import Catalog, problems_in, read_catalog, read_what_is_well
from meterdrop.catalog.dated import Dated, merged, problems_of_days
from meterdrop.model.feed import Agreement

BEFORE, JUNE, JULY = date(2026, 1, 31), date(2026, 6, 1), date(2026, 7, 1)

FEED = """
feed: visits
target: records
hold_above: {share: 0.2, lines: 20}
columns:
  No: {type: serial, mandatory: true, filled: true}
  Done: {type: choice, choices: [FITTED, CHECKED], words: {montáž: FITTED}}
  Day: {type: day}
rules: {date_sentinels: ["1999-11-30"]}
changes:
  - valid_from: 2026-07-01
    hold_above: {share: 0.1, lines: 5}
    rules: {date_sentinels: ["2127-*"]}
"""
PARTNER = """
partner: acme
name: Acme
feeds:
  visits:
    aliases: {No: [Nummer], Day: [Tag]}
    words: {Done: {einbau: FITTED}}
    separator: ";"
    date_forms: [dmy]
    valid_from: 2026-01-01
    changes:
      - valid_from: 2026-06-01
        aliases: {No: [Zahl]}
        words: {Done: {prüfung: CHECKED}}
        separator: null
        hold_above: {share: 0.5, lines: 3}
      - valid_from: 2026-08-01
        date_forms: [iso]
"""


def schemas(folder: Path, *, feed: str = FEED, partner: str = PARTNER) -> Path:
    for kind, name, text in (("feeds", "visits", feed), ("partners", "acme", partner)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / f"{name}.yaml").write_text(text, "utf-8")
    return folder


def catalog(folder: Path, *, feed: str = FEED, partner: str = PARTNER) -> Catalog:
    return read_catalog([schemas(folder, feed=feed, partner=partner)])


def problems(folder: Path, *, feed: str = FEED, partner: str = PARTNER) -> list[str]:
    return [text.split(".yaml: ")[1] for text in problems_in([schemas(folder, feed=feed, partner=partner)])]


def agreed(folder: Path, day: date, *, partner: str = "acme") -> Agreement:
    return catalog(folder).agreement(partner, "visits", on=day)


def test_version_is_valid_from_its_day_until_the_next_one_s() -> None:
    dated = Dated("a", ((JUNE, "b"), (JULY, "c")))
    assert [dated.on(day) for day in (date.min, date(2026, 5, 31), JUNE, date(2026, 6, 30), JULY)] == list(
        "aabbc"
    )
    assert dated.on(date.max) == "c"
    assert (dated.days, dated.versions) == ((JUNE, JULY), ("a", "b", "c"))


def test_days_that_do_not_ascend_are_told_each() -> None:
    """The same day twice is as wrong as an earlier one; what comes after is compared with the latest."""
    days = [JUNE, JUNE, BEFORE, JULY]
    assert [place for place, _ in problems_of_days(days)] == [1, 2]
    assert [place for place, _ in problems_of_days(days, after=JUNE)] == [0, 1, 2]
    assert list(problems_of_days([JUNE, JULY], after=BEFORE)) == []


def test_words_are_laid_over_word_by_word() -> None:
    assert merged({"A": {"x": "1", "y": "2"}, "B": {"z": "3"}}, {"A": {"y": "4"}, "C": {"q": "5"}}) == {
        "A": {"x": "1", "y": "4"},
        "B": {"z": "3"},
        "C": {"q": "5"},
    }


def test_habits_of_the_day_are_what_was_said_until_then(tmp_path: Path) -> None:
    """Aliases column by column, words word by word, the rest as a whole; what isn't named stays."""
    first, second = agreed(tmp_path, BEFORE), agreed(tmp_path, JUNE)
    assert first.feed.column("No").aliases == ("Nummer",)
    assert second.feed.column("No").aliases == ("Zahl",)
    assert second.feed.column("Day").aliases == first.feed.column("Day").aliases == ("Tag",)
    assert "prüfung" not in first.feed.column("Done").words
    assert {"einbau", "prüfung"} <= set(second.feed.column("Done").words)
    assert (first.separator, second.separator) == (";", None)
    assert (first.date_forms, second.date_forms) == (("dmy",), ("dmy",))
    assert agreed(tmp_path, date(2026, 8, 1)).date_forms == ("iso",)


def test_feed_s_rules_of_the_day_hold_for_who_says_nothing_else(tmp_path: Path) -> None:
    """And for a partner without a profile."""
    for partner in ("acme", "nobody"):
        assert agreed(tmp_path, JUNE, partner=partner).feed.rules["date_sentinels"] == ["1999-11-30"]
        assert agreed(tmp_path, JULY, partner=partner).feed.rules["date_sentinels"] == ["2127-*"]
    stranger = agreed(tmp_path, JULY, partner="nobody")
    assert (stranger.feed.hold_above_share, stranger.feed.hold_above_lines) == (0.1, 5)
    assert (stranger.partner, stranger.valid_from) == ("nobody", JULY)


def test_partner_s_limit_for_one_medium_leaves_the_others_in_force(tmp_path: Path) -> None:
    """Also one that changes by days; null takes a limit back, which nobody does by saying nothing."""
    shipped = Path(__file__).parents[3] / "schemas"
    profile = """
partner: acme
name: Acme
feeds:
  readings:
    rules: {max_rise_per_day: {CW: "5"}, reset_day: "06-30"}
    changes:
      - valid_from: 2026-06-01
        rules: {max_rise_per_day: {HW: null, GW: "7"}}
"""
    (tmp_path / "partners").mkdir()
    (tmp_path / "partners" / "acme.yaml").write_text(profile, "utf-8")
    known = read_catalog([shipped, tmp_path])
    first, june = (known.agreement("acme", "readings", on=day).feed.rules for day in (BEFORE, JUNE))
    usual = {"HT": "3600", "CO": "3600", "EL": "864"}
    assert first["max_rise_per_day"] == {"CW": "5", "HW": "60", "GW": "60", **usual}
    assert june["max_rise_per_day"] == {"CW": "5", "GW": "7", **usual}
    assert (june["reset_day"], june["small_fall"]) == ("06-30", {"volume": "0.005"})


def test_partner_s_own_words_win_also_over_a_later_change_of_the_feed(tmp_path: Path) -> None:
    """The partner agreed a threshold in June; that all others got another one in July is not theirs."""
    of_july = agreed(tmp_path, JULY)
    assert (of_july.feed.hold_above_share, of_july.feed.hold_above_lines) == (0.5, 3)
    assert (agreed(tmp_path, BEFORE).feed.hold_above_share, of_july.valid_from) == (0.2, JULY)


def test_each_version_has_a_fingerprint_and_a_day(tmp_path: Path) -> None:
    """Of feed and partner together; the first one's day only names it."""
    versions = catalog(tmp_path).versions("acme")
    assert [each.valid_from for each in versions] == [date(2026, 1, 1), JUNE, JULY, date(2026, 8, 1)]
    assert len({each.fingerprint for each in versions}) == 4
    assert agreed(tmp_path, date(2025, 1, 1)) == versions[0], "what came before the first day is judged, too"
    assert [each.valid_from for each in catalog(tmp_path).versions("nobody")] == [None, JULY]


def test_name_of_the_first_version_never_comes_after_a_later_one(tmp_path: Path) -> None:
    """The profile says since when it was agreed; the feed had changed before."""
    partner = PARTNER.split("    changes:")[0].replace("2026-01-01", "2026-09-01")
    assert [each.valid_from for each in catalog(tmp_path, partner=partner).versions("acme")] == [None, JULY]


def test_version_edited_in_place_changes_no_other_version_s_fingerprint(tmp_path: Path) -> None:
    """So that only its own deliveries are worth another try."""
    usual = catalog(tmp_path).versions("acme")
    edited = catalog(tmp_path, partner=PARTNER.replace("prüfung", "kontrolle")).versions("acme")
    same = [one.fingerprint == other.fingerprint for one, other in zip(usual, edited, strict=True)]
    assert same == [True, False, False, False], "later versions are laid over the edited one"


def test_version_put_between_two_others_takes_their_days_over(tmp_path: Path) -> None:
    """The fingerprint that judged those days is still in force for others: only the day tells them apart."""
    usual = catalog(tmp_path)
    between = "      - valid_from: 2026-06-15\n        radio_is_name: true\n      - valid_from: 2026-08-01"
    grown = catalog(tmp_path, partner=PARTNER.replace("      - valid_from: 2026-08-01", between))
    day = date(2026, 6, 20)
    old = usual.agreement("acme", "visits", on=day).fingerprint
    assert old == grown.agreement("acme", "visits", on=JUNE).fingerprint
    assert old != grown.agreement("acme", "visits", on=day).fingerprint


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("2026-07-01", "soon", ["changes.0.valid_from: "]),
        ("  - valid_from: 2026-07-01\n    hold", "  - hold", ["changes.0.valid_from: is missing"]),
        ("    hold_above: {share: 0.1, lines: 5}\n", "    hold_abov: {}\n", ["changes.0.hold_abov: unknown key"]),
        ("share: 0.1", "share: 10", ["changes.0.hold_above.share: "]),
        ("2127-*", "some day", ["changes.0.rules.date_sentinels.0: "]),
        ("date_sentinels: [\"2127-*\"]", "date_sentinel: []", ["changes.0.rules.date_sentinel: unknown key"]),
        (
            "changes:\n",
            "changes:\n  - valid_from: 2026-07-01\n  - {valid_from: 2026-01-01, rules: {x: 1}}\n",
            [
                "changes.1.valid_from: 2026-01-01 must be later than 2026-07-01",
                "changes.2.valid_from: 2026-07-01 must be later than 2026-07-01",
                "changes.0: changes nothing",
                "changes.1.rules.x: unknown key",
            ],
        ),
    ],
)  # fmt: skip
def test_feed_s_change_that_makes_no_sense_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, told: list[str]
) -> None:
    assert old in FEED
    found = problems(tmp_path, feed=FEED.replace(old, new, 1))
    assert [text[: len(start)] for text, start in zip(found, told, strict=True)] == told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("No: [Zahl]", "Nr: [Zahl]", ["feeds.visits.changes.0.aliases.Nr: visits has no such column"]),
        ("No: [Zahl]", "No: [Tag]", ["feeds.visits.changes.0.aliases.Day: 'Tag' is 'No' already"]),
        ("prüfung: CHECKED", "prüfung: GONE", ["feeds.visits.changes.0.words.Done.prüfung: 'GONE' is none of"]),
        ("date_forms: [iso]", "date_form: [iso]", ["feeds.visits.changes.1.date_form: unknown key"]),
        ("date_forms: [iso]", "date_forms: []", ["feeds.visits.changes.1.date_forms: "]),
        ("        date_forms: [iso]\n", "", ["feeds.visits.changes.1: changes nothing"]),
        ("date_forms: [iso]", "rules: {date_sentinels: [x]}", ["feeds.visits.rules.date_sentinels.0: "]),
        ("date_forms: [iso]", "changes: []", ["feeds.visits.changes.1.changes: unknown key"]),
        ("date_forms: [iso]", "folders: [/x]", ["feeds.visits.changes.1.folders: '/x' must not"]),
        ("2026-08-01", "2026-06-01", ["feeds.visits.changes.1.valid_from: 2026-06-01 must be later than"]),
        ("2026-06-01", "2026-01-01", ["feeds.visits.changes.0.valid_from: 2026-01-01 must be later than"]),
        ("No: [Nummer]", "No: [Done]", ["feeds.visits.aliases.No: 'Done' is 'Done' already"]),
        ("einbau: FITTED", "einbau: GONE", ["feeds.visits.words.Done.einbau: 'GONE' is none of"]),
    ],
)  # fmt: skip
def test_partner_s_change_that_makes_no_sense_is_told_once_and_with_its_place(
    tmp_path: Path, old: str, new: str, told: list[str]
) -> None:
    """A version inherits the mistakes before it; they are told where they were made."""
    assert old in PARTNER
    found = problems(tmp_path, partner=PARTNER.replace(old, new, 1))
    assert [text[: len(start)] for text, start in zip(found, told, strict=True)] == told


def test_every_problem_of_every_version_is_told_at_once(tmp_path: Path) -> None:
    partner = PARTNER.replace("No: [Zahl]", "Nr: [Zahl]").replace("date_forms: [iso]", "words: {Foo: {a: b}}")
    found = "\n".join(problems(tmp_path, partner=partner))
    assert "changes.0.aliases.Nr: " in found
    assert "changes.1.words.Foo: " in found


def test_rule_that_breaks_with_a_change_is_told_with_the_day(tmp_path: Path) -> None:
    partner = PARTNER.replace("date_forms: [iso]", "rules: {date_sentinels: [x]}")
    [told] = problems(tmp_path, partner=partner)
    assert told.endswith("(from 2026-08-01 on)")


def test_name_may_move_from_one_feed_to_another(tmp_path: Path) -> None:
    """On each day it tells one feed; on a day on which it told two it would be a problem."""
    other = FEED.replace("feed: visits", "feed: repairs")
    moved = (
        "partner: acme\nname: Acme\nfeeds:\n"
        "  visits: {file_names: ['x*'], changes: [{valid_from: 2026-06-01, file_names: []}]}\n"
        "  repairs: {changes: [{valid_from: 2026-06-01, file_names: ['X*']}]}\n"
    )
    folder = schemas(tmp_path, partner=moved)
    (folder / "feeds" / "repairs.yaml").write_text(other, "utf-8")
    assert problems_in([folder]) == ()

    schemas(tmp_path, partner=moved.replace("2026-06-01, file_names: []", "2026-06-02, file_names: []"))
    [told] = problems_in([folder])
    assert "feeds.repairs.changes.0.file_names: 'X*' tells visits too" in told


def test_what_is_well_can_be_looked_at_beside_what_is_not(tmp_path: Path) -> None:
    """`check PARTNER` names this partner's rule sets although another's profile is broken."""
    folder = schemas(tmp_path)
    (folder / "partners" / "broken.yaml").write_text("partner: [", "utf-8")
    found, told = read_what_is_well([folder])
    assert len(found.versions("acme")) == 4
    assert len(told) == 1
