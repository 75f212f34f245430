"""Schemas are read strictly: every problem of every file at once, and partners' habits over our shapes."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from meterdrop.catalog import Catalog, problems_in, read_catalog
from meterdrop.model.codes import Code, Severity
from meterdrop.model.errors import OperatorMistake, StopAtStart
from meterdrop.model.feed import DateMeans, Target, Type

SHIPPED = Path(__file__).parents[3] / "schemas"
TODAY = date(2026, 11, 24)

FEED = """
feed: visits
target: records
columns:
  No: {type: serial, mandatory: true, filled: true, aliases: [Číslo], max_length: 40}
  Done: {type: choice, choices: [FITTED, CHECKED], words: {montáž: FITTED}, default: CHECKED}
  Price:
    type: decimal
    checks:
      - {check: in_range, min_value: 0.1, max_value: 10, code: value.negative}
      - {check: less_than, max_value: 9}
  Day: {type: day, checks: [{check: greater_than, min_value: 2020-01-31}]}
"""
PARTNER = """
partner: acme
name: Acme
group: 2
language: en
feeds:
  visits:
    file_names: ["v*.csv"]
    folders: [visits]
    aliases: {No: [Nummer], Price: [Day price]}
    words: {Done: {einbau: FITTED, montáž: CHECKED}}
    encoding: windows-1250
    separator: tab
    date_forms: [dmy_slash]
    date_means: start_of_day
    ignored: [Číslo]
    hold_above: {share: 0.5, lines: 3}
    limits: {bytes: 10, lines: 20}
    rules: {date_sentinels: ["1999-11-30"]}
    valid_from: 2026-01-01
"""


def schemas(folder: Path, **files: str) -> Path:
    """Files by name: `feeds__visits` is feeds/visits.yaml."""
    for name, text in files.items():
        kind, stem = name.split("__")
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / f"{stem}.yaml").write_text(text, "utf-8")
    return folder


def catalog(folder: Path) -> Catalog:
    return read_catalog([schemas(folder, feeds__visits=FEED, partners__acme=PARTNER)])


def problems(folder: Path, *, feed: str = FEED, partner: str = PARTNER) -> str:
    found = problems_in([schemas(folder, feeds__visits=feed, partners__acme=partner)])
    return "\n".join(found)


def test_shipped_schemas_have_no_problem() -> None:
    """Feeds, and the profiles of all partners."""
    assert problems_in([SHIPPED]) == ()
    shipped = read_catalog([SHIPPED])
    assert {"readings", "devices"} <= set(shipped.feeds)
    assert shipped.feeds["readings"].mandatory == ("SerialNum", "Value", "Unit", "Date")
    assert shipped.feeds["devices"].target is Target.DEVICES


def test_feed_is_what_its_file_says(tmp_path: Path) -> None:
    """Exact arguments in the column's own type; a default code where none is written."""
    feed = catalog(tmp_path).feeds["visits"]
    assert feed.target is Target.RECORDS
    assert (feed.hold_above_share, feed.hold_above_lines) == (0.2, 20)
    assert feed.column("No").type is Type.SERIAL
    assert feed.column("No").aliases == ("Číslo",)
    assert feed.column("Done").words == {"FITTED": "FITTED", "CHECKED": "CHECKED", "montáž": "FITTED"}
    within, below = feed.column("Price").checks
    assert within.arguments == {"min_value": Decimal("0.1"), "max_value": Decimal(10)}
    assert (within.code, within.severity) == (Code.VALUE_NEGATIVE, Severity.ERROR)
    assert below.code is Code.VALUE_OUT_OF_RANGE
    assert feed.column("Day").checks[0].arguments == {"min_value": date(2020, 1, 31)}


def test_habits_are_laid_over_the_feed(tmp_path: Path) -> None:
    """The partner's headings and words win, also over the feed's own."""
    agreed = catalog(tmp_path).agreement("acme", "visits", on=TODAY)
    assert agreed.feed.column("No").aliases == ("Nummer",)
    assert agreed.feed.column("Price").aliases == ("Day price",)
    assert agreed.feed.column("Done").words["montáž"] == "CHECKED"
    assert agreed.feed.column("Done").words["einbau"] == "FITTED"
    assert (agreed.encoding, agreed.separator) == ("windows-1250", "\t")
    assert (agreed.file_names, agreed.folders) == (("v*.csv",), ("visits",))
    assert (agreed.date_forms, agreed.date_means) == (("dmy_slash",), DateMeans.START_OF_DAY)
    assert (agreed.feed.hold_above_share, agreed.feed.hold_above_lines) == (0.5, 3)
    assert (agreed.max_bytes, agreed.max_lines) == (10, 20)
    assert agreed.feed.rules["date_sentinels"] == ["1999-11-30"]
    assert (agreed.ignored, agreed.valid_from, agreed.language) == (("Číslo",), date(2026, 1, 1), "en")


