"""Can a file be read under this header? Every heading that is missing, there twice, or unknown is told."""

from collections.abc import Iterator

from meterdrop.detect.feed import looks_like_data
from meterdrop.detect.headings import IGNORED_HEADING, Header
from meterdrop.model.codes import Code
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement
from meterdrop.model.layout import Layout
from meterdrop.model.spelling import heading_key


def refuse_unusable(header: Header, *, agreement: Agreement, layout: Layout) -> None:
    """CannotRead with all that is wrong with a header: `file.no-header`, `line.nul`, `file.missing-column` (all missing ones,
    comma-joined, in `column`), one `file.duplicate-column` for each of our columns that several headings mean.
    """
    if not header.recognised:
        strange = None if looks_like_data(header.headings) else layout
        raise CannotRead(
            Code.FILE_NO_HEADER, line=layout.header_line, feed=agreement.feed.name, strange=strange
        )
    reasons = [
        *_with_nul(layout),
        *_missing(header, agreement=agreement, layout=layout),
        *_twice(header, layout=layout),
    ]
    if reasons:
        first = reasons[0]
        raise CannotRead(
            first.code,
            line=first.line,
            column=first.column,
            value=first.value,
            feed=agreement.feed.name,
            layout=layout,
            also=reasons[1:],
        )


def _with_nul(layout: Layout) -> Iterator[CannotRead]:
    """No line may hold a NUL; without its header a file can't be read."""
    if any("\0" in heading for heading in layout.headings):
        yield CannotRead(Code.LINE_NUL, line=layout.header_line)


def _missing(header: Header, *, agreement: Agreement, layout: Layout) -> Iterator[CannotRead]:
    missing = header.missing(agreement)
    if missing:
        yield CannotRead(Code.FILE_MISSING_COLUMN, line=layout.header_line, column=", ".join(missing))


def _twice(header: Header, *, layout: Layout) -> Iterator[CannotRead]:
    """Each of our columns that several headings mean, in the order of the file."""
    headings: dict[str, list[str]] = {}
    for heading, column in zip(header.headings, header.columns, strict=True):
        if column is not None:
            headings.setdefault(column, []).append(heading)
    for column, same in headings.items():
        if len(same) > 1:
            yield CannotRead(
                Code.FILE_DUPLICATE_COLUMN, line=layout.header_line, column=column, value=", ".join(same)
            )


def extra_headings(header: Header, agreement: Agreement) -> tuple[str, ...]:
    """Headings we do not know and were not told to ignore, each once."""
    ignored = {heading_key(heading) for heading in agreement.ignored}
    if header.rejects_cells and not agreement.feed.form.headed:
        ignored.add(heading_key(IGNORED_HEADING))  # we wrote it ourselves
    own = len(header.headings) - header.rejects_cells
    unknown = [
        heading
        for heading, column in zip(header.headings[:own], header.columns[:own], strict=True)
        if column is None and heading and heading_key(heading) not in ignored
    ]
    return tuple(dict.fromkeys(unknown))
