"""Which feed is this file? By its name, then by its folder, then by its header; never by a guess between two."""

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

from meterdrop.detect.headings import Header
from meterdrop.model.codes import Code
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement

INCOMING: Final = "incoming"
"""The partner's folder for uploads."""

_NUMBER_OR_DATE: Final = re.compile(
    r"""[+-]? \d[\d\s\u00a0\u2009\u202f]* (?:[.,]\d+)* | \d{4}-\d{1,2}-\d{1,2} (?:[T\s].*)? | \d{1,2}\.\s?\d{1,2}\.\s?\d{2,4}""",
    re.VERBOSE,
)

HeaderOf = Callable[[Agreement], Header | None]
"""The header as an agreement reads it; None if its files have none, or none is there."""


def choose_agreement(agreements: Sequence[Agreement], *, path: str, headings: HeaderOf) -> Agreement:
    """The one agreement this file was sent under. `path` is the partner's own, `headings` reads the header line.

    The first step at which any feed fits decides: pattern of the file's name, folder under /incoming, all mandatory
    headings there (no feed whose files have no header can be told so). If none fits, the file is taken as the only feed of which at least half the mandatory headings
    are there, so that the missing ones can be named.
    CannotRead: `file.unknown-feed` (also if two fit), `file.no-header`.
    """
    for fits in (_fits_name, _fits_folder):
        fitting = [agreement for agreement in agreements if fits(agreement, path)]
        if fitting:
            return _only(fitting)
    read = [(agreement, headings(agreement)) for agreement in agreements]
    headers = [(agreement, header) for agreement, header in read if header is not None]
    if not headers and any(agreement.feed.form.headed for agreement in agreements):
        raise CannotRead(Code.FILE_NO_HEADER)
    whole = [agreement for agreement, header in headers if has_all(agreement, header)]
    if whole:
        return _only(whole)
    return _nearest(headers)


def forced_agreement(agreements: Sequence[Agreement], *, feed: str) -> Agreement:
    """The agreement about the feed of that name; CannotRead `file.unknown-feed` if this partner has none."""
    named = [agreement for agreement in agreements if agreement.feed.name == feed]
    if not named:
        raise CannotRead(Code.FILE_UNKNOWN_FEED, value=feed)
    return _only(named)


def looks_like_data(headings: Sequence[str]) -> bool:
    """Is there a number or a date where a heading should be?"""
    return any(_NUMBER_OR_DATE.fullmatch(heading) for heading in headings)


def _fits_name(agreement: Agreement, path: str) -> bool:
    name = PurePosixPath(path).name.casefold()
    return any(fnmatchcase(name, pattern.casefold()) for pattern in agreement.file_names)


def _fits_folder(agreement: Agreement, path: str) -> bool:
    parts = [part.casefold() for part in PurePosixPath(path.lstrip("/")).parts[:-1]]
    under = parts[1:] if parts[:1] == [INCOMING] else parts
    return any(
        wanted == under[: len(wanted)]
        for folder in agreement.folders
        if (wanted := [part.casefold() for part in PurePosixPath(folder.strip("/")).parts])
    )


def has_all(agreement: Agreement, header: Header) -> bool:
    """Are all mandatory headings there?"""
    return _share(agreement, header) == 1


def _share(agreement: Agreement, header: Header) -> float:
    """Which part of the mandatory headings is there? A feed without any is known by all its headings."""
    wanted = agreement.feed.mandatory or tuple(column.name for column in agreement.feed.columns)
    return len(header.recognised.intersection(wanted)) / len(wanted)


def _nearest(headers: Sequence[tuple[Agreement, Header]]) -> Agreement:
    shares = [_share(agreement, header) for agreement, header in headers]
    best = max(shares, default=0.0)
    if best >= 0.5 and shares.count(best) == 1:
        return headers[shares.index(best)][0]
    if headers and best == 0 and looks_like_data(max((h.headings for _, h in headers), key=len)):
        raise CannotRead(Code.FILE_NO_HEADER)
    raise CannotRead(Code.FILE_UNKNOWN_FEED)


def _only(fitting: Sequence[Agreement]) -> Agreement:
    if len(fitting) > 1:
        names = ", ".join(sorted(agreement.feed.name for agreement in fitting))
        raise CannotRead(Code.FILE_UNKNOWN_FEED, value=names)
    return fitting[0]
