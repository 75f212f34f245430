"""When does it end? Days and times of expiry, as account files and key lines write them."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sftp_server.refusals import Unusable

_HERE = "Europe/Prague"
_STAMP = re.compile(r"(\d{8})(\d{4}|\d{6})?(Z?)")


def end_of(told: object) -> datetime:
    """The first moment after it: a day lasts until midnight in Prague, a time must say its zone."""
    if isinstance(told, datetime):
        if told.tzinfo is None:
            raise Unusable("expires must be a day, or a time with its zone (2027-01-31T12:00:00+01:00)")
        return told
    if isinstance(told, date):
        return datetime.combine(told + timedelta(days=1), time(), tzinfo=ZoneInfo(_HERE))
    raise Unusable("expires must be a day like 2027-01-31, without quotes")


def moment_of(stamp: str) -> datetime:
    """`expiry-time` of a key line, as OpenSSH writes it: YYYYMMDD[HHMM[SS]][Z], the moment itself; Prague unless Z."""
    found = _STAMP.fullmatch(stamp)
    try:
        if found is None:
            raise ValueError("not a time")
        day, clock, zulu = found[1], (found[2] or "").ljust(6, "0"), found[3]
        moment = datetime.strptime(day + clock, "%Y%m%d%H%M%S")  # noqa: DTZ007 - the zone follows
    except ValueError:
        raise Unusable("expiry-time must be written YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS") from None
    return moment.replace(tzinfo=UTC if zulu else ZoneInfo(_HERE))
