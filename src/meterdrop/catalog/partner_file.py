"""What may stand in `schemas/partners/<partner>.yaml`, and which of it makes no sense."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import Field

from meterdrop.catalog.feed_file import HoldAbove
from meterdrop.catalog.strictly import Strict
from meterdrop.catalog.vocabulary import problems_of_words, vocabulary
from meterdrop.model.feed import DateMeans, Feed, ValueKind
from meterdrop.model.spelling import heading_key

_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

DateForm = Literal["iso", "dmy", "dmy_slash", "ymd_compact", "iso_time", "dmy_time"]
Separator = Literal[";", ",", "|", "tab", "\t"]
Encoding = Literal["utf-8", "windows-1250", "iso-8859-2", "utf-16"]


def _tolerated() -> list[DateForm]:
    return ["iso", "dmy"]


class Limits(Strict):
    """The largest file this partner may send."""

    bytes: Annotated[int, Field(ge=1)] = 512 * 1024 * 1024
    lines: Annotated[int, Field(ge=1)] = 20_000_000


class Habits(Strict):
    """How one partner sends one feed. What is left out comes from the feed."""

    file_names: list[str] = Field(default_factory=list)
    folders: list[str] = Field(default_factory=list)
    aliases: dict[str, list[str]] = Field(default_factory=dict)
    words: dict[str, dict[str, str]] = Field(default_factory=dict)
    encoding: Encoding | None = None
    separator: Separator | None = None
    date_forms: Annotated[list[DateForm], Field(min_length=1)] = Field(default_factory=_tolerated)
    date_means: Annotated[DateMeans, Field(strict=False)] = DateMeans.END_OF_DAY
    value_kind: Annotated[ValueKind, Field(strict=False)] = ValueKind.STATE
    radio_is_name: bool = False
    ignored: list[str] = Field(default_factory=list)
    hold_above: HoldAbove | None = None
    limits: Limits = Limits()
    rules: dict[str, object] = Field(default_factory=dict)
    valid_from: date | None = None


class PartnerFile(Strict):
    """The whole file."""

    partner: str
    name: Annotated[str, Field(min_length=1)]
    kind: Literal["metering", "manager"] = "metering"
    group: Literal[1, 2] = 1
    language: Literal["cs", "en"] = "cs"
    note: str = ""
    feeds: dict[str, Habits | None] | None = None


def problems_of_partner(
    written: PartnerFile, *, name: str, feeds: Mapping[str, Feed]
) -> Iterator[tuple[str, str]]:
    """Key and problem of everything in the file that fits no feed or contradicts itself."""
    if not _ID.fullmatch(written.partner):
        yield "partner", f"{written.partner!r} must be small letters, digits, - and _"
    if written.partner != name:
        yield "partner", f"{written.partner!r} must be the file's name, {name!r}"
    claimed: dict[tuple[str, str], str] = {}
    for feed, habits in (written.feeds or {}).items():
        if feed not in feeds:
            yield f"feeds.{feed}", f"there is no such feed; the feeds are {', '.join(sorted(feeds))}"
            continue
        mine = habits or Habits()
        if mine.value_kind is ValueKind.DELTA:
            yield (
                f"feeds.{feed}.value_kind",
                "delta is not taken yet: readings must be states of the register",
            )
        for key, problem in (*_of_headings(mine, feed=feeds[feed]), *_of_words(mine, feed=feeds[feed])):
            yield f"feeds.{feed}.{key}", problem
        for key, text in (
            *(("file_names", n) for n in mine.file_names),
            *(("folders", f) for f in mine.folders),
        ):
            other = claimed.setdefault((key, text.lower()), feed)
            if other != feed:
                yield f"feeds.{feed}.{key}", f"{text!r} tells {other} too"
            if not text or text != text.strip("/ "):
                yield f"feeds.{feed}.{key}", f"{text!r} must not be empty, nor begin or end with / or a space"


def _of_headings(habits: Habits, *, feed: Feed) -> Iterator[tuple[str, str]]:
    names = {heading_key(column.name): column.name for column in feed.columns}
    means: dict[str, str] = {}
    for heading in habits.ignored:
        key = heading_key(heading)
        if key in names or not key:
            yield (
                "ignored",
                f"{heading!r} is our column {names.get(key, '')!r}; only other headings can be ignored",
            )
        means[key] = "ignored"
    for column, headings in habits.aliases.items():
        if column not in names.values():
            yield f"aliases.{column}", f"{feed.name} has no such column"
        for heading in headings:
            key = heading_key(heading)
            other = means.setdefault(key, names.get(key, column))
            if other != column or not key:
                yield f"aliases.{column}", f"{heading!r} is {other!r} already"


def _of_words(habits: Habits, *, feed: Feed) -> Iterator[tuple[str, str]]:
    columns = {column.name: column for column in feed.columns}
    for name, words in habits.words.items():
        column = columns.get(name)
        if column is None:
            yield f"words.{name}", f"{feed.name} has no such column"
            continue
        for word, ours in words.items():
            allowed = vocabulary(column.type, choices=sorted({*column.words.values()}))
            for key, problem in problems_of_words({word: ours}, kind=column.type, allowed=allowed):
                yield f"words.{name}.{key.removeprefix('words.')}", problem
