"""How is this file laid out? Its header line, separator, and which column each heading is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from meterdrop.detect.encoding import Encoding
from meterdrop.detect.feed import choose_agreement, forced_agreement, has_all, looks_like_data
from meterdrop.detect.header_line import HeaderLine, first_line, header_line, lines_of
from meterdrop.detect.header_verdict import extra_headings, refuse_unusable
from meterdrop.detect.headings import (
    Header,
    declared_header,
    is_rejects_header,
    read_header,
    runs_on,
)
from meterdrop.model.codes import Code
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement
from meterdrop.model.form import Form
from meterdrop.model.layout import SEPARATORS, Layout

_SAMPLE: Final = 100
"""So many lines tell the separator of a file without header."""

_LOOKED_THROUGH: Final = 50
_LONGEST_HINT: Final = 4096
"""A header is looked for in so many lines, each not longer than this, to say where it stands."""

_LONGEST_HEADER: Final = 20
"""So many lines more may a heading have that we refuse; an unclosed quote alone is taken as a letter."""


@dataclass(frozen=True)
class _Head:
    """The start of a file, and the form its lines are read by."""

    text: bytes
    encoding: Encoding
    is_rejects: bool

    def form(self, agreement: Agreement) -> Form:
        """A rejects file of ours begins with its header, whatever form the file had that it came of."""
        form = agreement.feed.form
        return Form(max_continuation_lines=form.max_continuation_lines) if self.is_rejects else form

    def header(self, agreement: Agreement) -> tuple[HeaderLine, Header]:
        """The header as this agreement reads it. CannotRead `file.no-header`."""
        line = header_line(self.text, self.encoding, form=self.form(agreement))
        return line, read_header(line.text, agreement=agreement, separator=line.separator)

    def headings(self, agreement: Agreement) -> Header | None:
        """The header as this agreement reads it; None if it has none where it should be."""
        if not self.form(agreement).headed:
            return None
        try:
            return self.header(agreement)[1]
        except CannotRead:
            return None


def find_layout(
    head: bytes,
    *,
    encoding: Encoding,
    path: str,
    agreements: Sequence[Agreement],
    feed: str | None = None,
) -> tuple[Agreement, Layout]:
    """Under which agreement was the file sent, and how is it laid out?

    `head` is the start of the file (256 KiB), with its byte-order mark or without; the header must be in it. `feed` forces the
    feed of that name. CannotRead: `file.no-header` (the line where one seems to stand in another line in `line`),
    `file.unknown-feed`, `file.bad-header`, and as `refuse_unusable`.
    """
    start = first_line(head, encoding)
    told = _Head(head, encoding, start is not None and is_rejects_header(start.text, start.separator))
    agreement: Agreement | None = None
    try:
        agreement = (
            forced_agreement(agreements, feed=feed)
            if feed is not None
            else choose_agreement(agreements, path=path, headings=told.headings)
        )
        form = told.form(agreement)
        layout = _headed(told, agreement=agreement) if form.headed else _headless(told, agreement=agreement)
    except CannotRead as problem:
        problem.feed = problem.feed if agreement is None else agreement.feed.name
        raise _said_where(problem, told, agreements=agreements, feed=feed) from problem
    return agreement, replace(
        layout,
        bom=encoding.bom,
        preamble=max(form.preamble, layout.preamble),
        footer=form.footer,
        max_continuation_lines=form.max_continuation_lines,
    )


def layout_of_header(
    header_raw: bytes, *, encoding: Encoding, separator: str, header_line: int, agreement: Agreement
) -> Layout:
    """The layout of lines taken out of a file whose header was this (`header_line` 0: it had none).

    CannotRead as `find_layout` if the header isn't one by what is agreed now.
    """
    if header_line:
        text = header_raw.decode(encoding.name, "replace")
        line = HeaderLine(number=header_line, text=text, raw=header_raw, separator=separator)
        header = read_header(text, agreement=agreement, separator=separator)
        layout = _laid_out(line, header, agreement=agreement, encoding=encoding)
        refuse_unusable(header, agreement=agreement, layout=layout)
    else:
        layout = _of_declared(declared_header(agreement.feed, separator=separator))
    return replace(
        layout,
        encoding=encoding.name,
        bom=encoding.bom,
        max_continuation_lines=agreement.feed.form.max_continuation_lines,
    )


def _headed(head: _Head, *, agreement: Agreement) -> Layout:
    line, header = head.header(agreement)
    after = (each.text for each in lines_of(head.text, head.encoding) if each.number > line.number)
    following = list(islice(after, _LONGEST_HEADER)) if line.text.count('"') % 2 else []
    heading = runs_on(line.text, following, separator=header.separator)
    layout = _laid_out(line, header, agreement=agreement, encoding=head.encoding)
    if heading is not None:
        raise CannotRead(
            Code.FILE_BAD_HEADER,
            line=line.number,
            value=heading,
            feed=agreement.feed.name,
            layout=layout,
        )
    refuse_unusable(header, agreement=agreement, layout=layout)
    return layout


def _laid_out(line: HeaderLine, header: Header, *, agreement: Agreement, encoding: Encoding) -> Layout:
    return Layout(
        encoding=encoding.name,
        bom=encoding.bom,
        separator=header.separator,
        header_line=line.number,
        header_raw=line.raw,
        headings=header.headings,
        columns=header.columns,
        heading_units=header.units,
        extra=extra_headings(header, agreement),
        rejects_cells=header.rejects_cells,
    )


def _headless(head: _Head, *, agreement: Agreement) -> Layout:
    """The layout of a file without header: its columns come in the order declared."""
    form = head.form(agreement)
    found = (line for line in lines_of(head.text, head.encoding) if line.number > form.preamble)
    data = list(islice((line for line in found if not line.passed_over), _SAMPLE))
    told = agreement.separator or next((line.separator for line in data if line.separator), None)
    choices = SEPARATORS if told is None else (told,)
    headers = [declared_header(agreement.feed, separator=choice) for choice in choices]
    header = max(headers, key=lambda each: sum(each.fits(line.text) for line in data))
    return replace(
        _of_declared(header),
        encoding=head.encoding.name,
        preamble=max((line.separator_line for line in data), default=0),
    )


def _of_declared(header: Header) -> Layout:
    return Layout(
        encoding="",
        bom=0,
        separator=header.separator,
        header_line=0,
        header_raw=b"",
        headings=header.headings,
        columns=header.columns,
    )


def _said_where(
    problem: CannotRead, head: _Head, *, agreements: Sequence[Agreement], feed: str | None
) -> CannotRead:
    """The refusal, with the line of the header if it stands where nobody declared it, or else with the strange header
    that is there.
    """
    if problem.code not in (Code.FILE_NO_HEADER, Code.FILE_UNKNOWN_FEED) or problem.value is not None:
        return problem
    possible = [each for each in agreements if feed in (None, each.feed.name) and each.feed.form.headed]
    for line in islice(lines_of(head.text, head.encoding), _LOOKED_THROUGH):
        if line.passed_over or len(line.text) > _LONGEST_HINT:
            continue
        for agreement in possible:
            header = read_header(line.text, agreement=agreement, separator=line.separator)
            if has_all(agreement, header) and len(header.headings) > 1:
                return CannotRead(Code.FILE_NO_HEADER, line=line.number, value=line.text, feed=problem.feed)
    if problem.feed is None and possible:
        problem.strange = _strange(head, agreement=possible[0])
    return problem


def _strange(head: _Head, *, agreement: Agreement) -> Layout | None:
    """The layout by the first line of a file that is of no feed we know; None if that seems to be no header."""
    line = first_line(head.text, head.encoding)
    if line is None:
        return None
    header = read_header(line.text, agreement=agreement, separator=line.separator)
    if looks_like_data(header.headings):
        return None
    layout = _laid_out(line, header, agreement=agreement, encoding=head.encoding)
    return replace(layout, columns=(None,) * len(header.headings), extra=())
