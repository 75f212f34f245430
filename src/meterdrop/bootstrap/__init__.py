"""How is the house put together? The only place that builds things from settings."""

from meterdrop.bootstrap.building import House, house
from meterdrop.bootstrap.home import bans_of, host_keys, make_home, now
from meterdrop.bootstrap.keeping import retention_of
from meterdrop.bootstrap.originals import check_originals
from meterdrop.bootstrap.schemas import (
    feeds_of,
    problems_of,
    rule_sets_of,
    schema_folders,
    shipped,
    warnings_of,
)
from meterdrop.bootstrap.watching import problems_of_watched, told_in

__all__ = [
    "House",
    "bans_of",
    "check_originals",
    "feeds_of",
    "host_keys",
    "house",
    "make_home",
    "now",
    "problems_of",
    "problems_of_watched",
    "retention_of",
    "rule_sets_of",
    "schema_folders",
    "shipped",
    "told_in",
    "warnings_of",
]
