"""A partner's header changes: the audit says since when and how, and `status` tells it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meterdrop.model.layout import Layout
from meterdrop.usecases.drift import find_drift
from tests.homes import POSTGRESQL
from tests.integration.command_line import READINGS_HEADER, CommandLine

pytestmark = pytest.mark.by_night(POSTGRESQL)

ROW = "10001;1;m3;2026-10-31"
OTHER = "Stav;SerialNum;Unit;Date;Technik"
OTHER_ROW = "2;10001;m3;2026-11-01;x"


@pytest.fixture
def site(meterdrop: CommandLine) -> CommandLine:
    meterdrop.register("10001")
    return meterdrop


def sent(site: CommandLine, name: str, *lines: str, code: int = 0, encoding: str = "utf-8") -> Any:  # noqa: ANN401 - JSON
    path = site.write(name, lines, encoding=encoding)
    [receipt] = site.document("ingest", "--partner", "anyone", str(path), code=code)
    return receipt


def history(site: CommandLine, *, code: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.document("status", "--partner", "anyone", code=code)["header_changes"]
    return found


def test_first_file_and_same_headers_change_nothing(site: CommandLine) -> None:
    """Neither other bytes of the same headings: another encoding and separator, quotes."""
    sent(site, "a.csv", READINGS_HEADER, ROW)
    sent(site, "b.csv", '"SerialNum","Value","Unit","Date"', "10001,2,m3,2026-11-01", encoding="utf-16")
    assert history(site) == []
    assert "have never changed" in site.done("status", "--partner", "anyone").out


def test_changed_header_is_told_by_status_and_in_the_audit(site: CommandLine) -> None:
    sent(site, "a.csv", READINGS_HEADER, ROW)
    receipt = sent(site, "b.csv", OTHER, OTHER_ROW)

    [told] = site.document("status")["header_changes"]
    assert (told["partner"], told["feed"], told["delivery"]) == ("anyone", "readings", receipt["delivery"])
    assert told["before"] == READINGS_HEADER.split(";")
    assert told["after"] == OTHER.split(";")
    assert told["change"] == {
        "added": ["Technik"],
        "removed": [],
        "renamed": [{"column": "Value", "before": "Value", "after": "Stav"}],
        "reordered": True,
    }
    said = site.done("status").out
    assert "renamed: Value → Stav (Value); added: Technik; in another order" in said
    audit = site.document("delivery", "show", receipt["delivery"])["events"]
    [event] = [one for one in audit if one["what"] == "header.changed"]
    assert (event["who"], event["partner"]) == (f"delivery:{receipt['delivery']}", "anyone")
    assert event["before"]["delivery"] == "000000000002"


def test_refused_file_tells_what_changed_in_its_header(site: CommandLine) -> None:
    """The commonest consequence of a change is a refusal; and when it changes back, that is told, too."""
    sent(site, "a.csv", READINGS_HEADER, ROW)
    refused = sent(site, "b.csv", "SerialNum;Unit;Date;Hodnoty", "10001;m3;2026-10-31;1", code=1)
    assert refused["verdict"] == "refused"
    [told] = history(site)
    assert told["delivery"] == refused["delivery"]
    assert (told["change"]["removed"], told["change"]["added"]) == (["Value"], ["Hodnoty"])

    sent(site, "c.csv", READINGS_HEADER, "10001;2;m3;2026-11-01")
    back, _ = history(site)
    assert (back["change"]["removed"], back["change"]["added"]) == (["Hodnoty"], ["Value"])


def test_renamed_headings_are_told_where_the_name_tells_the_feed(site: CommandLine) -> None:
    """Not one heading is ours any more: the header is none, but everybody sees what it was before."""
    site.write(
        "../home/schemas/partners/anyone.yaml",
        ["partner: anyone\nname: A\ngroup: 2\nfeeds:\n  readings: {file_names: ['*.csv']}"],
    )
    sent(site, "a.csv", READINGS_HEADER, ROW)
    refused = sent(site, "b.csv", "Č.;Počítadlo;Míra;Kdy", "10001;2;m3;2026-11-01", code=1)
    assert refused["findings_by_code"] == {"file.no-header": 1}
    [told] = history(site)
    assert (told["feed"], told["delivery"]) == ("readings", refused["delivery"])
    assert told["after"] == ["Č.", "Počítadlo", "Míra", "Kdy"]
    assert told["change"]["removed"] == READINGS_HEADER.split(";")

    sent(site, "c.csv", READINGS_HEADER, "10001;2;m3;2026-11-01")
    assert len(history(site)) == 2


def test_header_of_no_feed_is_told_once_and_compared_with_none(site: CommandLine) -> None:
    """Nobody can tell what it was before; that the partner sends another header is told all the same."""
    sent(site, "a.csv", READINGS_HEADER, ROW)
    strange = "SerialNum;Počítadlo;Míra;Kdy"
    first = sent(site, "b.csv", strange, "10001;2;m3;2026-11-01", code=1)
    sent(site, "c.csv", strange, "10001;3;m3;2026-11-02", code=1)
    assert first["findings_by_code"] == {"file.unknown-feed": 1}
    [told] = history(site)
    assert (told["feed"], told["delivery"]) == (None, first["delivery"])
    assert (told["before"], told["after"]) == ([], strange.split(";"))
    said = " ".join(site.done("status").out.split())
    assert "unknown" in said
    assert "of no feed we know: SerialNum, Počítadlo, Míra, Kdy" in said

    sent(site, "d.csv", READINGS_HEADER, "10001;2;m3;2026-11-01")
    assert len(history(site)) == 1, "a header that is of a feed is compared with that feed's last one"


@pytest.mark.parametrize("first_line", ["10001;2;m3;2026-11-01", "# x", '{"a": 1}'])
def test_first_file_of_a_partner_and_data_without_header_are_no_change(
    site: CommandLine, first_line: str
) -> None:
    site.done("partner", "add", "other")
    path = site.write("b.csv", [first_line, "10001;3;m3;2026-11-02"])
    site.document("ingest", "--partner", "other", str(path), code=1)
    assert site.document("status")["header_changes"] == []
    sent(site, "c.csv", "10001;2;m3;2026-11-01", code=1)
    assert history(site) == []


def test_file_that_was_cut_off_still_tells_its_feed_and_what_changed(site: CommandLine) -> None:
    site.write(
        "../home/schemas/partners/anyone.yaml",
        [
            "partner: anyone\nname: A\ngroup: 2\nfeeds:\n  readings:",
            "    footer: {starts_with: [Konec], required: true}",
        ],
    )
    sent(site, "a.csv", READINGS_HEADER, ROW, "Konec")
    cut = sent(site, "b.csv", OTHER, OTHER_ROW, code=1)
    assert (cut["feed"], cut["findings_by_code"]) == (
        "readings",
        {"file.extra-column": 1, "file.truncated": 1},
    )
    assert [told["delivery"] for told in history(site)] == [cut["delivery"]]


def test_same_refused_header_is_told_once(site: CommandLine) -> None:
    sent(site, "a.csv", READINGS_HEADER, ROW)
    for name in ("b.csv", "c.csv"):
        sent(site, name, "SerialNum;Unit;Date;Hodnoty", f"10001;m3;2026-10-31;{name}", code=1)
    assert len(history(site)) == 1


def test_held_file_s_header_counts(site: CommandLine) -> None:
    sent(site, "a.csv", READINGS_HEADER, ROW)
    held = sent(site, "b.csv", OTHER, *["x;10001;m3;2026-11-01;y"] * 30, code=1)
    assert held["verdict"] == "held"
    assert [told["delivery"] for told in history(site, code=1)] == [held["delivery"]]


def test_other_feeds_headers_are_not_compared(site: CommandLine) -> None:
    """The register came before the first readings; it has quite another header."""
    sent(site, "a.csv", READINGS_HEADER, ROW)
    site.register("10002", name="more.csv")
    sent(site, "b.csv", READINGS_HEADER, "10001;2;m3;2026-11-01")
    assert history(site) == []


def test_other_partners_headers_are_not_compared(site: CommandLine) -> None:
    site.done("partner", "add", "other", "--group", "2")
    sent(site, "a.csv", READINGS_HEADER, ROW)
    site.register("10001", partner="other", name="theirs.csv")
    path = site.write("b.csv", [OTHER, OTHER_ROW])
    site.done("ingest", "--partner", "other", str(path))
    assert site.document("status")["header_changes"] == []


def test_rejects_file_sent_back_changes_no_header(site: CommandLine) -> None:
    """Neither when it comes nor for the file after it."""
    sent(site, "a.csv", READINGS_HEADER, ROW, "10001;x;m3;2026-11-01", code=1)
    [rejects] = site.receipts(".rejects.csv")
    text = rejects.read_text("utf-8").replace(";x;", ";2;")
    sent(site, rejects.name, *text.splitlines())
    sent(site, "b.csv", READINGS_HEADER, "10001;3;m3;2026-11-02")
    assert history(site) == []


def test_duplicate_of_a_file_with_an_older_header_changes_none(site: CommandLine) -> None:
    """Its bytes were judged before; nothing new is known of what the partner sends now."""
    sent(site, "a.csv", READINGS_HEADER, ROW)
    sent(site, "b.csv", OTHER, OTHER_ROW)
    assert sent(site, "a.csv", READINGS_HEADER, ROW)["verdict"] == "duplicate"
    sent(site, "c.csv", OTHER, "3;10001;m3;2026-11-02;x")
    assert len(history(site)) == 1


def test_status_tells_the_last_change_of_90_days_and_the_history_all(
    site: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(site, "a.csv", READINGS_HEADER, ROW)
    sent(site, "b.csv", OTHER, OTHER_ROW)
    last = sent(site, "c.csv", READINGS_HEADER, "10001;3;m3;2026-11-02")
    assert [told["delivery"] for told in site.document("status")["header_changes"]] == [last["delivery"]]
    assert len(history(site)) == 2

    later = datetime.now(UTC) + timedelta(days=91)
    monkeypatch.setattr("meterdrop.bootstrap.looking.now", lambda: later)
    assert site.document("status", code=1)["header_changes"] == []  # 1: by then the partner is silent
    assert len(history(site, code=1)) == 2


def test_status_of_an_unknown_partner_is_a_mistake(site: CommandLine) -> None:
    assert "no partner 'nobody'" in site.refused("status", "--partner", "nobody")


def test_many_changed_headings_are_told_in_one_line(site: CommandLine) -> None:
    sent(site, "a.csv", READINGS_HEADER, ROW)
    more = ";".join(f"X{number}" for number in range(40))
    sent(site, "b.csv", f"{READINGS_HEADER};{more}", f"10001;2;m3;2026-11-01{';' * 40}")
    assert "added: X0, X1, X2, X3, X4 and 35 more" in " ".join(site.done("status").out.split())


def test_change_and_outcome_are_one_transaction(site: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """If one can't be written, neither is the other."""

    def no_room(*_given: object, **_named: object) -> None:
        raise RuntimeError("no room")

    sent(site, "a.csv", READINGS_HEADER, ROW)
    path = site.write("b.csv", [OTHER, OTHER_ROW])
    with monkeypatch.context() as broken:
        broken.setattr("meterdrop.usecases.publish.tell_of", no_room)
        with pytest.raises(RuntimeError, match="no room"):
            site("ingest", "--partner", "anyone", str(path))

    assert history(site) == []
    [last, *_] = site.document("deliveries")
    assert (last["file"], last["state"]) == ("b.csv", "loading")
    assert site.done("readings", "export").out.count("\n") == 2, "the header and the first file's row"


