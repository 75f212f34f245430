"""A profile proposed from samples can be used as it is, and says of each line how sure it is."""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pytest

from meterdrop.catalog import Catalog, read_catalog
from meterdrop.detect.encoding import find_encoding, known_encoding
from meterdrop.detect.layout import find_layout
from meterdrop.detect.propose import Certainty, Statement
from meterdrop.model.errors import OperatorMistake
from meterdrop.model.feed import Agreement
from meterdrop.usecases.propose_profile import FeedProposal, Proposal, as_yaml, propose

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "schemas"
SAMPLES = ROOT / "samples"
CATALOG = read_catalog([SHIPPED])
TODAY = date(2026, 11, 24)

PARTNERS = (
    "dodavatel-uspor",
    "enbra",
    "inmes",
    "ista",
    "metra-sumperk",
    "profiterm",
    "rekostav",
    "renova",
    "techem",
)


def samples(partner: str, *folders: str) -> list[Path]:
    return [
        file
        for folder in folders
        for file in sorted((SAMPLES / partner / folder).glob("*"))
        if file.name != "sample.json"
    ]


def proposal_of(folder: Path, *texts: str, name: str = "odecty.csv", encoding: str = "utf-8") -> Proposal:
    files = []
    for number, text in enumerate(texts):
        file = folder / str(number) / name
        file.parent.mkdir()
        file.write_text(text, encoding)
        files.append(file)
    return propose(files, feeds=CATALOG.feeds)


def readings_of(folder: Path, *texts: str) -> FeedProposal:
    (feed,) = proposal_of(folder, *texts).feeds
    assert feed.feed.value == "readings"
    return feed


def saved(proposal: Proposal, folder: Path) -> Catalog:
    """The catalog with the proposal as a partner's file, as a person would save it."""
    file = folder / "partners" / "new-partner.yaml"
    file.parent.mkdir()
    file.write_text(as_yaml(proposal), "utf-8")
    return read_catalog([SHIPPED, folder])


def told(statement: Statement | None) -> tuple[object, Certainty]:
    assert statement is not None
    return statement.value, statement.certainty


def dated(*days: str) -> str:
    lines = [f"1001000{number};1.5;m3;{day}\n" for number, day in enumerate(days)]
    return "SerialNum;Value;Unit;Date\n" + "".join(lines)


@pytest.mark.parametrize("partner", PARTNERS)
def test_readings_of_each_partner_are_read_as_its_own_profile_says(partner: str, tmp_path: Path) -> None:
    (file,) = samples(partner, "readings")
    proposed = saved(propose([file], feeds=CATALOG.feeds), tmp_path).agreements("new-partner", on=TODAY)[0]
    own = CATALOG.agreement(partner, "readings", on=TODAY)
    assert (proposed.feed.name, proposed.encoding, proposed.separator, proposed.date_means) == (
        "readings",
        None if file.read_bytes().isascii() else own.encoding,
        own.separator,
        own.date_means,
    )
    assert proposed.radio_is_name == own.radio_is_name
    assert set(proposed.date_forms) <= set(own.date_forms)
    assert _columns(file, proposed) == _columns(file, own) - {"Note", "Kind", "Location"}


def _columns(file: Path, agreement: Agreement) -> set[str | None]:
    """Our columns found in the file; those our proposals can't tell by cells left aside."""
    content = file.read_bytes()
    encoding = find_encoding([content], declared=known_encoding(agreement.encoding or "utf-8"))
    _, layout = find_layout(content, encoding=encoding, path=file.name, agreements=[agreement])
    return set(layout.columns) - {"Note", "Kind", "Location", None}


@pytest.mark.parametrize("partner", PARTNERS)
def test_all_samples_of_a_partner_make_one_profile_that_tells_them_apart(
    partner: str, tmp_path: Path
) -> None:
    files = samples(partner, "readings", "devices")
    proposal = propose(files, feeds=CATALOG.feeds)
    agreements = saved(proposal, tmp_path).agreements("new-partner", on=TODAY)
    assert proposal.group.value == CATALOG.profiles[partner].group
    for file in files:
        content = file.read_bytes()
        encoding = find_encoding([content], declared=None)
        agreement, _ = find_layout(content, encoding=encoding, path=file.name, agreements=agreements)
        assert agreement.feed.name == file.parent.name


