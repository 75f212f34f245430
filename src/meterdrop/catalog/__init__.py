"""Which partner sends which feed, and how? Reads `schemas/` once at start and refuses typos, all at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path

from meterdrop.catalog.agreements import agreed, check_rules, tolerant
from meterdrop.catalog.dated import Dated
from meterdrop.catalog.feed_file import read_feed
from meterdrop.catalog.partner_file import DatedHabits, Habits, PartnerFile, problems_of_partner
from meterdrop.catalog.strictly import Problems, files_of, read
from meterdrop.model.errors import OperatorMistake, StopAtStart
from meterdrop.model.feed import Agreement, Feed, Target

__all__ = ["Catalog", "Profile", "problems_in", "read_catalog", "read_feeds", "read_what_is_well"]


@dataclass(frozen=True)
class Profile:
    """One partner's file. `agreements` by feed holds those it names, or all if it names none."""

    partner: str
    name: str
    kind: str
    group: int
    language: str
    note: str
    agreements: Mapping[str, Dated[Agreement]]


@dataclass(frozen=True)
class Catalog:
    """Every feed by name and every profile by partner. `feeds` are the first versions, `dated` all of them."""

    feeds: Mapping[str, Feed]
    profiles: Mapping[str, Profile]
    dated: Mapping[str, Dated[Feed]]

    def agreements(self, partner: str, *, on: date, language: str = "cs") -> tuple[Agreement, ...]:
        """The feeds to expect from this partner in a delivery that arrives on that day (in Prague).

        `language` is that of a partner without a profile. The register is among them always, so that one who may
        not register is told so and not "unknown feed".
        """
        return tuple(
            self.agreement(partner, feed, on=on, language=language) for feed in self.expected(partner)
        )

    def agreement(self, partner: str, feed: str, *, on: date, language: str = "cs") -> Agreement:
        """This feed as this partner sends it on that day; the tolerant default if the profile does not name it.

        Raises OperatorMistake if there is no such feed.
        """
        agreement = self._versions(partner, feed).on(on)
        known = partner in self.profiles
        return agreement if known else replace(agreement, partner=partner, language=language)

    def versions(self, partner: str) -> tuple[Agreement, ...]:
        """All versions of what is agreed with this partner, by feed and in time's order.

        Those of one without a profile name no partner and no language.
        """
        return tuple(
            version for feed in self.expected(partner) for version in self._versions(partner, feed).versions
        )

    def expected(self, partner: str) -> tuple[str, ...]:
        """The names of the feeds to expect from this partner."""
        profile = self.profiles.get(partner)
        if profile is None:
            return tuple(self.feeds)
        register = (name for name, feed in self.feeds.items() if feed.target is Target.DEVICES)
        return tuple(dict.fromkeys((*profile.agreements, *register)))

    def _versions(self, partner: str, feed: str) -> Dated[Agreement]:
        if feed not in self.feeds:
            known = ", ".join(sorted(self.feeds))
            raise OperatorMistake(f"There is no feed {feed!r}. The feeds are: {known}.")
        profile = self.profiles.get(partner)
        if profile is None:
            return self._strangers[feed]
        return profile.agreements.get(feed) or agreed(
            self.dated[feed],
            Dated(Habits()),
            partner=partner,
            kind=profile.kind,
            language=profile.language,
        )

    @cached_property
    def _strangers(self) -> Mapping[str, Dated[Agreement]]:
        """What is agreed with those we know nothing of: the same for all of them."""
        return {name: tolerant(feed) for name, feed in self.dated.items()}


def read_catalog(folders: Sequence[Path]) -> Catalog:
    """The schemas of these folders (the shipped one first). Raises StopAtStart with every problem of every file."""
    catalog, problems = read_what_is_well(folders)
    if problems:
        raise StopAtStart(problems)
    return catalog


def problems_in(folders: Sequence[Path]) -> tuple[str, ...]:
    """What `meterdrop check` tells of these folders; empty if all is well."""
    return read_what_is_well(folders)[1]


def read_what_is_well(folders: Sequence[Path]) -> tuple[Catalog, tuple[str, ...]]:
    """The feeds and profiles that have no problem, and every problem of the others: to be looked at, not to judge by."""
    problems = Problems()
    dated, broken = _feeds(folders, problems=problems)
    profiles: dict[str, Profile] = {}
    for partner, file in files_of(folders, kind="partners", problems=problems).items():
        profile = _profile(file, feeds=dated, broken=broken, problems=problems)
        if profile is not None:
            profiles[partner] = profile
    feeds = {name: feed.first for name, feed in dated.items()}
    return Catalog(feeds=feeds, profiles=profiles, dated=dated), tuple(problems.told)


def read_feeds(folders: Sequence[Path]) -> Mapping[str, Feed]:
    """The feeds alone, whatever the profiles are like: one may be just being written.

    Raises StopAtStart with every problem of every feed.
    """
    problems = Problems()
    dated, _ = _feeds(folders, problems=problems)
    if problems.told:
        raise StopAtStart(problems.told)
    return {name: feed.first for name, feed in dated.items()}


def _feeds(folders: Sequence[Path], *, problems: Problems) -> tuple[dict[str, Dated[Feed]], set[str]]:
    """The feeds that are well, and the names of the others."""
    files = files_of(folders, kind="feeds", problems=problems)
    read_in = {name: read_feed(file, problems=problems) for name, file in files.items()}
    if not files:
        where = ", ".join(str(folder / "feeds") for folder in folders)
        problems.told.append(f"There is no feed in {where}. Put at least one <feed>.yaml there.")
    dated = {name: feed for name, feed in read_in.items() if feed is not None}
    return dated, read_in.keys() - dated.keys()


def _profile(
    file: Path, *, feeds: Mapping[str, Dated[Feed]], broken: set[str], problems: Problems
) -> Profile | None:
    written = read(file, shape=PartnerFile, problems=problems)
    if written is None:
        return None
    before = len(problems.told)
    first = {name: feed.first for name, feed in feeds.items()}  # columns don't change by days
    for key, problem in problems_of_partner(written, name=file.stem, feeds=first):
        if key.removeprefix("feeds.") not in broken:  # the feed's own file has told already
            problems.tell(file=file, key=key, problem=problem)
    named = dict.fromkeys(feeds) if written.feeds is None else written.feeds
    habits = {name: (each or DatedHabits()).versions() for name, each in named.items() if name in feeds}
    for name, each in habits.items():
        check_rules(feeds[name], each, file=file, problems=problems)
    if len(problems.told) > before:
        return None
    return Profile(
        partner=written.partner,
        name=written.name,
        kind=written.kind,
        group=written.group,
        language=written.language,
        note=written.note,
        agreements={
            name: agreed(
                feeds[name], each, partner=written.partner, kind=written.kind, language=written.language
            )
            for name, each in habits.items()
        },
    )
