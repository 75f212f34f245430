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
