"""A corrected upload ends what it corrects, and nothing else: whatever stands in its cells, however it comes."""

import pytest

from tests.homes import POSTGRESQL
from tests.integration.command_line import CommandLine
from tests.integration.loop import REGISTER_HEADER, Loop

pytestmark = pytest.mark.by_night(POSTGRESQL)


@pytest.fixture
def loop(meterdrop: CommandLine) -> Loop:
    made = Loop(meterdrop)
    made.profile("  readings: {}")
    meterdrop.register("10001", "10002")
    return made


def two_bad_lines(loop: Loop) -> list[str]:
    """Delivery 2 has a reading in line 2, and no number in lines 3 and 4; these two as they come back."""
    rows = ["10001;1;m3;2026-10-29", "10001;x;m3;2026-10-30", "10001;x;m3;2026-10-31"]
    loop.send("r.csv", *rows, code=1)
    _, *back = loop.rejects(2)
    assert [row.split(";")[4] for row in back] == ["3", "4"]
    return back


def renamed(row: str, line: str) -> str:
    """A line of a rejects file that names another line as its own."""
    cells = row.split(";")
    return ";".join([*cells[:4], line, *cells[5:]])


@pytest.mark.parametrize(
    "line",
    ["", "x", "-3", "3.0", "0", "1", "2", "77", "99999999999999999999999", "200000003", '"a""b"'],
    ids=str,
)
def test_nonsense_in_our_own_cell_closes_nothing_and_harms_nobody(loop: Loop, line: str) -> None:
    """Not a number, or no quarantined line of the parent: the row is judged as any row."""
    back = two_bad_lines(loop)
    row = renamed(back[0], line).replace("10001;x;", "10002;5;")
    receipt = loop.send_rejects(2, row)

    assert (receipt["verdict"], receipt["parent"]) == ("accepted", "000000000002")
    assert loop.states(2) == [(3, "open"), (4, "open")]
    assert loop.reading("2026-10-30", serial="10002")["value"] == "5"


def test_line_that_two_rows_name_is_closed_by_neither(loop: Loop) -> None:
    back = two_bad_lines(loop)
    first = back[0].replace("10001;x;", "10002;5;")
    second = back[0].replace("10001;x;", "10002;6;").replace("2026-10-30", "2026-10-31")
    third = back[1].replace("10001;x;", "10002;7;").replace("2026-10-31", "2026-11-01")
    loop.send_rejects(2, first, second, third)
    assert loop.states(2) == [(3, "open"), (4, "superseded")]


@pytest.mark.parametrize("line", ["3", " 3 ", '"3"', "003"], ids=repr)
def test_number_of_the_line_may_be_written_as_spreadsheets_do(loop: Loop, line: str) -> None:
    back = two_bad_lines(loop)
    loop.send_rejects(2, renamed(back[0], line).replace("10001;x;", "10002;5;"))
    assert loop.states(2) == [(3, "superseded"), (4, "open")]


@pytest.mark.parametrize(
    "broken",
    ["10001;5;m3;spare;2026-10-30", '10001;"5;m3;2026-10-30', "10001;5;2026-10-30"],
    ids=["too-many", "stray-quote", "too-few"],
)
def test_line_that_came_back_broken_waits_in_the_new_delivery_only(loop: Loop, broken: str) -> None:
    """Our cells at its end tell all the same which line it was."""
    back = two_bad_lines(loop)
    row = back[0].replace("10001;x;m3;2026-10-30", broken)
    receipt = loop.send_rejects(2, row, back[1].replace(";x;", ";y;"), code=1)

    assert receipt["lines"]["quarantined"] == 2
    assert loop.states(2) == [(3, "superseded"), (4, "superseded")]
    assert loop.line(2, 3)["successor_line"] == 2
    assert loop.states(3) == [(2, "open"), (3, "open")]


def test_rejects_sent_back_as_they_are_wait_in_the_new_delivery(loop: Loop) -> None:
    back = two_bad_lines(loop)
    loop.send_rejects(2, *back, code=1)
    assert loop.states(2) == [(3, "superseded"), (4, "superseded")]
    assert loop.rejects(2) == []
    assert loop.states(3) == [(2, "open"), (3, "open")]
    assert [row.split(";")[4] for row in loop.rejects(3)[1:]] == ["2", "3"], "numbers of the new file"


