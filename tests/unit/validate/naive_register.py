"""The rules of the register once more, device by device, as a person would go through them: for comparison."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tests.unit.validate.snapshots import Row

_OPEN = "9999-99-99"
_OPTIONAL = {"stated_to": "until", "replaces": "replaces", "manufacturer": "maker"}


@dataclass
class Service:
    """A service of the register: what was told of it, and by which line of this file (0: none)."""

    told: Row
    line: int = 0
    was: Row | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Where it is."""
        return self.told.owner, self.told.at.upper()

    @property
    def name(self) -> tuple[str, str]:
        """Whose it is, and which."""
        return self.told.owner, self.told.key

    @property
    def until(self) -> str:
        """The end that was stated."""
        return self.told.until or _OPEN


@dataclass(frozen=True)
class Outcome:
    """What a file comes to, by lines, and the register after it."""

    wrong: frozenset[tuple[int, str]]
    older: frozenset[int]
    duplicates: frozenset[int]
    register: tuple[Row, ...]
    missing: tuple[str, ...]


def settle(
    rows: Sequence[Row],
    *,
    known: Sequence[Row],
    columns: Iterable[str],
    also_named: Sequence[Row] = (),
) -> Outcome:
    """What `validate.changes.settle` and `turnover.missing` should say."""
    numbered = list(enumerate(rows, start=2))
    lines, repeated = _without_repeated(numbered)
    twins = {line for line, row in lines if any(_twin(row, other) for at, other in lines if at != line)}
    lines = [(line, row) for line, row in lines if line not in twins]
    matched, unclear = _matched(lines, known=known)
    kept = _in_columns(columns)
    older = {line for line, row in lines if line in matched and row.seen < known[matched[line]].seen}
    same = {line for line, row in lines if line in older and _same(row, known[matched[line]], kept)}
    taken = [(line, row) for line, row in lines if line not in older and line not in unclear]
    named = {(row.owner, row.key) for row in (*rows, *also_named)}
    latest = {owner: max(row.seen for row in rows if row.owner == owner) for owner, _ in named_of(rows)}
    wrong = {(line, "device.ambiguous-serial") for line in twins | unclear}
    for _ in range(5):
        services = _laid_over(taken, known=known, matched=matched, kept=kept)
        bad = set(_conflicts(services, named=named, latest=latest))
        wrong |= bad
        if not bad:
            break
        taken = [(line, row) for line, row in taken if line not in {line for line, _ in bad}]
    services = _laid_over(taken, known=known, matched=matched, kept=kept)
    register = tuple(
        sorted(
            (replace(one.told, ends=_end(one, services)) for one in services),
            key=lambda row: (row.owner, row.key, row.since, row.at),
        )
    )
    missing = _missing(services, known=known, named=named, latest=latest)
    return Outcome(
        wrong=frozenset(wrong),
        older=frozenset(older - same),
        duplicates=frozenset(repeated | older),
        register=register,
        missing=missing,
    )


def named_of(rows: Sequence[Row]) -> set[tuple[str, str]]:
    """Owners and numbers."""
    return {(row.owner, row.key) for row in rows}


def _without_repeated(lines: list[tuple[int, Row]]) -> tuple[list[tuple[int, Row]], set[int]]:
    seen: list[Row] = []
    repeated = set()
    for line, row in lines:
        if row in seen:
            repeated.add(line)
        seen.append(row)
    return [(line, row) for line, row in lines if line not in repeated], repeated


def _twin(one: Row, other: Row) -> bool:
    return (one.owner, one.key, one.since) == (other.owner, other.key, other.since)


def _in_columns(columns: Iterable[str]) -> set[str]:
    names = set(columns)
    return {ours for theirs, ours in _OPTIONAL.items() if theirs in names}


def _same(row: Row, known: Row, kept: set[str]) -> bool:
    compared = ["serial", "since", "at", *kept]
    return all(getattr(row, name) == getattr(known, name) for name in compared)


def _matched(lines: list[tuple[int, Row]], *, known: Sequence[Row]) -> tuple[dict[int, int], set[int]]:
    """Which known service each line tells of, and the lines of which that is unclear."""
    in_file = [Service(told=row, line=line) for line, row in lines]
    ends = {one.line: _end(one, in_file) or _OPEN for one in in_file}
    matched: dict[int, int] = {}
    unclear = set()
    for line, row in lines:
        for at, other in enumerate(known):
            if _twin(row, other):
                elsewhere = row.at.upper() != other.at.upper()
                if elsewhere and _spelled(row) != _spelled(other):
                    unclear.add(line)
                else:
                    matched[line] = at
    lasting = [
        (line, row)
        for line, row in lines
        if line not in matched and line not in unclear and ends[line] > row.since
    ]
    return _claimed(lasting, ends=ends, known=known, matched=matched, unclear=unclear)


def _claimed(
    lines: list[tuple[int, Row]],
    *,
    ends: dict[int, str],
    known: Sequence[Row],
    matched: dict[int, int],
    unclear: set[int],
) -> tuple[dict[int, int], set[int]]:
    """The same with the lines that tell of a service of their number at their place, by another first day."""
    free = [at for at in range(len(known)) if at not in matched.values()]
    claims: dict[int, list[int]] = {}
    for line, row in lines:
        met = [at for at in free if _at_its_place(row, ends[line], known[at])]
        if len(met) > 1:
            unclear.add(line)
        elif met:
            claims.setdefault(met[0], []).append(line)
    for at, claimants in claims.items():
        if len(claimants) == 1:
            matched[claimants[0]] = at
        else:
            unclear |= set(claimants)
    return matched, unclear


