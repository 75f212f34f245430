"""What waits until the world is mended? Deliveries for room on the disk, receipts for a folder that can be written to."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class WaitingDelivery:
    """A delivery that the disk had no room for when it was last tried."""

    delivery: int
    upload: str
    partner: str
    path: str
    received_at: datetime
    needed: int | None
    """Bytes above those that stay free; None where the disk was full before we knew."""
    since: datetime
    tried_at: datetime
    behind: int
    """How many later deliveries of the same partner wait for this one: they are loaded in order."""


@dataclass(frozen=True)
class ReceiptTrouble:
    """Receipts of a partner that could not be written."""

    partner: str
    name: str | None
    """The only file that can't be written; None if it is the folder, and all receipts wait."""
    error: str
    """The system's name of the error, such as `ENOSPC`."""
    why: str
    since: datetime
    tries: int
    again_at: datetime