def test_chain_of_rejects_of_rejects_is_followed_link_by_link(loop: Loop) -> None:
    back = two_bad_lines(loop)
    loop.send_rejects(2, back[0].replace(";x;", ";y;"), code=1)
    [again] = loop.rejects(3)[1:]
    receipt = loop.send_rejects(3, again.replace(";y;", ";5;"))

    assert receipt["parent"] == "000000000003"
    assert loop.states(2) == [(3, "superseded"), (4, "open")]
    assert loop.states(3) == [(2, "superseded")]
    assert (loop.line(2, 3)["successor_delivery"], loop.line(3, 2)["successor_delivery"]) == (3, 4)
    assert loop.reading("2026-10-30")["delivery"] == 4


def test_file_under_another_name_has_no_parent_and_corrects_by_meter_and_day(loop: Loop) -> None:
    """Which upload its line numbers are of nobody knows; what its lines tell is plain."""
    back = two_bad_lines(loop)
    stray = back[1].replace(";x;", ";7;").replace("10001", "10002")
    receipt = loop.send_rejects(2, back[0].replace(";x;", ";5;"), stray, name="opravene.csv")

    assert receipt["parent"] is None
    assert loop.states(2) == [(3, "superseded"), (4, "open")]
    assert loop.line(2, 3)["reason"] == "told by a later delivery"


def test_name_of_another_partners_upload_gives_no_parent(loop: Loop) -> None:
    back = two_bad_lines(loop)
    loop.site.done("partner", "add", "other", "--group", "2")
    loop.site.register("10001", partner="other")
    name = loop.receipt(2)["rejects_file"]
    path = loop.site.write(name, [loop.rejects(2)[0], back[0].replace(";x;", ";5;")])
    [receipt] = loop.site.document("ingest", "--partner", "other", str(path))

    assert (receipt["verdict"], receipt["parent"]) == ("accepted", None)
    assert loop.states(2) == [(3, "open"), (4, "open")]


def test_correction_sent_twice_changes_nothing_the_second_time(loop: Loop) -> None:
    back = two_bad_lines(loop)
    edited = [row.replace(";x;", ";5;") for row in back]
    header, name = loop.rejects(2)[0], loop.receipt(2)["rejects_file"]
    loop.send_rejects(2, *edited)
    before = loop.rows("select * from quarantine")

    path = loop.site.write(name, [header, *edited])
    [receipt] = loop.site.document("ingest", "--partner", "anyone", str(path))

    assert (receipt["verdict"], receipt["duplicate_of"]) == ("duplicate", "000000000003")
    assert loop.rows("select * from quarantine") == before


@pytest.mark.parametrize("encoding", ["utf-16", "cp1250", "utf-8-sig"])
def test_rejects_of_any_encoding_are_followed_line_by_line(loop: Loop, encoding: str) -> None:
    rows = ["Výrobní číslo;Stav;Jednotka;Datum", "10001;žádný;m3;30.10.2026", "10001;žádný;m3;31.10.2026"]
    path = loop.site.write("r.csv", rows, encoding=encoding)
    loop.site.done("ingest", "--partner", "anyone", str(path), code=1)
    [rejects] = loop.site.receipts(".rejects.csv")
    text = rejects.read_bytes().decode(encoding)
    edited = text.replace("žádný", "5", 1).replace("30.10.2026", "29.10.2026")
    edited = edited.replace("10001;žádný", "10001;;žádný")
    back = loop.site.files / rejects.name
    back.write_bytes(edited.encode(encoding))
    loop.site.done("ingest", "--partner", "anyone", str(back), code=1)

    broken = "open" if encoding == "utf-16" else "superseded"
    assert loop.states(2) == [(2, "superseded"), (3, broken)]


def test_quarantined_again_by_an_ordinary_file_closes_nothing(loop: Loop) -> None:
    two_bad_lines(loop)
    loop.send("again.csv", "10001;y;m3;2026-10-30", "10001;3;m3;2026-11-01", code=1)
    assert loop.states(2) == [(3, "open"), (4, "open")]


