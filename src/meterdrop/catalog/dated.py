"""What is valid on which day? Versions, each from its day until the next one's; the first has no beginning."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Dated(Generic[Thing]):
    """Something that changes by days. `later` ascends by day, no two of one day (`problems_of_days`)."""

    first: Thing
    later: tuple[tuple[date, Thing], ...] = ()

    def on(self, day: date) -> Thing:
        """What is valid on that day: the last version that began on it or before."""
        return next((thing for since, thing in reversed(self.later) if since <= day), self.first)

    @property
    def days(self) -> tuple[date, ...]:
        """The days on which something else becomes valid."""
        return tuple(since for since, _ in self.later)

    @property
    def versions(self) -> tuple[Thing, ...]:
        """All of them, in time's order."""
        return (self.first, *(thing for _, thing in self.later))


def problems_of_days(days: Sequence[date], *, after: date | None = None) -> Iterator[tuple[int, str]]:
    """Place and problem of every day that isn't later than the one before (`after` is the first version's)."""
    before = after
    for place, day in enumerate(days):
        if before is not None and day <= before:
            yield place, f"{day} must be later than {before}: changes stand in the order of their days"
        before = day if before is None else max(before, day)


def merged(
    old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Words by column: each new word is added to the old ones of its column, or takes its place."""
    return {name: {**old.get(name, {}), **new.get(name, {})} for name in dict.fromkeys((*old, *new))}


def rules_over(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, object]:
    """Rules with others laid over them, rule by rule; one with names (media, dimensions) name by name.

    So a partner's limit for one medium leaves those of the others in force.
    """
    told = {**old, **new}
    for rule in old.keys() & new.keys():
        was, now = old[rule], new[rule]
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            told[rule] = {**was, **now}
    return told


def in_force(rules: Mapping[str, object]) -> dict[str, object]:
    """Rules without the names that were taken back with null."""
    return {
        rule: {name: each for name, each in said.items() if each is not None}
        if isinstance(said, Mapping)
        else said
        for rule, said in rules.items()
    }