def test_delivery_that_is_judged_a_second_time_tells_its_change_once(site: CommandLine) -> None:
    """A held one is judged again when it is released."""
    sent(site, "a.csv", READINGS_HEADER, ROW)
    receipt = sent(site, "b.csv", OTHER, OTHER_ROW)
    house = site.house()
    delivery = house.show_delivery(receipt["delivery"]).delivery
    agreement = house.agreement_of("anyone", "readings", delivery.arrived_on)
    headings = ("SerialNum", "Value")
    layout = Layout("utf-8", 0, ";", 1, b"SerialNum;Value", headings=headings, columns=headings)
    with house.database.reading() as store:
        assert find_drift(store, delivery, agreement=agreement, layout=layout) is None


def test_file_without_header_changes_none(site: CommandLine) -> None:
    """What the profile says of its columns is ours, not the partner's."""
    sent(site, "a.csv", READINGS_HEADER, ROW)
    site.write(
        "../home/schemas/partners/anyone.yaml",
        [
            "partner: anyone\nname: A\ngroup: 2\nfeeds:\n  readings:\n    header: none\n    file_names: ['b*']",
            "    columns_in_order: [SerialNum, Value, Unit, Date]",
        ],
    )
    receipt = sent(site, "b.csv", "10001;2;m3;2026-11-01")
    assert (receipt["verdict"], history(site)) == ("accepted", [])