def test_correction_of_a_later_line_by_a_reviewer_ends_the_earlier_one(loop: Loop) -> None:
    two_bad_lines(loop)
    loop.send("again.csv", "10001;y;m3;2026-10-30", "10001;3;m3;2026-11-01", code=1)
    loop.site.done("quarantine", "fix", "300000002", "Value=2", "--reason", "read on site")
    assert loop.states(2) == [(3, "superseded"), (4, "open")]
    assert (loop.line(2, 3)["successor_delivery"], loop.line(2, 3)["successor_line"]) == (3, 2)


def test_every_earlier_delivery_of_the_feed_is_looked_through(loop: Loop) -> None:
    two_bad_lines(loop)
    loop.send("again.csv", "10001;y;m3;2026-10-30", "10002;3;m3;2026-11-01", code=1)
    register = "2026-01-01;A-1;m3;hall;CW;10001;-;1;2026-10-30;0"
    loop.send("meters.csv", register, header=REGISTER_HEADER, code=1)

    loop.send("third.csv", "10001;2;m3;2026-10-30", "10001;3;m3;2026-10-31", "10001;4;m3;2026-11-02")

    assert loop.states(2) == [(3, "superseded"), (4, "superseded")]
    assert loop.states(3) == [(2, "superseded")]
    assert loop.states(4) == [(2, "open")], "another feed's meter and day mean something else"
    for delivery in (2, 3):
        assert (loop.receipt(delivery)["revision"], loop.rejects(delivery)) == (2, [])


def add_manager(loop: Loop) -> None:
    """The partner `home`, who may deliver devices for others."""
    loop.site.done("partner", "add", "home", "--group", "2")
    kind = [
        "partner: home",
        "name: Home",
        "group: 2",
        "kind: manager",
        "language: en",
        "feeds: {devices: {}}",
    ]
    loop.site.write("../home/schemas/partners/home.yaml", kind)


def test_managers_lines_of_one_number_are_told_apart_by_whose_they_are(loop: Loop) -> None:
    """Two partners may have a meter of the same number: what is told of one says nothing of the other."""
    for partner in ("aa", "bb"):
        loop.site.done("partner", "add", partner, "--group", "1")
    add_manager(loop)
    row = "2026-01-01;A-1;m3;hall;CW;777;-;1;2024-01-01;{};{}"
    header = f"{REGISTER_HEADER};Partner"

    def send(name: str, *rows: str, code: int = 0) -> None:
        path = str(loop.site.write(name, [header, *rows]))
        loop.site.done("ingest", "--partner", "home", path, code=code)

    send("1.csv", row.format("0", "aa"), row.format("0", "bb"), code=1)
    send("2.csv", row.format("1", "BB"))
    assert loop.states(2) == [(2, "open"), (3, "superseded")], "that of partner aa still lacks"
    send("3.csv", row.format("1", "aa"))
    assert loop.states(2) == [(2, "superseded"), (3, "superseded")]


def test_manager_s_line_is_tried_again_once_its_partner_was_added(loop: Loop) -> None:
    add_manager(loop)
    row = "2026-01-01;A-1;m3;hall;CW;777;-;1;2024-01-01;1;CC"
    path = str(loop.site.write("1.csv", [f"{REGISTER_HEADER};Partner", row]))
    loop.site.done("ingest", "--partner", "home", path, code=1)
    assert loop.site.document("reprocess")["deliveries"] == []

    loop.site.done("partner", "add", "cc", "--group", "1")

    assert loop.site.document("reprocess")["accepted"] == 1
    assert loop.rows("select serial from device where partner = 'cc'") == [{"serial": "777"}]
    loop.site.done("partner", "add", "cc", "--group", "1")
    assert loop.site.document("reprocess")["deliveries"] == []


def test_a_day_to_reprocess_from_begins_at_midnight_in_prague(loop: Loop) -> None:
    loop.send("r.csv", "10003;5;m3;2026-10-30", "10001;1;m3;2026-10-30", code=1)
    loop.site.register("10003", name="grown.csv")
    with loop.site.house().database.writing() as store:
        store.exec_driver_sql("UPDATE delivery SET received_at = '2026-11-23T23:30:00.000000Z' WHERE id = 2")

    assert loop.site.document("reprocess", "--since", "2026-11-25")["accepted"] == 0
    assert loop.site.document("reprocess", "--since", "2026-11-24")["accepted"] == 1, "half past midnight"


