"""What happened on this day? The digest, partner by partner."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from meterdrop.model.delivery import PRAGUE, LineCounts
from meterdrop.model.partner import Partner
from meterdrop.model.reported import PartnerDay
from meterdrop.report.digest import Digest
from meterdrop.store import digests, partners
from meterdrop.store.database import Database, Store
from meterdrop.store.digests import Arrived


@dataclass(frozen=True)
class MakeDigest:
    """Adds up a day; changes nothing."""

    database: Database
    silent_after: timedelta
    clock: Callable[[], datetime]

    def __call__(self, day: date | None, *, partner: str | None, language: str) -> Digest:
        """The day in Prague (None: the one it is now), of one partner or of all that are active or have news."""
        now = self.clock()
        wanted = day or now.astimezone(PRAGUE).date()
        start, end = _midnight(wanted), _midnight(wanted + timedelta(days=1))
        with self.database.reading() as store:
            told = _days(store, start=start, end=end, partner=partner, silent=self._silent_at(min(now, end)))
        return Digest(day=wanted, made_at=now, language=language, partners=told)

    def _silent_at(self, moment: datetime) -> Callable[[datetime | None], bool]:
        """Whether a partner that sent something last then was silent for too long at that moment."""
        return lambda last: last is not None and moment - last > self.silent_after


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=PRAGUE)


def _days(
    store: Store,
    *,
    start: datetime,
    end: datetime,
    partner: str | None,
    silent: Callable[[datetime | None], bool],
) -> tuple[PartnerDay, ...]:
    came: dict[str, list[Arrived]] = defaultdict(list)
    for one in digests.arrived(store, start=start, end=end, partner=partner):
        came[one.partner].append(one)
    corrections = digests.corrections(store, start=start, end=end, partner=partner)
    acts = digests.acts(store, start=start, end=end, partner=partner)
    waiting = digests.open_lines(store, partner=partner)
    last = digests.last_received(store, before=end, partner=partner)
    return tuple(
        PartnerDay(
            partner=each.id,
            name=each.name,
            deliveries=tuple(one.summary for one in came[each.id]),
            by_state=dict(sorted(Counter(one.summary.state for one in came[each.id]).items())),
            lines=_added_up(one.lines for one in came[each.id]),
            findings_by_code=_counted(came[each.id]),
            corrections=corrections.get(each.id, 0),
            acts=dict(sorted(acts.get(each.id, {}).items())),
            open_lines=waiting.get(each.id, 0),
            oldest_open=digests.oldest_open(store, partner=each.id) if each.id in waiting else None,
            last_received=last.get(each.id),
            silent=each.active and silent(last.get(each.id)),
        )
        for each in _told_of(store, partner=partner, with_news={*came, *acts, *waiting})
    )


def _told_of(store: Store, *, partner: str | None, with_news: Collection[str]) -> list[Partner]:
    known = partners.all_partners(store)
    if partner is not None:
        return [one for one in known if one.id == partner]
    return [one for one in known if one.active or one.id in with_news]


def _added_up(counts: Iterable[LineCounts]) -> LineCounts:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one.as_dict())
    return LineCounts(**total)


def _counted(came: Iterable[Arrived]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in came:
        total.update(one.findings_by_code)
    return dict(sorted(total.items()))
