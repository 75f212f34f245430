"""Which rules judge a delivery? Those of its agreement's target, with the facts of now."""

from datetime import date
from typing import TYPE_CHECKING

from meterdrop.catalog import Catalog
from meterdrop.model.feed import Agreement, Target
from meterdrop.model.partner import Partner
from meterdrop.store.database import Database

if TYPE_CHECKING:
    from meterdrop.usecases.judging.memory import Memory
    from meterdrop.usecases.judging.rules import Rules


def rules_of(
    agreement: Agreement,
    *,
    database: Database,
    today: date,
    memory: "Memory",
    newcomer: Partner | None = None,
) -> "Rules":
    """`newcomer` is the sender if it is only tried: nobody has added it yet. What was learnt of a partner stays in `memory`."""
    from meterdrop.usecases.judging.devices import DeviceRules
    from meterdrop.usecases.judging.readings import ReadingRules
    from meterdrop.usecases.judging.records import RecordRules

    match agreement.feed.target:
        case Target.READINGS:
            return ReadingRules(agreement, database=database, today=today, memory=memory)
        case Target.DEVICES:
            return DeviceRules(agreement, database=database, today=today, newcomer=newcomer)
        case Target.RECORDS:
            return RecordRules(agreement)


def newcomer(agreement: Agreement, *, catalog: Catalog) -> Partner | None:
    """The sender as its profile says who it is: it may not have been added yet."""
    profile = catalog.profiles.get(agreement.partner)
    if profile is None:
        return None
    return Partner(id=profile.partner, name=profile.name, group=profile.group, active=True)