def test_line_without_a_day_is_not_found_by_a_later_file(loop: Loop) -> None:
    loop.send("r.csv", "10001;5;m3;some day", "10001;1;m3;2026-10-29", code=1)
    loop.send("next.csv", "10001;6;m3;2026-10-30")
    assert loop.states(2) == [(2, "open")]


def test_unknown_meter_s_lines_end_once_a_later_file_tells_them(loop: Loop) -> None:
    loop.send("r.csv", "10003;5;m3;2026-10-30", "10001;1;m3;2026-10-29", code=1)
    loop.site.register("10003", name="grown.csv")
    loop.send("next.csv", "10003;6;m3;2026-10-30")
    assert loop.states(2) == [(2, "superseded")]
    assert loop.site.document("reprocess")["deliveries"] == []
    assert loop.reading("2026-10-30", serial="10003")["value"] == "6"


def test_conflicting_lines_both_end_when_a_later_file_tells_the_day(loop: Loop) -> None:
    loop.send("r.csv", "10001;5;m3;2026-10-30", "10001;6;m3;2026-10-30", "10001;1;m3;2026-10-29", code=1)
    loop.send("next.csv", "10001;6;m3;2026-10-30")
    assert loop.states(2) == [(2, "superseded"), (3, "superseded")]
    assert [loop.line(2, line)["successor_line"] for line in (2, 3)] == [2, 2]


def test_of_two_conflicting_lines_a_reviewer_chooses_one_and_the_other_yields(loop: Loop) -> None:
    loop.send("r.csv", "10001;5;m3;2026-10-30", "10001;6;m3;2026-10-30", "10001;1;m3;2026-10-29", code=1)
    loop.site.done("quarantine", "accept", "200000002", "--reason", "the photo shows 5")
    assert loop.reading("2026-10-30")["value"] == "5"

    assert loop.site.document("reprocess", "--delivery", "2")["accepted"] == 1

    assert loop.states(2) == [(2, "accepted"), (3, "superseded")]
    assert loop.reading("2026-10-30")["value"] == "5", "what a person chose stays"
    assert (loop.line(2, 3)["successor_delivery"], loop.line(2, 3)["successor_line"]) == (2, 2)
    assert loop.receipt(2)["lines"]["duplicate"] == 1


@pytest.mark.parametrize(
    "act", [("dismiss", "200000002"), ("fix", "200000002", "Date=2026-10-31")], ids=lambda act: act[0]
)
def test_once_one_of_two_conflicting_lines_is_out_of_the_way_the_other_is_accepted(
    loop: Loop, act: tuple[str, ...]
) -> None:
    loop.send("r.csv", "10001;7;m3;2026-10-30", "10001;6;m3;2026-10-30", "10001;1;m3;2026-10-29", code=1)
    loop.site.done("quarantine", *act, "--reason", "typing error")
    loop.site.done("reprocess", "--delivery", "2")
    assert loop.states(2)[1] == (3, "accepted")
    assert loop.reading("2026-10-30")["value"] == "6"


def test_conflicting_lines_together_conflict_still(loop: Loop) -> None:
    loop.send("r.csv", "10001;5;m3;2026-10-30", "10001;6;m3;2026-10-30", "10001;1;m3;2026-10-29", code=1)
    told = loop.site.document("quarantine", "accept", "--delivery", "2", "--reason", "both", code=1)
    assert (told["lines"], told["still_failing"]) == (0, 2)
    assert loop.states(2) == [(2, "open"), (3, "open")]


def test_line_that_can_be_read_only_now_yields_to_what_was_told_since(loop: Loop) -> None:
    """Its day could not be told when the later file came, so it was not closed then."""
    loop.send("r.csv", "10001;5;m3;30/10/2026", "10001;1;m3;2026-10-29", code=1)
    loop.send("next.csv", "10001;6;m3;2026-10-30")
    assert loop.states(2) == [(2, "open")]

    loop.profile("  readings: {date_forms: [iso, dmy_slash]}")
    loop.site.done("reprocess")

    assert loop.states(2) == [(2, "superseded")]
    line = loop.line(2, 2)
    assert (line["successor_delivery"], line["successor_line"], line["resolved_by"]) == (3, 2, "reprocess")
    assert loop.reading("2026-10-30")["value"] == "6"
    assert loop.receipt(2)["findings_by_code"] == {"reading.superseded": 1}


