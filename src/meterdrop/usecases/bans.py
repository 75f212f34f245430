"""Who may not connect just now, and who shall again? The door decides and keeps the list; an operator looks and asks."""

import ipaddress
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from meterdrop.model.errors import OperatorMistake
from meterdrop.receive import bans
from meterdrop.receive.bans import Ban

_WAITS: Final = 3.0
"""The door looks every second."""
_LOOKS: Final = 0.05
LONGEST: Final = timedelta(days=3650)


class Bans:
    """The list, and requests to the door. `pause` sleeps, `new_id` gives a new ULID."""

    def __init__(
        self,
        home: Path,
        *,
        now: Callable[[], datetime],
        pause: Callable[[float], None],
        new_id: Callable[[], str],
    ) -> None:
        self._home = home
        self._now = now
        self._pause = pause
        self._new_id = new_id

    def listed(self) -> list[Ban]:
        """The bans that hold now, the first to end first."""
        now = self._now()
        return sorted((ban for ban in bans.read(self._home) if now < ban.until), key=lambda ban: ban.until)

    def lift(self, address: str | None, *, who: str, reason: str) -> bool:
        """Asks the door to lift one ban, or all (`None`), and to forget what was counted; whether it has done so by now."""
        banned = None if address is None else banned_as(address)
        return self._ask(act="lift", address=banned, who=who, reason=reason, length=timedelta(0))

    def add(self, address: str, *, who: str, reason: str, length: timedelta) -> bool:
        """Asks the door to ban an address from now on; whether it has done so by now."""
        if not timedelta(0) < length <= LONGEST:
            raise OperatorMistake(f"a ban lasts up to {LONGEST.days} days, and more than no time")
        return self._ask(act="add", address=banned_as(address), who=who, reason=reason, length=length)

    def find(self, address: str) -> Ban | None:
        """The ban of an address, if it has one now."""
        banned = banned_as(address)
        return next((ban for ban in self.listed() if ban.address == banned), None)

    def _ask(self, *, act: str, address: str | None, who: str, reason: str, length: timedelta) -> bool:
        file = bans.request(
            self._home,
            id=self._new_id(),
            act=act,
            address=address,
            who=who,
            reason=reason,
            seconds=length.total_seconds(),
        )
        end = self._now() + timedelta(seconds=_WAITS)
        while file.exists() and self._now() < end:
            self._pause(_LOOKS)
        return not file.exists()


def banned_as(text: str) -> str:
    """What the door counts and bans: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        place = ipaddress.ip_address(text.removesuffix("/64"))
    except ValueError as error:
        raise OperatorMistake(f"{text!r} is no address: write 192.0.2.7 or 2001:db8::7") from error
    if isinstance(place, ipaddress.IPv6Address) and place.ipv4_mapped is not None:
        place = place.ipv4_mapped
    if isinstance(place, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((place, 64), strict=False))
    if text.endswith("/64"):
        raise OperatorMistake(f"{text!r} is no address: bans are of single IPv4 addresses, or of an IPv6 /64")
    return str(place)
