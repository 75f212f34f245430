"""How was a delivery's file written? As its row remembers it, without the file."""

from meterdrop.detect.headings import split_cells
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement
from meterdrop.model.layout import REJECTS_HEADINGS, Layout
from meterdrop.store import deliveries
from meterdrop.store.database import Store
from meterdrop.usecases.recognise import recognise_excerpt


def kept_layout(store: Store, key: int, *, agreement: Agreement | None) -> Layout | None:
    """The layout of a delivery's lines; None if its file was never read so far.

    Columns are known as far as the header is one by what is agreed now: without an agreement they are not.
    """
    encoding, bom, separator, header_line, header_raw = deliveries.layout_of(store, key=key)
    if encoding is None or separator is None or header_raw is None:
        return None
    if agreement is not None:
        try:
            return recognise_excerpt(
                header_raw,
                encoding=encoding,
                bom=bom,
                separator=separator,
                header_line=header_line,
                agreement=agreement,
            )
        except CannotRead:
            pass  # the profile is another one by now: the lines can be shown and given back all the same
    headings = split_cells(header_raw.decode(encoding, "replace"), separator=separator)
    own = headings[-len(REJECTS_HEADINGS) :] == REJECTS_HEADINGS
    return Layout(
        encoding=encoding,
        bom=bom,
        separator=separator,
        header_line=header_line,
        header_raw=header_raw,
        headings=headings,
        columns=(None,) * len(headings),
        rejects_cells=len(REJECTS_HEADINGS) if own else 0,
    )