def _at_its_place(row: Row, end: str, known: Row) -> bool:
    known_end = known.ends or known.until or _OPEN
    if (row.owner, row.key, row.at.upper()) != (known.owner, known.key, known.at.upper()):
        return False
    return known_end > known.since and row.since < known_end and known.since < end


def _spelled(row: Row) -> str:
    return row.serial.upper().replace(" ", "")


def _laid_over(
    taken: list[tuple[int, Row]], *, known: Sequence[Row], matched: dict[int, int], kept: set[str]
) -> list[Service]:
    services = [Service(told=row, was=row) for row in known]
    for line, row in taken:
        if line in matched:
            was = known[matched[line]]
            untold = {name: getattr(was, name) for name in set(_OPTIONAL.values()) - kept}
            services[matched[line]] = Service(told=replace(row, **untold), line=line, was=was)
        else:
            services.append(Service(told=row, line=line))
    return services


def _end(service: Service, among: Sequence[Service]) -> str:
    """When it really ends; empty while it serves."""
    if service.told.until:
        return service.told.until
    following = [
        _replaced(service, among),
        _next(service, [one for one in among if one.place == service.place], among),
        _next(service, [one for one in among if one.name == service.name], among),
    ]
    first = min(following)
    return "" if first == _OPEN else first


def _replaced(service: Service, among: Sequence[Service]) -> str:
    """The first day of the first one that says it replaces this service."""
    days = []
    for one in among:
        names = (one.told.owner, _key(one.told.replaces))
        if not one.told.replaces or names == one.name or names != service.name or one.until <= one.told.since:
            continue
        candidates = [other for other in among if other.name == names and other.told.since <= one.told.since]
        if candidates and max(candidates, key=lambda other: other.told.since) is service:
            days.append(one.told.since)
    return min(days, default=_OPEN)


def _key(serial: str) -> str:
    return serial.upper().replace(" ", "").lstrip("0")


def _lasting(service: Service, among: Sequence[Service]) -> bool:
    if service.told.until:
        return service.told.until > service.told.since
    return _replaced(service, among) > service.told.since


def _next(service: Service, group: Sequence[Service], among: Sequence[Service]) -> str:
    return min(
        (
            one.told.since
            for one in group
            if one is not service and one.told.since > service.told.since and _lasting(one, among)
        ),
        default=_OPEN,
    )


@dataclass(frozen=True)
class _Knowledge:
    """What is known of each service, and since when."""

    services: Sequence[Service]
    named: set[tuple[str, str]]
    latest: dict[str, str]

    def today(self, one: Service) -> str:
        return max(one.told.seen, self.latest.get(one.told.owner, ""))

    def seen(self, one: Service) -> str:
        return self.today(one) if one.line else one.told.seen

    def was_named(self, one: Service) -> str:
        return self.today(one) if one.name in self.named else one.told.seen

    def at_place(self, one: Service) -> tuple[str, str]:
        """From when to when it stands at its place."""
        if one.told.until:
            return one.told.since, one.told.until
        end = _next(one, [other for other in self.services if other.place == one.place], self.services)
        coming = [
            other
            for other in self.services
            if other.place == one.place and other.told.since == end and _lasting(other, self.services)
        ]
        if not any(self.seen(one) <= self.was_named(other) for other in coming):
            end = _OPEN
        return one.told.since, self.first(one, end, _next(one, self.of_name(one), self.services))

    def by_name(self, one: Service) -> tuple[str, str]:
        """From when to when it serves under its number."""
        if one.told.until:
            return one.told.since, one.told.until
        end = _next(one, self.of_name(one), self.services)
        coming = [
            other for other in self.of_name(one) if other.told.since == end and _lasting(other, self.services)
        ]
        if not any(
            self.seen(one) < self.seen(other) and _spelled(one.told) == _spelled(other.told)
            for other in coming
        ):
            end = _OPEN
        place = [other for other in self.services if other.place == one.place]
        return one.told.since, self.first(one, end, _next(one, place, self.services))

    def of_name(self, one: Service) -> list[Service]:
        return [other for other in self.services if other.name == one.name]

    def first(self, one: Service, *ends: str) -> str:
        return min(*ends, _replaced(one, self.services))


def _conflicts(
    services: Sequence[Service], *, named: set[tuple[str, str]], latest: dict[str, str]
) -> Iterable[tuple[int, str]]:
    known = _Knowledge(services, named, latest)
    pairs = [(one, other) for one in services for other in services if one is not other and one.line]
    for one, other in pairs:
        if one.name == other.name and _meet(known.by_name(one), known.by_name(other)):
            yield one.line, "device.ambiguous-serial"
        if one.place == other.place and _meet(known.at_place(one), known.at_place(other)):
            yield one.line, "device.overlap"


def _meet(one: tuple[str, str], other: tuple[str, str]) -> bool:
    lasting = one[0] < one[1] and other[0] < other[1]
    return lasting and one[0] < other[1] and other[0] < one[1]


def _missing(
    services: Sequence[Service],
    *,
    known: Sequence[Row],
    named: set[tuple[str, str]],
    latest: dict[str, str],
) -> tuple[str, ...]:
    newest: dict[str, str] = {}
    for row in known:
        newest[row.owner] = max(newest.get(row.owner, ""), row.seen)
    left = []
    for one in services:
        day = latest.get(one.told.owner)
        if one.was is None or one.name in named or day is None or day < newest[one.told.owner]:
            continue
        end = _end(one, services) or _OPEN
        if one.was.seen < day and one.told.since <= day < end:
            left.append(one.told.serial)
    return tuple(sorted(left))
