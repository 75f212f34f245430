"""The receipt of the contract: every name of it, the same bytes each time, under a name that any disk takes."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.model.codes import Code, Severity
from meterdrop.model.delivery import Delivery, LineCounts, State
from meterdrop.model.finding import Finding
from meterdrop.report import receipt as receipts

UPLOAD = "01M85NE16NB7Q7S2VSG3XJ82BT"
NAMES = (
    "receipt delivery upload partner feed file bytes sha256 received_at finished_at verdict lines findings_total "
    "findings_by_code findings rules duplicate_of parent rejects_file"
)


def delivery(file: str = "readings.csv", **changes: object) -> Delivery:
    told: dict[str, object] = {
        "id": 42,
        "upload": UPLOAD,
        "partner": "techem",
        "path": f"incoming/{file}",
        "file": file,
        "bytes": 10,
        "sha256": "a" * 64,
        "received_at": datetime(2026, 11, 24, 8, 0, 0, 123456, tzinfo=UTC),
        "finished_at": datetime(2026, 11, 24, 8, 0, 1, tzinfo=UTC),
        "state": State.PARTLY_ACCEPTED,
        "feed": "readings",
        "lines": LineCounts(physical=3, header=1, accepted=1, quarantined=1),
        "findings_by_code": {"value.not-a-number": 1, "cell.missing": 2},
    }
    return Delivery(**told | changes)  # type: ignore[arg-type]  # a delivery's own fields


def told(one: Delivery, *findings: Finding, has_rejects: bool = True) -> dict[str, object]:
    return receipts.receipt(
        one, findings=findings, language="en", duplicate_of=None, parent=None, has_rejects=has_rejects
    )


def test_receipt_has_every_name_of_the_contract() -> None:
    document = told(delivery())
    assert set(NAMES.split()) <= set(document)
    assert document["delivery"] == "000000000042"
    assert document["verdict"] == "partly_accepted"
    assert document["received_at"] == "2026-11-24T08:00:00.123Z"
    assert document["findings_total"] == 3
    assert document["rejects_file"] == f"readings.csv.{UPLOAD}.rejects.csv"
    assert told(delivery(), has_rejects=False)["rejects_file"] is None


def test_receipt_is_the_same_bytes_whatever_order_the_counts_came_in() -> None:
    turned = delivery(findings_by_code={"cell.missing": 2, "value.not-a-number": 1})
    assert receipts.as_json(told(delivery())) == receipts.as_json(told(turned))


def test_receipt_is_utf8_that_people_can_read() -> None:
    document = receipts.as_json(told(delivery("odečty.csv")))
    assert "odečty.csv" in document.decode("utf-8")
    assert json.loads(document)["file"] == "odečty.csv"
    assert document.endswith(b"}\n")


def test_receipt_shows_a_thousand_findings_and_counts_all() -> None:
    many = [
        Finding(code=Code.CELL_MISSING, severity=Severity.ERROR, line=line, column="Value")
        for line in range(2, 1502)
    ]
    document = told(delivery(findings_by_code={"cell.missing": 1500}), *many)
    shown = document["findings"]
    assert isinstance(shown, list)
    assert len(shown) == 1000
    assert shown[-1]["line"] == 1001
    assert document["findings_total"] == 1500


@given(
    st.text(
        alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=300
    )
)
def test_name_fits_any_disk_and_tells_the_upload(file: str) -> None:
    for name, ending in (
        (receipts.received_name(delivery(file)), "received.json"),
        (receipts.result_name(delivery(file)), "result.json"),
        (receipts.rejects_name(delivery(file)), "rejects.csv"),
    ):
        assert len(name.encode()) <= 255
        assert name.endswith(f".{UPLOAD}.{ending}")
        assert file.startswith(name.removesuffix(f".{UPLOAD}.{ending}"))


@pytest.mark.parametrize("letters", [210, 211, 212, 213, 214, 255])
def test_name_is_cut_between_letters(letters: int) -> None:
    """`č` has two bytes: half of one would be no name."""
    name = receipts.rejects_name(delivery("č" * letters))
    assert 253 <= len(name.encode()) <= 255


def test_short_name_is_not_cut() -> None:
    assert receipts.result_name(delivery("r.csv")) == f"r.csv.{UPLOAD}.result.json"