def test_every_line_of_the_yaml_says_how_sure_it_is() -> None:
    text = as_yaml(propose(samples("profiterm", "readings"), feeds=CATALOG.feeds))
    statements = [line for line in text.splitlines() if not line.strip().startswith("#")]
    bare = [line for line in statements if "# sure: " not in line and "# guess: " not in line]
    assert bare == ["feeds:", "    aliases:", "    ignored:"]
    assert '      SerialNum: ["Modul"]  # guess: ' in text
    assert "    separator: tab  # sure: " in text


def test_a_proposal_is_one_json_document() -> None:
    document = json.loads(json.dumps(asdict(propose(samples("ista", "readings"), feeds=CATALOG.feeds))))
    assert document["feeds"][0]["encoding"] == {
        "value": "utf-8",
        "certainty": "sure",
        "reason": "the file begins with its byte order mark",
    }


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file.empty"),
        (b"PK\x03\x04\x00\x00", "file.binary"),
        ("SerialNum;Value".encode("utf-16-le"), "file.encoding"),
        (b"1;2\n3;4\n", "file.no-header"),
        (b"A;B\nx;y\n", "file.unknown-feed"),
        (b"SerialNum;Value;Unit;Date;Date\n", "file.duplicate-column"),
    ],
)
def test_a_sample_nobody_can_read_is_told_with_its_reason_and_the_others_are_read(
    content: bytes, code: str, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(content)
    proposal = propose([bad, *samples("techem", "readings")], feeds=CATALOG.feeds)
    (unread,) = proposal.unreadable
    assert (unread.file, unread.code) == ("bad.csv", code)
    assert unread.words
    assert unread.fix
    assert f'# not read: "bad.csv": {code}: ' in as_yaml(proposal)
    assert [feed.feed.value for feed in proposal.feeds] == ["readings"]


def test_a_proposal_without_a_readable_sample_is_still_a_profile(tmp_path: Path) -> None:
    assert saved(proposal_of(tmp_path, ""), tmp_path).profiles["new-partner"].name == "New partner"


def test_a_sample_that_is_not_there_is_a_mistake_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(OperatorMistake, match=r"gone\.csv can't be opened"):
        propose([tmp_path / "gone.csv"], feeds=CATALOG.feeds)


@pytest.mark.parametrize(
    ("days", "forms", "certainty"),
    [
        (("2026-10-31",), ("iso",), Certainty.SURE),
        (("31.10.2026", "2026-10-31"), ("iso", "dmy"), Certainty.SURE),
        (("31/10/2026", "01/11/2026"), ("dmy_slash",), Certainty.SURE),
        (("01/10/2026", "02/11/2026"), ("dmy_slash",), Certainty.GUESS),
        (("10/31/2026",), None, Certainty.GUESS),
        (("20261031",), ("ymd_compact",), Certainty.SURE),
        (("2026-10-31 06:15",), ("iso_time",), Certainty.SURE),
        (("31.10.2026 6:15", "31.10.2026"), ("dmy", "dmy_time"), Certainty.SURE),
        (("20261031", "zítra"), None, Certainty.GUESS),
        (("20261031", "2026-10-31", "zítra"), ("iso",), Certainty.GUESS),
        (("2026-10-31", "zítra"), ("iso",), Certainty.SURE),
        (("31.10.26",), None, Certainty.GUESS),
        (("20261031", "1999-11-30"), ("iso", "ymd_compact"), Certainty.SURE),
    ],
)
def test_only_forms_that_leave_no_other_reading_are_proposed(
    days: tuple[str, ...], forms: tuple[str, ...] | None, certainty: Certainty, tmp_path: Path
) -> None:
    assert told(readings_of(tmp_path, dated(*days)).date_forms) == (forms, certainty)


@pytest.mark.parametrize(
    ("days", "means"),
    [
        (("31.10.2026", "30.11.2026", "28.2.2026", "29.2.2024", "31.12.2026"), "end_of_day"),
        (("1.11.2026", "1.12.2026", "1.1.2026", "1.3.2026", "17.3.2026"), "start_of_day"),
        (("1.11.2026", "31.10.2026"), None),
        (("28.2.2024", "15.3.2026"), None),
    ],
)
def test_the_moment_of_the_day_is_guessed_from_the_days_of_months(
    days: tuple[str, ...], means: str | None, tmp_path: Path
) -> None:
    assert told(readings_of(tmp_path, dated(*days)).date_means) == (means, Certainty.GUESS)


@pytest.mark.parametrize(
    ("value", "mark", "certainty"),
    [
        ("1,5", "comma", Certainty.SURE),
        ("1.234,5", "comma", Certainty.SURE),
        ("1,234.5", "point", Certainty.SURE),
        ("1 234,5", "comma", Certainty.SURE),
        ("15", None, Certainty.GUESS),
    ],
)
def test_the_decimal_mark_is_the_last_one_met(
    value: str, mark: str | None, certainty: Certainty, tmp_path: Path
) -> None:
    text = f"SerialNum;Value;Unit;Date\n10010001;{value};m3;2026-10-31\n"
    assert told(readings_of(tmp_path, text).decimal_mark) == (mark, certainty)


def test_lines_that_disagree_about_the_cells_make_the_separator_a_guess(tmp_path: Path) -> None:
    text = dated("2026-10-31") + "10010009;1;5;m3;2026-10-31\n"
    assert told(readings_of(tmp_path, text).separator) == (";", Certainty.GUESS)


def test_a_line_that_cannot_be_read_is_evidence_of_its_separator_only(tmp_path: Path) -> None:
    text = dated("31.10.2026") + "1001\0;x;m3;31/10/2026\n"
    proposed = readings_of(tmp_path, text)
    assert told(proposed.separator) == (";", Certainty.SURE)
    assert told(proposed.date_forms) == (("dmy",), Certainty.SURE)


def test_a_unit_in_a_heading_is_told_and_no_unit_column_is_missing(tmp_path: Path) -> None:
    feed = readings_of(tmp_path, "Výrobní číslo;Datum;Stav [m3]\n10010001;31.10.2026;1,5\n")
    assert [told(unit) for unit in feed.heading_units] == [("m3", Certainty.SURE)]
    assert feed.missing == ()


def test_a_guessed_heading_keeps_its_unit(tmp_path: Path) -> None:
    text = "Výrobní číslo;Datum;Počítadlo [m3]\n10010001;31.10.2026;1,5\n10010002;31.10.2026;2,5\n"
    proposal = proposal_of(tmp_path, text)
    (agreement, _) = saved(proposal, tmp_path).agreements("new-partner", on=TODAY)
    _, layout = find_layout(
        text.encode(),
        encoding=find_encoding([text.encode()], declared=None),
        path="x",
        agreements=[agreement],
    )
    assert layout.heading_units == {"Value": "m3"}


def test_unknown_words_are_told_and_guessed_only_from_words_that_begin_alike(tmp_path: Path) -> None:
    text = (
        "SerialNum;Value;Unit;Date;Kind;Status;Media\n"
        "10010001;1;kubík;2026-10-31;dálkově;OK|Praskl;SV\n"
        "10010002;2;kubík;2026-10-31;R;OK;SVX\n"
    )
    words = {(word.column, word.word): (word.means, word.cells) for word in readings_of(tmp_path, text).words}
    assert words == {
        ("Unit", "kubík"): (None, 2),
        ("Kind", "dálkově"): ("RADIO", 1),
        ("Kind", "R"): (None, 1),
        ("Status", "Praskl"): (None, 1),
        ("Media", "SVX"): (None, 1),
    }


def test_guessed_words_and_words_to_fill_in_make_valid_yaml(tmp_path: Path) -> None:
    text = 'SerialNum;Value;Unit;Date;Kind\n10010001;1;m3;2026-10-31;dálkově\n10010002;2;m3;2026-10-31;"R: \\#"\n'
    agreement = saved(proposal_of(tmp_path, text), tmp_path).agreements("new-partner", on=TODAY)[0]
    assert agreement.feed.column("Kind").words["dálkově"] == "RADIO"


def test_headings_that_can_be_no_yaml_as_they_are_do_no_harm(tmp_path: Path) -> None:
    text = 'SerialNum;Value;Unit;Date;%%;"a ""b"" # c\\";x\u2028y\n10010001;1;m3;2026-10-31;1;2;3\n'
    agreement = saved(proposal_of(tmp_path, text, name="a'\"# [1].csv"), tmp_path).agreements(
        "new-partner", on=TODAY
    )[0]
    assert agreement.ignored == ('a "b" # c\\',)


def test_a_second_heading_of_one_column_is_proposed_to_be_ignored(tmp_path: Path) -> None:
    text = "SerialNum;Stav;Value;Unit;Date\n10010001;1;2;m3;2026-10-31\n"
    proposal = proposal_of(tmp_path, text)
    agreement = saved(proposal, tmp_path).agreements("new-partner", on=TODAY)[0]
    assert agreement.ignored == ("Stav",)


def test_a_missing_column_is_left_to_fill_in_beside_the_unknown_headings(tmp_path: Path) -> None:
    proposal = proposal_of(tmp_path, "SerialNum;Unit;Date;A;B\n10010001;m3;2026-10-31;1;2\n")
    (feed,) = proposal.feeds
    assert feed.missing == ("Value",)
    assert '    #   Value: ["?"]  # to fill in: ' in as_yaml(proposal)
    assert not any(heading.ignored for heading in feed.headings)
    assert saved(proposal, tmp_path).agreements("new-partner", on=TODAY)[0].feed.name == "readings"


REGISTER = (
    "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction\n"
    "2026-10-01;A1;m3;K;CW;IM0001;880120;1;2024-01-01;1\n"
)


@pytest.mark.parametrize(
    ("serial", "expected"),
    [
        ("880120", (True, Certainty.SURE)),
        ("im 0001", (False, Certainty.SURE)),
        ("77001122", (False, Certainty.GUESS)),
    ],
)
def test_the_register_tells_whether_readings_name_meters_by_their_radio(
    serial: str, expected: tuple[bool, Certainty], tmp_path: Path
) -> None:
    readings = f"SerialNum;Value;Unit;Date\n{serial};1.5;m3;2026-10-31\n"
    feeds = {str(feed.feed.value): feed for feed in proposal_of(tmp_path, readings, REGISTER).feeds}
    assert told(feeds["readings"].radio_is_name) == expected
    assert feeds["devices"].radio_is_name is None


def test_samples_that_differ_in_encoding_leave_it_to_each_file(tmp_path: Path) -> None:
    text = dated("2026-10-31").replace("SerialNum", "Číslo měřiče")
    paths = []
    for encoding in ("utf-8", "windows-1250"):
        path = tmp_path / f"{encoding}.csv"
        path.write_text(text.replace("Unit", "Měrná jednotka").replace("m3", "Šílené"), encoding)
        paths.append(path)
    (feed,) = propose(paths, feeds=CATALOG.feeds).feeds
    assert told(feed.encoding) == (None, Certainty.GUESS)


def test_cells_that_would_be_refused_are_counted_by_code(tmp_path: Path) -> None:
    text = dated("2026-10-31", "31.10.26") + "10010009;1E+05;m3;2026-10-31\n"
    refused = {(each.heading, each.code): each.cells for each in readings_of(tmp_path, text).refused}
    assert refused == {("Value", "value.exponent"): 1, ("Date", "date.two-digit-year"): 1}


TITLED = (
    "Export odečtů\nVytvořeno 2. 11. 2026\nSériové č.\tModul\tStav k datu\tJednotka\tDatum odečtu\n"
    "SN00500\t88000001\t12.5\tm3\t2026-10-31\nSN00501\t88000002\t13.5\tm3\t2026-10-31\nCelkem\t\t26\t\t\n"
)


def test_header_below_a_title_and_sums_below_the_records_are_proposed(tmp_path: Path) -> None:
    proposal = proposal_of(tmp_path, TITLED)
    (feed,) = proposal.feeds
    assert told(feed.header) == ("row 3", Certainty.SURE)
    assert told(feed.footer) == (("Celkem",), Certainty.GUESS)
    assert told(feed.separator) == ("tab", Certainty.SURE)
    agreement = saved(proposal, tmp_path).agreement("new-partner", "readings", on=TODAY)
    assert agreement.feed.form.header_row == 3
    assert agreement.feed.form.footer is not None
    _, layout = find_layout(
        TITLED.encode(),
        encoding=find_encoding([TITLED.encode()], declared=None),
        path="x",
        agreements=[agreement],
    )
    assert layout.columns == ("SerialNum", "RadioNumber", "Value", "Unit", "Date")


def test_samples_with_headers_in_different_lines_leave_it_to_a_person(tmp_path: Path) -> None:
    """No profile can say both."""
    (feed,) = proposal_of(tmp_path, TITLED, TITLED.removeprefix("Export odečtů\n")).feeds
    assert told(feed.header) == (None, Certainty.GUESS)
    assert feed.header is not None
    assert "row 2, row 3" in feed.header.reason


HEADLESS = "".join(f"1000{number};{number},5;m3;31.10.2026;x\n" for number in range(1, 9))


def test_columns_of_a_file_without_header_are_proposed_in_order(tmp_path: Path) -> None:
    proposal = proposal_of(tmp_path, HEADLESS)
    (feed,) = proposal.feeds
    assert told(feed.header) == ("none", Certainty.GUESS)
    assert told(feed.columns_in_order) == (("SerialNum", "Value", "Unit", "Date", "-"), Certainty.GUESS)
    assert (feed.headings, feed.missing, feed.preamble) == ((), (), None)
    form = saved(proposal, tmp_path).agreement("new-partner", "readings", on=TODAY).feed.form
    assert (form.headed, form.in_order) == (False, ("SerialNum", "Value", "Unit", "Date", None))


def test_title_above_a_file_without_header_is_its_preamble(tmp_path: Path) -> None:
    (feed,) = proposal_of(tmp_path, f"Export\n\n{HEADLESS}").feeds
    assert told(feed.preamble) == (2, Certainty.GUESS)


def test_columns_that_cells_do_not_tell_are_left_to_fill_in(tmp_path: Path) -> None:
    """`header: none` alone would take the feed's own order, so it is not said either."""
    text = "".join(f"1000{number};{number};{number + 7};m3;31.10.2026\n" for number in range(1, 9))
    proposal = proposal_of(tmp_path, text)
    (feed,) = proposal.feeds
    assert told(feed.columns_in_order) == (None, Certainty.GUESS)
    assert told(feed.header) == (None, Certainty.GUESS)
    assert not proposal.is_whole
    assert "of the 5 columns: SerialNum, ?, ?, Unit, Date" in as_yaml(proposal)
    assert saved(proposal, tmp_path).agreement("new-partner", "readings", on=TODAY).feed.form.headed


def test_headings_cut_short_are_guessed_over_cells_that_fit(tmp_path: Path) -> None:
    """All of a register's headings but one; that one is what is left."""
    text = (
        "Platnost;Jednotka č.;Místnost;Médium;Výr. č. přístroje;Č. rádiového modulu;Poř.;Montáž;Koeficient;MJ\n"
        "1.11.2026;001/1;WC;SV;7000001;88000001;1;5.3.2024;1,0;m3\n"
        "1.11.2026;001/2;WC;SV;7000002;88000002;2;6.3.2024;1,0;m3\n"
    )
    proposal = proposal_of(tmp_path, text, name="pristroje.csv")
    (feed,) = proposal.feeds
    aliases = {each.heading: each.column for each in feed.headings if not each.known}
    assert aliases == {
        "Jednotka č.": "Location",
        "Výr. č. přístroje": "SerialNumber",
        "Č. rádiového modulu": "RadioNumber",
        "Poř.": "Seq",
        "Montáž": "DateFrom",
        "MJ": "TypeUnit",
    }
    assert proposal.is_whole


def test_column_of_which_most_words_are_known_is_guessed_and_the_others_left_to_fill_in(
    tmp_path: Path,
) -> None:
    text = "SerialNum;Value;Unit;Date;Co\n" + "".join(
        f"1001000{number};1;m3;2026-10-31;{word}\n"
        for number, word in enumerate(["SV", "TUV", "SV", "bazén"])
    )
    (feed,) = proposal_of(tmp_path, text).feeds
    assert [each.column for each in feed.headings if each.heading == "Co"] == ["Media"]
    assert [(word.column, word.word, word.means) for word in feed.words] == [("Media", "bazén", None)]


def test_names_of_months_are_left_open_in_the_pattern_of_names(tmp_path: Path) -> None:
    (feed,) = proposal_of(tmp_path, dated("2026-10-31"), name="odečty_Říjen.csv").feeds
    assert feed.file_names.value == ("odečty_*.csv",)


def test_sample_of_no_feed_is_told_with_its_headings_and_what_the_feeds_need(tmp_path: Path) -> None:
    """In an operator's words: a partner's receipt says something else."""
    wide = ";".join(f"Sloupec {number}" for number in range(500))
    (unread,) = proposal_of(tmp_path, f"{wide}\n{';'.join('1' for _ in range(500))}\n").unreadable
    assert len(unread.headings) == 500
    assert "Sloupec 0, Sloupec 1" in unread.words
    assert "and 480 more" in unread.words
    assert "readings (SerialNum, Value, Unit, Date)" in unread.fix


def test_partner_and_name_that_are_given_are_sure(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text(dated("2026-10-31"))
    proposal = propose([file], feeds=CATALOG.feeds, partner="acme", name="Acme, s. r. o.")
    assert (told(proposal.partner), told(proposal.name)) == (
        ("acme", Certainty.SURE),
        ("Acme, s. r. o.", Certainty.SURE),
    )
    assert proposal.is_whole
