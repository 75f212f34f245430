"""Meters as they really were, and how a partner tells of them: snapshots, readings, estimates, and lines that say nothing.

The true story of each meter comes first: where it stood, what it showed, when it was exchanged, moved or began anew.
Then it is told, over and over, in files and snapshots of which each is true, and not one tells all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from hypothesis import strategies as st

FIRST: Final = date(2025, 11, 1)
"""Day 0 of all stories; they go over the yearly reset day of heat-cost allocators."""
LAST: Final = 110
INSTALLED: Final = -300
RESETS: Final = 60
"""31 December."""
SNAPSHOTS: Final = (-20, 40, 70, 100, 125)
"""The days on which a register may be taken down."""

REGISTER: Final = (
    "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction;"
    "DateTo;StartValue;EndValue;Digits"
)
READINGS: Final = "SerialNum;Value;Unit;Date;Kind;Estimated;Status"


@dataclass(frozen=True)
class Sort:
    """What a meter measures; `first` is what it shows in the beginning, `scale` how large its steps are."""

    media: str
    unit: str
    first: Decimal
    scale: Decimal = Decimal(1)
    digits: str = ""


WATER: Final = Sort("CW", "m3", Decimal(100))
ROLLING: Final = Sort("HW", "m3", Decimal(99_980), digits="5")
HEAT: Final = Sort("HT", "GJ", Decimal(7), scale=Decimal("0.1"))
ALLOCATOR: Final = Sort("HT", "", Decimal(500))

STEPS: Final = tuple(map(Decimal, ("2", "5", "1", "0", "3.5", "-0.004")))
"""How much a register rises from reading to reading; it may fall a little by its own play, once."""
ESTIMATES: Final = ((), (("ESTIMATE", ""),), (("", "1"),), (("ESTIMATE", "1"), ("SELF", "1")))
"""What may be estimated of a day that was read: kinds and flags."""


@dataclass(frozen=True)
class Service:
    """A meter at a place; days are counted from FIRST. `told_end`: snapshots taken afterwards still name it."""

    serial: str
    place: str
    sort: Sort
    start: int
    end: int | None
    start_value: str = ""
    end_value: str = ""
    told_end: bool = False

    def row(self, *, taken: int, correction: str) -> str:
        """What a snapshot of this day says of it."""
        over = self.end is not None and self.end <= taken
        cells = [
            _day(taken), self.place, self.sort.unit, "hall", self.sort.media, self.serial, "-", "1",
            _day(self.start), correction,
            _day(self.end) if over and self.end is not None else "",
            self.start_value, self.end_value if over else "", self.sort.digits,
        ]  # fmt: skip
        return ";".join(cells)

    def named(self, *, taken: int) -> bool:
        """Whether a snapshot of this day has it."""
        return self.start <= taken and (self.end is None or taken < self.end or self.told_end)


@dataclass(frozen=True)
class Said:
    """What is said of a meter on a day: `best` is what holds, the others are worse and no others of their rank hold."""

    serial: str
    day: int
    best: str
    others: tuple[str, ...] = ()

    @property
    def date(self) -> date:
        """The day itself."""
        return FIRST + timedelta(days=self.day)


@dataclass
class Story:
    """All there is to tell of one place and its meters."""

    services: list[Service] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    """Lines that nobody can read, of days of which nothing else is told."""


def _day(number: int) -> str:
    return (FIRST + timedelta(days=number)).isoformat()


@dataclass(frozen=True)
class _Meter:
    """Writes the lines of one meter."""

    serial: str
    sort: Sort

    def line(
        self, value: Decimal, *, day: int, kind: str = "", estimated: str = "", litres: bool = False
    ) -> str:
        shown, unit = (value * 1000, "l") if litres else (value, self.sort.unit)
        return f"{self.serial};{shown:f};{unit};{_day(day)};{kind};{estimated};"

    def bad(self, *, day: int, how: int) -> str:
        return [
            f"{self.serial};x;{self.sort.unit};{_day(day)};;;",
            f"{self.serial};5;{self.sort.unit};2025-02-30;;;",
            f"{self.serial};5;bushel;{_day(day)};;;",
            f"{self.serial};5;{self.sort.unit}",
            f";5;{self.sort.unit};{_day(day)};;;",
        ][how]


@st.composite
def stories(draw: st.DrawFn, *, number: int) -> Story:
    """One place: a meter that stays, is exchanged there, moves away, or is exchanged under its own number."""
    sort = draw(st.sampled_from([WATER, ALLOCATOR, ROLLING, HEAT]))
    meter = _Meter(draw(st.sampled_from(["{}", "000{}"])).format(number), sort)
    ends = [_stays, _exchanged, _moved, _exchanged_under_its_number]
    story = Story()
    draw(st.sampled_from(ends if sort is WATER else ends[:-1]))(
        draw, story, meter, place=f"A{number}", day=draw(st.integers(35, 80))
    )
    for day in range(draw(st.integers(0, 2))):
        story.bad.append(meter.bad(day=-1 - day, how=draw(st.integers(0, 4))))
    return story


def _stays(draw: st.DrawFn, story: Story, meter: _Meter, *, place: str, day: int) -> None:
    story.services = [Service(meter.serial, place, meter.sort, INSTALLED, None)]
    _told(draw, story, meter, value=meter.sort.first, start=0, end=LAST)


def _moved(draw: st.DrawFn, story: Story, meter: _Meter, *, place: str, day: int) -> None:
    old = Service(meter.serial, place, meter.sort, INSTALLED, day, told_end=draw(st.booleans()))
    story.services = [old, Service(meter.serial, f"next to {place}", meter.sort, day, None)]
    _told(draw, story, meter, value=meter.sort.first, start=0, end=LAST)


def _exchanged(draw: st.DrawFn, story: Story, meter: _Meter, *, place: str, day: int) -> None:
    """For one with another number; on the day itself both are read. The register may say what they showed."""
    second = _Meter(f"9{meter.serial}", meter.sort)
    shown = _told(draw, story, meter, value=meter.sort.first, start=0, end=day)
    _told(draw, story, second, value=Decimal(2), start=day, end=LAST)
    end_value = draw(st.sampled_from(["", f"{shown + 1:f}"])) if meter.sort is WATER else ""
    start_value = draw(st.sampled_from(["", "1"]))
    story.services = [
        Service(
            meter.serial,
            place,
            meter.sort,
            INSTALLED,
            day,
            told_end=draw(st.booleans()),
            end_value=end_value,
        ),
        Service(second.serial, place, meter.sort, day, None, start_value=start_value),
    ]


def _exchanged_under_its_number(
    draw: st.DrawFn, story: Story, meter: _Meter, *, place: str, day: int
) -> None:
    """The register knows of no exchange; the readings of its days do."""
    story.services = [Service(meter.serial, place, meter.sort, INSTALLED, None)]
    shown = _told(draw, story, meter, value=meter.sort.first, start=0, end=day - 1)
    for value, at, kind in ((shown + 1, day, "EXCHANGE_OUT"), (Decimal(0), day + 1, "EXCHANGE_IN")):
        others = _estimates(draw, meter, value=value, day=at)
        if draw(st.booleans()):
            others.append(meter.line(value + 1, day=at, kind="RADIO"))
        story.said.append(Said(meter.serial, at, meter.line(value, day=at, kind=kind), tuple(others)))
    _told(draw, story, meter, value=Decimal(1), start=day + 3, end=LAST)


def _told(draw: st.DrawFn, story: Story, meter: _Meter, *, value: Decimal, start: int, end: int) -> Decimal:
    """Readings of a register that rises, and begins anew where it has a reason; what it shows in the end."""
    sort, fallen, reset = meter.sort, False, False
    reset_on = draw(st.integers(RESETS - 25, RESETS + 25))
    day = start + draw(st.integers(0, 4))
    while day <= end:
        step = draw(st.sampled_from(STEPS))
        if step < 0 and (fallen or sort is not WATER):
            step = Decimal(4)
        fallen |= step < 0
        value += step * (1 if step < 0 else sort.scale)
        if sort is ROLLING and value >= 100_000:
            value -= 100_000
        if sort is ALLOCATOR and day >= reset_on and not reset:
            value, reset = step, True
        story.said.append(_said(draw, meter, value=value, day=day))
        day += 20 - draw(st.integers(0, 19))
    return value


def _said(draw: st.DrawFn, meter: _Meter, *, value: Decimal, day: int) -> Said:
    litres = meter.sort.media in ("CW", "HW") and draw(st.booleans())
    if draw(st.sampled_from([False] * 5 + [True])):  # nothing but an estimate
        return Said(meter.serial, day, meter.line(value, day=day, kind="ESTIMATE", litres=litres))
    best = meter.line(
        value, day=day, kind=draw(st.sampled_from(["RADIO", "VISUAL", "BILLING"])), litres=litres
    )
    return Said(meter.serial, day, best, tuple(_estimates(draw, meter, value=value, day=day)))


def _estimates(draw: st.DrawFn, meter: _Meter, *, value: Decimal, day: int) -> list[str]:
    """Up to two, right or wrong by more than a day's use."""
    told = []
    for kind, flag in draw(st.sampled_from(ESTIMATES)):
        off = draw(st.sampled_from([20, -20, 0])) * meter.sort.scale
        told.append(meter.line(max(Decimal(0), value + off), day=day, kind=kind, estimated=flag))
    return told


