"""Who sends us data?"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Partner:
    """A company (or the manager) that delivers. Group 1 sends readings only; group 2 the register as well."""

    id: str
    name: str
    group: int = 1
    active: bool = True
    version: int = 0
    """Raised by every change of this partner's register or current readings."""
    register_version: int = 0
    """Raised by every change of this partner's register."""