def test_partner_without_a_profile_gets_every_feed_as_it_is() -> None:
    """In the language asked for."""
    shipped = read_catalog([SHIPPED])
    agreed = shipped.agreements("nobody", on=TODAY, language="en")
    assert {each.feed.name for each in agreed} == set(shipped.feeds)
    assert {each.language for each in agreed} == {"en"}
    assert all(each.feed is shipped.feeds[each.feed.name] for each in agreed)


def test_register_is_expected_of_everybody(tmp_path: Path) -> None:
    """So that who may not register is told so; other feeds only where the profile names them, or by force."""
    mine = schemas(
        tmp_path,
        partners__one="partner: one\nname: One\nfeeds: {readings: {}}\n",
        partners__all="partner: all\nname: All\n",
    )
    both = read_catalog([SHIPPED, mine])
    assert {each.feed.name for each in both.agreements("one", on=TODAY)} == {"readings", "devices"}
    assert {each.feed.name for each in both.agreements("all", on=TODAY)} == set(both.feeds)
    assert both.agreement("one", "service_visits", on=TODAY).feed == both.feeds["service_visits"]


def test_unknown_feed_is_the_operator_s_mistake() -> None:
    """The message names the feeds there are."""
    with pytest.raises(OperatorMistake, match=r"no feed 'gas'.*readings"):
        read_catalog([SHIPPED]).agreement("nobody", "gas", on=TODAY)


def test_later_folder_s_file_takes_the_place_of_the_earlier(tmp_path: Path) -> None:
    """As a whole."""
    first = schemas(tmp_path / "first", feeds__visits=FEED)
    second = schemas(tmp_path / "second", feeds__visits=FEED.replace("max_length: 40", "max_length: 41"))
    assert read_catalog([first, second]).feeds["visits"].column("No").max_length == 41
    assert read_catalog([first, tmp_path / "absent"]).feeds["visits"].column("No").max_length == 40


def test_fingerprint_changes_with_everything_that_judges_and_nothing_else(tmp_path: Path) -> None:
    """A delivery names the rule set it was judged by."""

    def print_of(name: str, *, feed: str = FEED, partner: str = PARTNER) -> str:
        where = schemas(tmp_path / name, feeds__visits=feed, partners__acme=partner)
        return read_catalog([where]).agreement("acme", "visits", on=TODAY).fingerprint

    usual = print_of("usual")
    assert len(usual) == 64
    assert print_of("same") == usual
    assert print_of("language", partner=PARTNER.replace("language: en", "language: cs")) == usual
    assert print_of("folder", partner=PARTNER.replace("folders: [visits]", "folders: [v]")) == usual
    changed = {
        print_of("check", feed=FEED.replace("min_value: 0.1", "min_value: 0.2")),
        print_of("code", feed=FEED.replace("value.negative", "value.sentinel")),
        print_of("filled", feed=FEED.replace("filled: true", "filled: false")),
        print_of("word", partner=PARTNER.replace("einbau", "Einbau2")),
        print_of("day", partner=PARTNER.replace("start_of_day", "end_of_day")),
        print_of("share", partner=PARTNER.replace("share: 0.5", "share: 0.4")),
        print_of("rule", partner=PARTNER.replace('"1999-11-30"', '"1999-11-29"')),
        print_of("since", partner=PARTNER.replace("2026-01-01", "2026-01-02")),
    }
    assert len(changed) == 8
    assert usual not in changed


