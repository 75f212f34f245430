"""What does the partner get to read? The receipt, as the contract has it, and the names of its files."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from meterdrop.model.delivery import Delivery, delivery_number
from meterdrop.model.finding import Finding
from meterdrop.report.words import message

MOST_FINDINGS: Final = 1000
"""A receipt shows the first so many findings; its counts are never cut."""

_LONGEST_NAME: Final = 255


def receipt(
    delivery: Delivery,
    *,
    findings: Sequence[Finding],
    language: str,
    duplicate_of: str | None,
    parent: str | None,
    has_rejects: bool,
) -> dict[str, object]:
    """The receipt of a settled delivery; `findings` are the first ones by line."""
    return {
        "receipt": 1,
        "revision": delivery.revision,
        "delivery": delivery.number,
        "upload": delivery.upload,
        "partner": delivery.partner,
        "feed": delivery.feed,
        "file": delivery.file,
        "path": delivery.path,
        "bytes": delivery.bytes,
        "sha256": delivery.sha256,
        "received_at": _time(delivery.received_at),
        "finished_at": None if delivery.finished_at is None else _time(delivery.finished_at),
        "verdict": delivery.state.value,
        "lines": delivery.lines.as_dict(),
        "findings_total": sum(delivery.findings_by_code.values()),
        "findings_by_code": dict(sorted(delivery.findings_by_code.items())),
        "findings": [told(finding, language=language) for finding in findings[:MOST_FINDINGS]],
        "rules": delivery.rules,
        "duplicate_of": duplicate_of,
        "parent": parent,
        "rejects_file": rejects_name(delivery) if has_rejects else None,
    }


def told(finding: Finding, *, language: str) -> dict[str, object]:
    """A finding with its words."""
    sentence, fix = message(
        finding.code, language=language, column=finding.column, value=finding.value, against=finding.against
    )
    return {
        "line": finding.line,
        "column": finding.column,
        "code": finding.code.value,
        "severity": finding.severity.value,
        "value": finding.value,
        "against": finding.against,
        "message": sentence,
        "fix": fix,
    }


def received_receipt(delivery: Delivery, *, continues: str | None = None) -> dict[str, object]:
    """What is told at once: we have it, whole. `continues` names the upload that had only its first bytes."""
    told: dict[str, object] = {
        "receipt": 1,
        "delivery": delivery_number(delivery.id),
        "upload": delivery.upload,
        "partner": delivery.partner,
        "file": delivery.file,
        "path": delivery.path,
        "bytes": delivery.bytes,
        "sha256": delivery.sha256,
        "received_at": _time(delivery.received_at),
        "state": "received",
    }
    return told if continues is None else told | {"continues": continues}


def as_json(document: Mapping[str, object]) -> bytes:
    """The receipt's bytes; the same receipt is always the same bytes."""
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def received_name(delivery: Delivery) -> str:
    """File name of the first receipt."""
    return _name(delivery, "received.json")


def result_name(delivery: Delivery) -> str:
    """File name of the result."""
    return _name(delivery, "result.json")


def rejects_name(delivery: Delivery) -> str:
    """File name of the rejected lines."""
    return _name(delivery, "rejects.csv")


def _name(delivery: Delivery, ending: str) -> str:
    tail = f".{delivery.upload}.{ending}"
    room = _LONGEST_NAME - len(tail.encode())
    return delivery.file.encode()[:room].decode(errors="ignore") + tail


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
