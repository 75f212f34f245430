"""Daily readings are thinned once the month is old enough: the last one of each meter stays, and all that are no daily ones."""

from typing import Final

from meterdrop.model.retention import Kept
from meterdrop.store import stretches, thinning
from meterdrop.usecases.retention.by_stretch import Way

THINNED: Final = Way(
    what=Kept.DAILY_READINGS,
    point="retention:thinned",
    count=thinning.count,
    take=thinning.thin,
    done_before=stretches.thinned_before,
    note_done=stretches.note_thinned,
)
