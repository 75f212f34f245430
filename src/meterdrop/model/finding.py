"""What is wrong with this line, cell or file? A finding is a value; it is never raised."""

from dataclasses import dataclass

from meterdrop.model.codes import Code, Severity


@dataclass(frozen=True)
class Finding:
    """One thing we noticed. `line` is physical and 1-based; `column` is the heading as the partner wrote it."""

    code: Code
    severity: Severity
    line: int | None = None
    column: str | None = None
    value: str | None = None
    against: str | None = None
    """What the cell was compared with, in words of no language: `1310 (2026-03-03)`, or another line's number."""
