"""Which unit is it, and how much of the canonical one? Volume in m³, energy in MJ, allocators in dílek."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Unit:
    """A unit as partners write it: its dimension, its canonical unit and the exact factor to it."""

    dimension: str
    canonical: str
    factor: Decimal


_VOLUME = "volume"
_ENERGY = "energy"
_ALLOCATOR = "allocator"

CANONICAL: Mapping[str, str] = {_VOLUME: "m3", _ENERGY: "MJ", _ALLOCATOR: "dílek"}

# Keys are as sent, after trimming. Case matters where it tells units apart (MWh, mWh is none of ours).
UNITS: Mapping[str, Unit] = {
    **{text: Unit(_VOLUME, "m3", Decimal(1)) for text in ("m3", "m³", "M3", "M³")},
    **{text: Unit(_VOLUME, "m3", Decimal("0.001")) for text in ("l", "L", "dm3", "dm³")},
    "MJ": Unit(_ENERGY, "MJ", Decimal(1)),
    "GJ": Unit(_ENERGY, "MJ", Decimal(1000)),
    "Wh": Unit(_ENERGY, "MJ", Decimal("0.0036")),
    "kWh": Unit(_ENERGY, "MJ", Decimal("3.6")),
    "MWh": Unit(_ENERGY, "MJ", Decimal(3600)),
    **{
        text: Unit(_ALLOCATOR, "dílek", Decimal(1))
        for text in ("dílek", "dílky", "díly", "dílků", "dilek", "dilky", "dily", "HCA", "HCU", "j", "nj")
    },
}

NO_UNIT = Unit(_ALLOCATOR, "dílek", Decimal(1))
"""An empty unit cell: allowed for a heat-cost allocator only."""

MEDIA: Mapping[str, str] = {
    "CW": "cold water",
    "HW": "hot water",
    "HT": "heating",
    "CO": "cooling",
    "EL": "electricity",
    "GW": "grey water",
}
