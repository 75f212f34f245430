"""Are the bytes there that we rely on? What is brought again, or wanted again, while its retention ends."""

from datetime import datetime

from meterdrop.model.delivery import PRAGUE, Delivery
from meterdrop.model.errors import OperatorMistake, TryAgain
from meterdrop.receive.originals import Originals
from meterdrop.store import originals as kept
from meterdrop.store.database import Store


def note_kept(store: Store, originals: Originals, *, sha256: str, bytes: int, now: datetime) -> None:
    """Writes down that bytes which were put into `originals` are kept.

    `TryAgain` if they were known before, and their retention ended between the two: they must be put there again.
    """
    if kept.note(store, sha256=sha256, bytes=bytes, now=now) and not _is_there(originals, sha256):
        raise TryAgain(
            f"the retention of {sha256} ended while the same bytes came again: bring them once more"
        )


def _is_there(originals: Originals, sha256: str) -> bool:
    try:
        with originals.open(sha256) as stream:
            stream.read(1)
    except FileNotFoundError:
        return False
    return True


def refuse_without_original(delivery: Delivery, *, forgotten_at: datetime | None) -> None:
    """`OperatorMistake` with the next step, if the delivery's original is no longer kept."""
    if forgotten_at is not None:
        raise OperatorMistake(
            f"the original of delivery {delivery.number} is no longer kept: its retention "
            f"(retention_originals_days) ended on {forgotten_at.astimezone(PRAGUE).date()}. "
            f"Ask {delivery.partner} to send {delivery.file} again"
        )
