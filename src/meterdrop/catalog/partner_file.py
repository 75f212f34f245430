"""What may stand in `schemas/partners/<partner>.yaml`, and which of it makes no sense."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import Field

from meterdrop.catalog.dated import Dated, merged, problems_of_days, rules_over
from meterdrop.catalog.feed_file import HoldAbove
from meterdrop.catalog.forms import (
    FormWords,
    form_of,
    problem_of_heading,
    problems_of_form,
    problems_of_order,
)
from meterdrop.catalog.strictly import Strict
from meterdrop.catalog.vocabulary import problems_of_words, vocabulary
from meterdrop.model.feed import DateMeans, Feed, Target, ValueKind
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


class Habits(FormWords):
    """How one partner sends one feed. What is left out comes from the feed."""

    file_names: list[str] = Field(default_factory=list)
    folders: list[str] = Field(default_factory=list)
    aliases: dict[str, list[str]] = Field(default_factory=dict)
    words: dict[str, dict[str, str]] = Field(default_factory=dict)
    encoding: Encoding | None = None
    separator: Separator | None = None
    columns_in_order: Annotated[list[str], Field(min_length=1, max_length=1000)] | None = None
    date_forms: Annotated[list[DateForm], Field(min_length=1)] = Field(default_factory=_tolerated)
    date_means: Annotated[DateMeans, Field(strict=False)] = DateMeans.END_OF_DAY
    value_kind: Annotated[ValueKind, Field(strict=False)] = ValueKind.STATE
    radio_is_name: bool = False
    ignored: list[str] = Field(default_factory=list)
    hold_above: HoldAbove | None = None
    limits: Limits = Limits()
    rules: dict[str, object] = Field(default_factory=dict)
    valid_from: date | None = None


class HabitsChange(Habits):
    """What is different from a day on; habits it doesn't name stay as they were (`changed`)."""

    valid_from: date


class DatedHabits(Habits):
    """The habits as they were agreed first, and what changed since."""

    changes: list[HabitsChange] = Field(default_factory=list)

    def versions(self) -> Dated[Habits]:
        """The habits with their versions. The days must have been checked (`problems_of_partner`)."""
        later: list[tuple[date, Habits]] = []
        now: Habits = self
        for change in self.changes:
            now = changed(now, change)
            later.append((change.valid_from, now))
        return Dated(self, tuple(later))


def changed(habits: Habits, change: HabitsChange) -> Habits:
    """The change laid over: aliases column by column, words word by word, rules as of `rules_over`, the rest whole."""
    told = {name: getattr(change, name) for name in change.model_fields_set}
    if "aliases" in told:
        told["aliases"] = {**habits.aliases, **change.aliases}
    if "words" in told:
        told["words"] = merged(habits.words, change.words)
    if "rules" in told:
        told["rules"] = rules_over(habits.rules, change.rules)
    return habits.model_copy(update=told)


class PartnerFile(Strict):
    """The whole file."""

    partner: str
    name: Annotated[str, Field(min_length=1)]
    kind: Literal["metering", "manager"] = "metering"
    group: Literal[1, 2] = 1
    language: Literal["cs", "en"] = "cs"
    note: str = ""
    feeds: dict[str, DatedHabits | None] | None = None


def problems_of_partner(
    written: PartnerFile, *, name: str, feeds: Mapping[str, Feed]
) -> Iterator[tuple[str, str]]:
    """Key and problem of everything in the file that fits no feed or contradicts itself."""
    if not _ID.fullmatch(written.partner):
        yield "partner", f"{written.partner!r} must be small letters, digits, - and _"
    if written.partner != name:
        yield "partner", f"{written.partner!r} must be the file's name, {name!r}"
    known: dict[str, DatedHabits] = {}
    for feed, habits in (written.feeds or {}).items():
        if feed not in feeds:
            yield f"feeds.{feed}", f"there is no such feed; the feeds are {', '.join(sorted(feeds))}"
            continue
        known[feed] = habits or DatedHabits()
        for key, problem in _of_versions(known[feed], feed=feeds[feed]):
            yield f"feeds.{feed}.{key}", problem
    yield from _of_claims(known)


def _of_versions(dated: DatedHabits, *, feed: Feed) -> Iterator[tuple[str, str]]:
    """Problems of each version; what a version only inherits is not told again."""
    days = [change.valid_from for change in dated.changes]
    for place, problem in problems_of_days(days, after=dated.valid_from):
        yield f"changes.{place}.valid_from", problem
    for place, change in enumerate(dated.changes):
        if change.model_fields_set <= {"valid_from"}:
            yield f"changes.{place}", "changes nothing: say which habit is different from that day on"
    told: set[tuple[str, str]] = set()
    for place, habits in enumerate(dated.versions().versions):
        for key, problem in _of_habits(habits, feed=feed):
            if (key, problem) not in told:
                told.add((key, problem))
                yield _in_version(place, key), problem


def _in_version(place: int, key: str) -> str:
    return key if place == 0 else f"changes.{place - 1}.{key}"


def _of_habits(habits: Habits, *, feed: Feed) -> Iterator[tuple[str, str]]:
    if habits.value_kind is ValueKind.DELTA and feed.target is not Target.READINGS:
        yield "value_kind", f"only readings have values that are consumption; {feed.name} has none"
    yield from _of_headings(habits, feed=feed)
    yield from _of_words(habits, feed=feed)
    yield from _of_form(habits, feed=feed)
    for key, text in _told_by(habits):
        if not text or text != text.strip("/ "):
            yield key, f"{text!r} must not be empty, nor begin or end with / or a space"


def _of_form(habits: Habits, *, feed: Feed) -> Iterator[tuple[str, str]]:
    yield from problems_of_form(habits, over=feed.form)
    if habits.columns_in_order is not None:
        form = form_of(habits, over=feed.form)
        for problem in problems_of_order(habits.columns_in_order, form=form, feed=feed):
            yield "columns_in_order", problem


def _told_by(habits: Habits) -> Iterator[tuple[str, str]]:
    """By what a file is told to be of a feed: key and text."""
    yield from (("file_names", name) for name in habits.file_names)
    yield from (("folders", folder) for folder in habits.folders)


def _of_claims(known: Mapping[str, DatedHabits]) -> Iterator[tuple[str, str]]:
    """Names and folders that tell two feeds on one day."""
    versions = {feed: dated.versions() for feed, dated in known.items()}
    days = sorted({day for each in versions.values() for day in each.days})
    told: set[tuple[str, str, str]] = set()
    for day in (date.min, *days):
        claimed: dict[tuple[str, str], str] = {}
        for feed, each in versions.items():
            place = sum(since <= day for since in each.days)
            for key, text in _told_by(each.on(day)):
                other = claimed.setdefault((key, text.lower()), feed)
                if other != feed and (feed, key, text) not in told:
                    told.add((feed, key, text))
                    yield f"feeds.{feed}.{_in_version(place, key)}", f"{text!r} tells {other} too"


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
            impossible = problem_of_heading(heading)
            if impossible is not None:
                yield f"aliases.{column}", impossible
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
