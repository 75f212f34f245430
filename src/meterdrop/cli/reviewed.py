"""How is a quarantined line told to scripts and people?"""

from typing import TYPE_CHECKING

from meterdrop.bootstrap import House
from meterdrop.model.delivery import delivery_number
from meterdrop.report.receipt import told

if TYPE_CHECKING:
    from meterdrop.usecases.review import ReviewedLine


def document_of(one: "ReviewedLine", house: House) -> dict[str, object]:
    """A quarantined line as scripts get it: what it is, what was found, and what became of it."""
    language = house.language_of(one.line.partner)
    return {
        "id": one.line.id,
        "delivery": one.delivery.number,
        "file": one.delivery.file,
        "partner": one.line.partner,
        "feed": one.line.feed,
        "line": one.line.line,
        "state": one.line.state,
        "raw": shown(one.line.raw),
        "corrected_raw": None if one.line.corrected_raw is None else shown(one.line.corrected_raw),
        "cells": dict(one.cells),
        "findings": [told(finding, language=language) for finding in one.findings],
        "found_before": [told(finding, language=language) for finding in one.found_before],
        "resolved_at": one.line.resolved_at,
        "resolved_by": one.line.resolved_by,
        "reason": one.line.reason,
        "rules": one.line.rules,
        "reading": None
        if one.line.reading_device is None
        else {"device": one.line.reading_device, "date": one.line.reading_day},
        "successor": None
        if one.line.successor_delivery is None
        else {"delivery": delivery_number(one.line.successor_delivery), "line": one.line.successor_line},
    }


def shown(raw: bytes) -> str:
    """A line's bytes as text; what is no UTF-8 is written out."""
    return raw[:2000].decode("utf-8", errors="backslashreplace")