@dataclass(frozen=True)
class Delivery:
    """A file: its header and its lines."""

    header: str
    lines: tuple[str, ...]

    @property
    def content(self) -> bytes:
        return "\n".join([self.header, *self.lines, ""]).encode()


@dataclass(frozen=True)
class Told:
    """The deliveries of a partner, and what holds of each meter and day if the register knows it then."""

    deliveries: tuple[Delivery, ...]
    said: tuple[Said, ...]


@st.composite
def tellings(draw: st.DrawFn) -> Told:
    """Some places' stories, told in one to three snapshots and two or three files."""
    places = [draw(stories(number=1 + number)) for number in range(draw(st.integers(3, 6)))]
    snapshots = [
        Delivery(REGISTER, tuple(_snapshot(draw, places, taken=taken)))
        for taken in draw(st.lists(st.sampled_from(SNAPSHOTS), min_size=1, max_size=3, unique=True))
    ]
    files: list[list[str]] = [[] for _ in range(draw(st.integers(2, 3)))]
    for place in places:
        for said in place.said:
            _spread(draw, said, files=files)
        for line in place.bad:
            for file in draw(_some(range(len(files)))):
                files[file].append(line)
    told = [Delivery(READINGS, tuple(draw(st.permutations(lines)))) for lines in files]
    return Told(
        deliveries=tuple(each for each in (*told, *snapshots) if each.lines),
        said=tuple(said for place in places for said in place.said),
    )


def _snapshot(draw: st.DrawFn, places: Sequence[Story], *, taken: int) -> list[str]:
    """The register of that day; now and then it lacks a place with all of its meters."""
    correction = draw(st.sampled_from(["1", "0.5"]))
    return [
        service.row(taken=taken, correction=correction)
        for place in places
        if draw(st.sampled_from([True] * 7 + [False]))
        for service in place.services
        if service.named(taken=taken)
    ]


def _spread(draw: st.DrawFn, said: Said, *, files: Sequence[list[str]]) -> None:
    """Each line in one or more files, the best one always; in no file two values of one meter and day."""
    taken: dict[int, str] = {}
    for line in (said.best, *said.others):
        value = line.split(";")[1:3]
        free = [file for file in range(len(files)) if taken.get(file, str(value)) == str(value)]
        for file in draw(_some(free)) if free else ():
            taken[file] = str(value)
            files[file].append(line)


def _some(of: Sequence[int]) -> st.SearchStrategy[list[int]]:
    """One or more of these; now and then one of them twice."""
    return st.lists(st.sampled_from(list(of)), min_size=1, max_size=2)
