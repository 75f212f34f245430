"""When does each device's service end, and which services cannot both be true? The register's timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.tables import TEXT
from meterdrop.validate.arrays import ALWAYS, NEVER, Mask, Numbers, arrow, days, numbered
from meterdrop.validate.periods import NOBODY, Next, met_by, next_of

_BETWEEN: Final = "\x00"

SERVICE_COLUMNS: Final = (
    "partner",
    "serial",
    "serial_key",
    "location",
    "media",
    "room",
    "seq",
    "installed_from",
    "stated_to",
    "replaces_key",
)
"""What the timeline asks of a device: its name, its place, its days as stated, and whom it says it replaces."""


@dataclass(frozen=True)
class Ends:
    """By service: the day it ends (NEVER: in service), and the service that ends it (NOBODY: its own word, or none)."""

    day: Numbers
    by: Numbers


@dataclass(frozen=True)
class Conflicts:
    """By service: another one with which it cannot stand; NOBODY where all is well."""

    serial: Numbers
    """Both bear one number, at the same time."""
    place: Numbers
    """Both stand at one place, at the same time."""


@dataclass(frozen=True)
class Services:
    """Periods of service of devices, as numbers.

    `seen` is the day of the snapshot that told of each last, `named` that of the one that named it last, be it on a
    line that was set aside.
    """

    place: Numbers
    serial: Numbers
    replaces: Numbers
    spelling: Numbers
    start: Numbers
    stated: Numbers
    seen: Numbers
    named: Numbers

    @classmethod
    def of(cls, frame: pd.DataFrame, *, seen: Numbers, named: Numbers) -> "Services":
        """Of a frame of SERVICE_COLUMNS."""
        partner = arrow(frame["partner"])
        serial, replaces = _same_codes(
            _joined(partner, arrow(frame["serial_key"])), _joined(partner, arrow(frame["replaces_key"]))
        )
        (spelling,) = _same_codes(spelled(arrow(frame["serial"])))
        return cls(
            place=places(frame),
            serial=serial,
            replaces=np.where(replaces == serial, NOBODY, replaces),
            spelling=spelling,
            start=days(frame["installed_from"], empty=ALWAYS),
            stated=days(frame["stated_to"], empty=NEVER),
            seen=seen,
            named=named,
        )

    @cached_property
    def ends(self) -> Ends:
        """A stated end holds. Otherwise a service ends with the next of its place, of its number, or that replaces it.

        The ends follow from the facts alone: in which order they became known makes no difference.
        """
        day, by = self.stated.copy(), np.full(len(self.start), NOBODY, dtype=np.int64)
        free = self.stated == NEVER
        for following in (self._replaced, self._next_at_place, self._next_of_serial):
            sooner = free & (following.day < day)
            day[sooner], by[sooner] = following.day[sooner], following.at[sooner]
        return Ends(day=day, by=by)

    @cached_property
    def conflicts(self) -> Conflicts:
        """Services of one number or one place whose days meet, in spite of what ends them.

        A service without an end, told by one snapshot, is not ended by another of which only older snapshots know:
        the newer one has said that it goes on. Two of one number that the same snapshot names without an end, or
        that are spelled differently, are not the same meter put up elsewhere.
        """
        at_place, of_serial = self._next_at_place, self._next_of_serial
        told_later = (of_serial.at != NOBODY) & (self.seen < self.seen[of_serial.at])
        moved = told_later & (self.spelling == self.spelling[of_serial.at])
        exchanged = (at_place.at != NOBODY) & (self.seen <= self.named[at_place.at])
        by_serial = self._end_if(self._replaced.day, at_place.day, np.where(moved, of_serial.day, NEVER))
        by_place = self._end_if(self._replaced.day, of_serial.day, np.where(exchanged, at_place.day, NEVER))
        return Conflicts(
            serial=met_by(group=self.serial, start=self.start, end=by_serial),
            place=met_by(group=self.place, start=self.start, end=by_place),
        )

    def _end_if(self, *following: Numbers) -> Numbers:
        return np.where(self.stated == NEVER, np.minimum.reduce(following), self.stated)

    @cached_property
    def _lasting(self) -> Mask:
        """A service of no day (told in error, and taken back) ends nothing."""
        lasts: Mask = (self.stated > self.start) & (
            (self.stated != NEVER) | (self._replaced.day > self.start)
        )
        return lasts

    @cached_property
    def _next_at_place(self) -> Next:
        return next_of(group=self.place, start=self.start, seen=self.named, counts=self._lasting)

    @cached_property
    def _next_of_serial(self) -> Next:
        return next_of(group=self.serial, start=self.start, seen=self.seen, counts=self._lasting)

    @cached_property
    def _replaced(self) -> Next:
        """The first that says it replaces a service; of several services of that number, the one begun last by then."""
        new, old = self.replaced_pairs
        sooner = np.lexsort((self.start[new], old))
        first = np.unique(old[sooner], return_index=True)[1]
        day = np.full(len(self.start), NEVER, dtype=np.int64)
        at = np.full(len(self.start), NOBODY, dtype=np.int64)
        at[old[sooner][first]] = new[sooner][first]
        day[at != NOBODY] = self.start[at[at != NOBODY]]
        return Next(day=day, at=at)

    @cached_property
    def replaced_pairs(self) -> tuple[Numbers, Numbers]:
        """Services that say whom they replace, and which service that is: as far as there was one by then."""
        claims = np.flatnonzero((self.replaces != NOBODY) & (self.stated > self.start))
        order = np.lexsort((self.start, self.serial))
        distinct, place = np.unique(self.start, return_inverse=True)
        key = self.serial[order] * len(distinct) + place[order]
        behind = np.searchsorted(key, self.replaces[claims] * len(distinct) + place[claims], side="right")
        found = order[np.maximum(behind - 1, 0)]
        there = (behind > 0) & (self.serial[found] == self.replaces[claims])
        return claims[there], found[there]


def places(frame: pd.DataFrame) -> Numbers:
    """One number for each place: partner, location without case, medium, room and order."""
    upper = pd.Series(pd.arrays.ArrowExtensionArray(pc.utf8_upper(arrow(frame["location"]))), dtype=TEXT)
    return numbered(frame.assign(location=upper), columns=("partner", "location", "media", "room", "seq"))


def spelled(serials: pa.Array) -> pa.Array:
    """A serial number as its maker writes it: case and spaces don't count, leading zeros do."""
    return pc.utf8_upper(pc.replace_substring_regex(serials, "[\\s\\p{Z}]+", ""))


def named_services(*, partner: pd.Series, serial_key: pd.Series) -> pa.Array:
    """One text for each device: its partner and its number."""
    return _joined(arrow(partner), arrow(serial_key))


def _joined(partner: pa.Array, key: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(partner, key, _BETWEEN)


def _same_codes(*columns: pa.Array) -> Sequence[Numbers]:
    """Each column's texts as numbers, the same number for the same text; NOBODY for none."""
    indices = pa.concat_arrays(columns).dictionary_encode().indices
    codes = pc.fill_null(indices.cast(pa.int64()), NOBODY).to_numpy()
    bounds = np.cumsum([len(column) for column in columns])[:-1]
    return np.split(codes, bounds)
