"""Which partner sends which feed, and how? Reads `schemas/` once at start and refuses typos, all at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from meterdrop.catalog.agreements import check_rules, laid_over, tolerant
from meterdrop.catalog.feed_file import read_feed
from meterdrop.catalog.partner_file import Habits, PartnerFile, problems_of_partner
from meterdrop.catalog.strictly import Problems, files_of, read
from meterdrop.model.errors import OperatorMistake, StopAtStart
from meterdrop.model.feed import Agreement, Feed, Target

__all__ = ["Catalog", "Profile", "problems_in", "read_catalog"]


@dataclass(frozen=True)
class Profile:
    """One partner's file. `agreements` by feed holds those it names, or all if it names none."""

    partner: str
    name: str
    kind: str
    group: int
    language: str
    note: str
    agreements: Mapping[str, Agreement]


@dataclass(frozen=True)
class Catalog:
    """Every feed by name and every profile by partner."""

    feeds: Mapping[str, Feed]
    profiles: Mapping[str, Profile]

    def agreements(self, partner: str, *, language: str = "cs") -> tuple[Agreement, ...]:
        """The feeds to expect from this partner; `language` is that of one without a profile.

        The register is among them always, so that one who may not register is told so and not "unknown feed".
        """
        profile = self.profiles.get(partner)
        if profile is None:
            return tuple(self.agreement(partner, feed, language=language) for feed in self.feeds)
        register = (name for name, feed in self.feeds.items() if feed.target is Target.DEVICES)
        return tuple(
            self.agreement(partner, feed) for feed in dict.fromkeys((*profile.agreements, *register))
        )

    def agreement(self, partner: str, feed: str, *, language: str = "cs") -> Agreement:
        """This feed as this partner sends it; the tolerant default if the profile does not name it.

        Raises OperatorMistake if there is no such feed.
        """
        if feed not in self.feeds:
            known = ", ".join(sorted(self.feeds))
            raise OperatorMistake(f"There is no feed {feed!r}. The feeds are: {known}.")
        profile = self.profiles.get(partner)
        if profile is None:
            return tolerant(self.feeds[feed], partner=partner, language=language)
        agreed = profile.agreements.get(feed)
        if agreed is not None:
            return agreed
        return laid_over(
            self.feeds[feed], Habits(), partner=partner, kind=profile.kind, language=profile.language
        )


def read_catalog(folders: Sequence[Path]) -> Catalog:
    """The schemas of these folders (the shipped one first). Raises StopAtStart with every problem of every file."""
    catalog, problems = _read(folders)
    if problems:
        raise StopAtStart(problems)
    return catalog


def problems_in(folders: Sequence[Path]) -> tuple[str, ...]:
    """What `meterdrop check` tells of these folders; empty if all is well."""
    return tuple(_read(folders)[1])


def _read(folders: Sequence[Path]) -> tuple[Catalog, list[str]]:
    problems = Problems()
    files = files_of(folders, kind="feeds", problems=problems)
    read_feeds = {name: read_feed(file, problems=problems) for name, file in files.items()}
    feeds = {name: feed for name, feed in read_feeds.items() if feed is not None}
    if not files:
        where = ", ".join(str(folder / "feeds") for folder in folders)
        problems.told.append(f"There is no feed in {where}. Put at least one <feed>.yaml there.")
    profiles: dict[str, Profile] = {}
    for partner, file in files_of(folders, kind="partners", problems=problems).items():
        profile = _profile(file, feeds=feeds, broken=read_feeds.keys() - feeds.keys(), problems=problems)
        if profile is not None:
            profiles[partner] = profile
    return Catalog(feeds=feeds, profiles=profiles), problems.told


def _profile(
    file: Path, *, feeds: Mapping[str, Feed], broken: set[str], problems: Problems
) -> Profile | None:
    written = read(file, shape=PartnerFile, problems=problems)
    if written is None:
        return None
    before = len(problems.told)
    for key, problem in problems_of_partner(written, name=file.stem, feeds=feeds):
        if key.removeprefix("feeds.") not in broken:  # the feed's own file has told already
            problems.tell(file=file, key=key, problem=problem)
    named = dict.fromkeys(feeds) if written.feeds is None else written.feeds
    habits = {name: each or Habits() for name, each in named.items() if name in feeds}
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
            name: laid_over(
                feeds[name], each, partner=written.partner, kind=written.kind, language=written.language
            )
            for name, each in habits.items()
        },
    )