def test_every_problem_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    """With file and key; nothing is read until all are gone."""
    where = schemas(
        tmp_path,
        feeds__visits=FEED.replace("filled: true", "filed: true").replace("type: decimal", "type: number"),
        feeds__other="feed: other\nfeed: other\n",
        partners__acme=PARTNER.replace("language: en", "language: de"),
        partners__broken="partner: [",
    )
    with pytest.raises(StopAtStart) as stop:
        read_catalog([where])
    text = "\n".join(stop.value.problems)
    assert f"{where / 'feeds' / 'visits.yaml'}: columns.No.filed: unknown key" in text
    assert "columns.Price.type: " in text
    assert "other.yaml: found duplicate key" in text
    assert "acme.yaml: language: " in text
    assert "broken.yaml: is not YAML" in text
    assert len(stop.value.problems) == 5


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("check: in_range", "check: in_rang", "columns.Price.checks.0: there is no check 'in_rang'"),
        ("max_value: 9}", "max: 9}", "columns.Price.checks.1: less_than knows no max; it takes max_value"),
        ("max_value: 9}", "max: 9}", "columns.Price.checks.1: less_than needs max_value"),
        ("max_value: 9}", "max_value: nine}", "max_value: must be a number, not 'nine'"),
        ("min_value: 2020-01-31", "min_value: 5", "must be a day like 2026-01-31, not 5"),
        ("code: value.negative", "code: value.negativ", "columns.Price.checks.0.code"),
        ("type: serial,", "type: serial, checks: [{check: less_than, max_value: 1}],", "not for columns of type serial"),
        ("type: serial,", 'type: serial, checks: [{check: str_matches, pattern: "("}],', "'(' is no pattern"),
        ("type: serial,", 'type: serial, checks: [{check: str_matches, pattern: "(?=a)"}],', "is no pattern"),
        ("type: serial,", "type: serial, checks: [{check: str_length}],", "str_length needs at least one of"),
        ("feed: visits", "feed: visit", "feed: 'visit' must be the file's name, 'visits'"),
        ("target: records", "target: readings", "a feed of target readings needs the column SerialNum"),
        ("target: records", "target: records\nmultiline: true", "max_continuation_lines: must be above 0"),
        ("target: records", "target: records\nrules: {years_back: 3}", "rules.years_back: unknown key"),
        ("target: records", "target: records\nrules: {date_sentinels: [yesterday]}", "must look like 1999-11-30"),
        ("aliases: [Číslo]", "aliases: [Číslo, DONE]", "columns.Done.aliases: 'Done' is a heading of No too"),
        ("aliases: [Číslo]", 'aliases: ["--"]', "has neither letter nor digit"),
        ("montáž: FITTED", "montáž: FITED", "columns.Done.words.montáž: 'FITED' is none of FITTED, CHECKED"),
        ("montáž: FITTED", "montáž: FITTED, MONTAZ: CHECKED", "words.MONTAZ: means FITTED already"),
        ("default: CHECKED", "default: LOST", "columns.Done.default: 'LOST' is none of"),
        ("choices: [FITTED, CHECKED], ", "", "columns.Done.choices: are for columns of type choice"),
        ("  Day:", "  No_key: {type: text}\n  Day:", "columns.No_key: is a name that Meterdrop uses itself"),
        ("  Day:", "  line: {type: text}\n  Day:", "columns.line: is a name that Meterdrop uses itself"),
        ("  Day:", "  _code: {type: text}\n  Day:", "does not begin with _"),
        ("type: day,", "type: day, kept_in_original: true,", "columns.Day.kept_in_original"),
        ("type: day,", "type: day, words: {a: b},", "a column of type day has no words"),
    ],
)  # fmt: skip
def test_feed_that_makes_no_sense_is_refused_with_its_key(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    """A typo stops the start instead of changing what is judged."""
    assert old in FEED
    assert problem in problems(tmp_path, feed=FEED.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("partner: acme", "partner: Acme", "partner: 'Acme' must be small letters"),
        ("  visits:", "  visit:", "feeds.visit: there is no such feed; the feeds are visits"),
        ("No: [Nummer]", "Nr: [Nummer]", "feeds.visits.aliases.Nr: visits has no such column"),
        ("No: [Nummer]", "No: [Done]", "feeds.visits.aliases.No: 'Done' is 'Done' already"),
        ("No: [Nummer]", "No: [Day-Price]", "feeds.visits.aliases.Price: 'Day price' is 'No' already"),
        ("ignored: [Číslo]", "ignored: [Nummer]", "feeds.visits.aliases.No: 'Nummer' is 'ignored' already"),
        ("ignored: [Číslo]", "ignored: [done]", "feeds.visits.ignored: 'done' is our column 'Done'"),
        ("einbau: FITTED", "einbau: GONE", "feeds.visits.words.Done.einbau: 'GONE' is none of"),
        ("einbau: FITTED", "fitted: CHECKED", "feeds.visits.words.Done.fitted: means FITTED already"),
        ("words: {Done:", "words: {Dome:", "feeds.visits.words.Dome: visits has no such column"),
        ("folders: [visits]", "folders: [/visits]", "'/visits' must not be empty, nor begin or end with /"),
        ("[dmy_slash]", "[mdy]", "feeds.visits.date_forms.0: "),
        ("[dmy_slash]", "[]", "feeds.visits.date_forms: "),
        ("encoding: windows-1250", "encoding: cp1250", "feeds.visits.encoding: "),
        ("limits: {bytes: 10,", "limits: {byte: 10,", "feeds.visits.limits.byte: unknown key"),
        ('"1999-11-30"', '"30.11.1999"', "feeds.visits.rules.date_sentinels.0: "),
        ("group: 2", "group: '2'", "group: "),
    ],
)
def test_profile_that_makes_no_sense_is_refused_with_its_key(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    """Nothing of a profile is ignored in silence."""
    assert old in PARTNER
    assert problem in problems(tmp_path, partner=PARTNER.replace(old, new, 1))


def test_profile_of_a_broken_feed_tells_no_problem_of_its_own(tmp_path: Path) -> None:
    """One mistake, one message."""
    found = problems(tmp_path, feed=FEED.replace("type: decimal", "type: number"))
    assert found.count("\n") == 0
    assert "columns.Price.type" in found


def test_file_of_another_ending_is_not_ignored_in_silence(tmp_path: Path) -> None:
    """`.yml` is the commonest slip."""
    (schemas(tmp_path, feeds__visits=FEED) / "feeds" / "more.yml").write_text(FEED)
    assert problems_in([tmp_path])[0].endswith("more.yml: is not read: name it more.yaml")


def test_no_feed_at_all_is_a_problem(tmp_path: Path) -> None:
    """Then nothing could ever be taken."""
    with pytest.raises(StopAtStart, match="There is no feed"):
        read_catalog([tmp_path])


def test_two_feeds_told_by_one_folder_are_a_problem(tmp_path: Path) -> None:
    """Every file there would fit both."""
    partner = "partner: p\nname: P\nfeeds:\n  readings: {folders: [in]}\n  devices: {folders: [IN]}\n"
    found = problems_in([SHIPPED, schemas(tmp_path, partners__p=partner)])
    assert [text.split("p.yaml: ")[1] for text in found] == ["feeds.devices.folders: 'IN' tells readings too"]


def test_readme_s_examples_are_read(tmp_path: Path) -> None:
    """What the page shows, works."""
    page = (SHIPPED / "README.md").read_text("utf-8")
    partner, feed = (part.split("```")[0] for part in page.split("```yaml\n")[1:3])
    own = schemas(tmp_path, feeds__service_visits=feed, partners__techem=partner)
    assert problems_in([SHIPPED, own]) == ()


def test_only_a_feed_of_readings_may_send_consumption(tmp_path: Path) -> None:
    """Visits have no values that could be one."""
    told = problems(tmp_path, partner=PARTNER.replace("date_means:", "value_kind: delta\n    date_means:"))

    assert "feeds.visits.value_kind" in told
    assert "only readings have values" in told


def test_amounts_and_days_of_the_rules_of_readings_must_make_sense(tmp_path: Path) -> None:
    """A rule that never or always strikes is a slip of the pen."""
    rules = {
        "max_rise_per_day": '{CW: "0"}',
        "small_fall": '{volume: "0.0000001"}',
        "reset_day": '"02-30"',
        "reset_window_days": "400",
    }
    written = ", ".join(f"{name}: {rule}" for name, rule in rules.items())
    partner = f"partner: p\nname: P\nfeeds:\n  readings:\n    rules: {{{written}}}\n"
    own = schemas(tmp_path, partners__p=partner)

    told = "\n".join(problems_in([SHIPPED, own]))

    assert all(f"rules.{name}" in told for name in rules), told
    assert "must be above zero" in told
    assert "a day of every year" in told
