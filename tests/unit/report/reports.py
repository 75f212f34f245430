"""Reports to try: any lines, any findings, of a delivery that is told as the counts want it."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from meterdrop.model.codes import Code, severity_of
from meterdrop.model.finding import Finding
from meterdrop.model.reported import ReportedLine
from meterdrop.report.quarantine_report import QuarantineReport, Writing

HEADINGS = ("SerialNum", "Stav", "Unit", "Date")
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def found(
    code: Code,
    *,
    line: int | None = None,
    column: str | None = None,
    value: str | None = None,
    against: str | None = None,
) -> Finding:
    """A finding with the severity of its code."""
    return Finding(code, severity_of(code), line, column, value, against)


def aside(number: int, raw: bytes, *findings: Finding, **changes: object) -> ReportedLine:
    """A quarantined line; open, unless the changes say otherwise."""
    told: dict[str, object] = {
        "id": 200_000_000 + number,
        "line": number,
        "raw": raw,
        "corrected": None,
        "state": "open",
        "resolved_at": None,
        "resolved_by": None,
        "reason": None,
        "serial": None,
        "day": None,
        "successor_delivery": None,
        "successor_line": None,
        "findings": findings,
    }
    return ReportedLine(**told | changes)  # type: ignore[arg-type]  # a line's own fields


def report(
    lines: Sequence[ReportedLine] = (),
    *,
    of_file: Sequence[Finding] = (),
    of_others: Sequence[Finding] = (),
    language: str = "en",
    headings: tuple[str, ...] = HEADINGS,
    separator: str = ";",
    encoding: str = "utf-8",
    accepted: int = 10,
    file: str = "readings.csv",
) -> QuarantineReport:
    """A report whose head has the counts of what is in it."""
    every = [*of_file, *(one for line in lines for one in line.findings), *of_others]
    counts = {"physical": 1 + accepted + len(lines), "header": 1, "accepted": accepted}
    return QuarantineReport(
        head={
            "delivery": "000000000002",
            "partner": "techem",
            "feed": "readings",
            "file": file,
            "verdict": "partly_accepted",
            "lines": {
                **counts,
                "quarantined": len(lines),
                "duplicate": 0,
                "blank": 0,
                "comment": 0,
                "continuation": 0,
            },
            "findings_total": len(every),
            "findings_by_code": dict(sorted(Counter(one.code.value for one in every).items())),
            "duplicate_of": None,
            "parent": None,
            "rejects_file": f"{file}.01M85NE16NB7Q7S2VSG3XJ82BT.rejects.csv",
        },
        partner_name="Techem",
        language=language,
        received_at=NOW,
        made_at=NOW,
        writing=Writing(encoding=encoding, separator=separator, headings=headings),
        states=dict(sorted(Counter(line.state for line in lines).items())),
        file_findings=iter(of_file),
        lines=iter(lines),
        other_findings=iter(of_others),
    )
