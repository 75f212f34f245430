"""What may a feed or a partner's habits say about the form of files, and the Form that comes of it?"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Final, Literal

from pydantic import Field

from meterdrop.catalog.strictly import Strict
from meterdrop.model.feed import Feed
from meterdrop.model.form import MOST_FOOTER, MOST_PREAMBLE, Footer, Form
from meterdrop.model.spelling import heading_key

_ROW: Final = re.compile(r"row ([1-9][0-9]{0,3})")
_LINE_END: Final = re.compile(r"[\r\n]")
IGNORED: Final = frozenset({"", "-"})
"""What stands in `columns_in_order` for a column that is ignored."""


class FooterWords(Strict):
    """What stands after the last record."""

    lines: Annotated[int, Field(ge=0, le=MOST_FOOTER)] = 0
    starts_with: Annotated[list[str], Field(max_length=100)] = Field(default_factory=list)
    required: bool = False


class FormWords(Strict):
    """The form of a file; what is left out is as in the feed, and there as `Form` has it."""

    header: Annotated[str, Field(pattern=r"^(first|none|row [1-9][0-9]{0,3})$")] | None = None
    preamble: Annotated[int, Field(ge=0, le=MOST_PREAMBLE)] | None = None
    footer: FooterWords | Literal["none"] | None = None
    multiline: bool | None = None
    max_continuation_lines: Annotated[int, Field(ge=0, le=1000)] | None = None


def form_of(written: FormWords, *, over: Form, in_order: Sequence[str] | None = None) -> Form:
    """The form as written, laid over another one. The words must have been checked (`problems_of_form`)."""
    form = over
    if written.header is not None:
        row = _ROW.fullmatch(written.header)
        form = replace(form, headed=written.header != "none", header_row=int(row[1]) if row else 0)
    if written.preamble is not None:
        form = replace(form, preamble=written.preamble)
    if written.footer is not None:
        form = replace(form, footer=_footer(written.footer))
    if written.max_continuation_lines is not None:
        form = replace(form, max_continuation_lines=written.max_continuation_lines)
    if written.multiline is False:
        form = replace(form, max_continuation_lines=0)
    if in_order is not None:
        form = replace(form, in_order=tuple(None if name in IGNORED else name for name in in_order))
    return form


def problems_of_form(written: FormWords, *, over: Form) -> Iterator[tuple[str, str]]:
    """Key and problem of everything that contradicts itself or the form it is laid over."""
    form = form_of(written, over=over)
    if form.header_row and form.header_row <= form.preamble:
        yield "header", f"row {form.header_row} is in the preamble of {form.preamble} lines"
    if isinstance(written.footer, FooterWords):
        yield from _of_footer(written.footer)
    several = bool(written.multiline) or (written.multiline is None and over.max_continuation_lines > 0)
    if several != (form.max_continuation_lines > 0) or (not several and written.max_continuation_lines):
        yield "max_continuation_lines", "must be above 0 with `multiline: true`, and 0 without"


def problems_of_order(in_order: Sequence[str], *, form: Form, feed: Feed) -> Iterator[str]:
    """Why the columns can't come in this order."""
    if form.headed:
        yield "is for files without header: say `header: none` too"
    known = {column.name for column in feed.columns}
    named = [name for name in in_order if name not in IGNORED]
    for name in dict.fromkeys(named):
        if name not in known:
            yield f"{feed.name} has no column {name!r}; write - for one that is to be ignored"
        elif named.count(name) > 1:
            yield f"{name!r} stands in it twice"
    missing = [name for name in feed.mandatory if name not in named]
    if missing:
        yield f"the mandatory columns {', '.join(missing)} are missing"


def problem_of_heading(heading: str) -> str | None:
    """Why no heading of a file can be like this; None if one can."""
    return f"{heading!r} has a line end in it: no heading may" if _LINE_END.search(heading) else None


def _footer(written: FooterWords | str) -> Footer | None:
    if isinstance(written, str):
        return None
    return Footer(
        lines=written.lines,
        words=tuple(heading_key(word) for word in written.starts_with),
        required=written.required,
    )


def _of_footer(written: FooterWords) -> Iterator[tuple[str, str]]:
    if not written.lines and not written.starts_with:
        yield "footer", "say `lines`, `starts_with` or both"
    if written.required and not written.starts_with:
        yield "footer.required", "is for `starts_with`: so many lines without words are always there"
    for word in written.starts_with:
        if not heading_key(word):
            yield "footer.starts_with", f"{word!r} has neither letter nor digit"