def test_fix_by_our_column_or_heading_and_dry_run_of_it(loop: Loop) -> None:
    rows = ["Výrobní číslo;Stav;Jednotka;Datum", "10001;x;m3;30.10.2026"]
    loop.site.done("ingest", "--partner", "anyone", str(loop.site.write("r.csv", rows)), code=1)
    before = loop.rows("select * from event")

    would = loop.site.document("quarantine", "fix", "200000002", "Value=5", "--dry-run", "--reason", "to see")
    assert (would["outcome"], would["dry_run"], would["line"]["state"]) == ("corrected", True, "open")
    fails = loop.site.document(
        "quarantine", "fix", "200000002", "Stav=-5", "--dry-run", "--reason", "to see", code=1
    )
    assert [one["code"] for one in fails["findings"]] == ["value.negative"]
    assert (loop.rows("select * from event"), loop.readings()) == (before, [])

    loop.site.done("quarantine", "fix", "200000002", "Value=5", "Datum=31.10.2026", "--reason", "seen")
    assert loop.readings() == [("10001", "2026-10-31", "5")]
    assert loop.ended(2, 2)[0]["after"]["cells"] == {"Stav": "5", "Datum": "31.10.2026"}


@pytest.mark.parametrize("twice", [("Stav=5", "Stav=6"), ("Stav=5", "Value=6")], ids=["heading", "column"])
def test_cell_that_is_given_twice_is_a_slip(loop: Loop, twice: tuple[str, str]) -> None:
    rows = ["Výrobní číslo;Stav;Jednotka;Datum", "10001;x;m3;30.10.2026"]
    loop.site.done("ingest", "--partner", "anyone", str(loop.site.write("r.csv", rows)), code=1)
    assert "twice" in loop.site.refused("quarantine", "fix", "200000002", *twice, "--reason", "seen")
    assert loop.states(2) == [(2, "open")]


LOG = """feed: log
target: records
{form}
columns:
  No: {{type: text, mandatory: true, filled: true}}
  Day: {{type: day, mandatory: true, filled: true}}
  Note: {{type: text}}
"""


@pytest.mark.parametrize(
    ("form", "rows"),
    [
        ("header: none", ["1;2026-10-01;a", "2;x;b", "3;y;c"]),
        ("multiline: true\nmax_continuation_lines: 3", ["No;Day;Note", '1;x;"a\nb"', '2;y;"c\nd"']),
    ],
    ids=["no-header", "multiline"],
)
def test_feeds_of_other_forms_are_followed_line_by_line_and_fixed(
    loop: Loop, form: str, rows: list[str]
) -> None:
    """Delivery 2 has two bad records; the first comes back corrected, the second a reviewer corrects."""
    loop.site.write("../home/schemas/feeds/log.yaml", LOG.format(form=form).splitlines())
    path = loop.site.write("log.csv", rows)
    command = ("ingest", "--partner", "anyone", "--feed", "log")
    loop.site.done(*command, str(path), code=1)
    (first, _), (second, _) = loop.states(2)
    name = loop.receipt(2)["rejects_file"]
    [rejects] = loop.site.receipts(".rejects.csv")
    text = rejects.read_text(encoding="utf-8")
    assert "_line" in text.splitlines()[0]

    back = loop.site.files / name
    back.write_text(text.replace(";x;", ";2026-10-02;"), encoding="utf-8")
    loop.site.done(*command, str(back), code=1)
    assert [state for _, state in loop.states(2)] == ["superseded", "superseded"], "both came back"
    [(third, _)] = loop.states(3)
    loop.site.done("quarantine", "fix", str(3 * 10**8 + third), "Day=2026-10-03", "--reason", "asked them")

    assert loop.line(2, first)["successor_delivery"] == 3
    assert loop.line(2, second)["successor_line"] == third
    kept = loop.rows("select cells from record where delivery = 3 order by line")
    assert ["2026-10-02" in kept[0]["cells"], "2026-10-03" in kept[1]["cells"]] == [True, True]
