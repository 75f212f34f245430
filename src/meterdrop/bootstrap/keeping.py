"""What is kept for a set time only, by the settings?"""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from meterdrop.bootstrap.building import House
from meterdrop.bootstrap.home import now
from meterdrop.bootstrap.watching import receipts_folder
from meterdrop.model.delivery import PRAGUE
from meterdrop.store import old_months
from meterdrop.usecases.retention.audit import EndAudit
from meterdrop.usecases.retention.by_stretch import ByStretch
from meterdrop.usecases.retention.daily_readings import THINNED
from meterdrop.usecases.retention.originals import EndOriginals
from meterdrop.usecases.retention.part import Part
from meterdrop.usecases.retention.receipts import EndReceipts
from meterdrop.usecases.retention.run import Retention
from meterdrop.usecases.retention.whole_months import DROPPED, DetachMonths


def retention_of(house: House) -> Retention:
    """Takes away what is past its time; with no setting, nothing."""
    return Retention(
        parts=tuple(parts_of(house)),
        locks=house.locks,
        clock=lambda: _moment(house),
        half_done=lambda: _half_done(house),
    )


def _half_done(house: House) -> bool:
    if house.settings.retention_readings_months is None or house.database.is_file():
        return False
    with house.database.reading() as store:
        return old_months.any_half_out(store)


def _moment(house: House) -> datetime:
    """The time it is, on the day that it is in this house."""
    return datetime.combine(house.today(), now().astimezone(PRAGUE).time(), PRAGUE)


def parts_of(house: House) -> Iterator[Part]:
    """What the settings limit, in the order in which it goes."""
    if (days := house.settings.retention_originals_days) is not None:
        yield EndOriginals(database=house.database, originals=house.originals, days=days, at=house.at)
    if (days := house.settings.retention_receipts_days) is not None:
        yield EndReceipts(
            database=house.database,
            folder_of=partial(receipts_folder, house.settings),
            locks=house.locks,
            days=days,
            at=house.at,
        )
    whole = house.settings.retention_readings_months
    if whole is not None:
        if house.database.is_file():
            yield ByStretch(DROPPED, database=house.database, months=whole, at=house.at)
        else:
            yield DetachMonths(database=house.database, months=whole, at=house.at)
    if (months := house.settings.retention_daily_readings_months) is not None:
        yield ByStretch(THINNED, database=house.database, months=months, whole_months=whole, at=house.at)
    if (days := house.settings.retention_audit_days) is not None:
        yield EndAudit(database=house.database, days=days, at=house.at)
