"""How is this file written? What detection found, and parsing relies on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from meterdrop.model.form import Footer

SEPARATORS: Final = (";", "\t", "|", ",")
"""What may stand between cells, the likeliest first."""

LONGEST_LINE: Final = 64 * 1024
"""A physical line may have this many bytes, its end not counted (UTF-16: as UTF-8)."""

REJECTS_HEADINGS: Final = ("_line", "_code", "_column", "_message")
"""What we write at the end of each line of rejects.csv, and drop when it comes back."""


@dataclass(frozen=True)
class Layout:
    """Encoding, separator and header of one file, and which column each heading is.

    `headings` are the texts of the header's cells in file order; `columns` names our column for each of them,
    or None where the heading is unknown or empty (ignored). `header_line` is physical and 1-based; 0 if the file has
    no header: then `headings` are our own names, and `-` for a column that is ignored.
    `heading_units` gives units written into headings (`Stav [m3]` -> {"Value": "m3"}).
    `rejects_cells` is 4 when the header ends with our own `_line;_code;_column;_message`, else 0.
    """

    encoding: str
    bom: int
    separator: str
    header_line: int
    header_raw: bytes
    headings: tuple[str, ...]
    columns: tuple[str | None, ...]
    heading_units: Mapping[str, str] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    """Unknown headings, ignored and named once in the receipt."""
    rejects_cells: int = 0
    preamble: int = 0
    """So many physical lines at the start are no data."""
    footer: Footer | None = None
    max_continuation_lines: int = 0
    """So many lines more may a record have (`parse.records`)."""

    @property
    def first_line(self) -> int:
        """The physical line before which nothing is data."""
        return max(self.header_line, self.preamble + 1)

    def heading_of(self, column: str) -> str:
        """The partner's own heading of our column (our name if the file has none)."""
        for heading, name in zip(self.headings, self.columns, strict=True):
            if name == column:
                return heading
        return column
