"""Where does somebody come from? Addresses, and the networks that hold them."""

import ipaddress
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_address(text: str) -> Address | None:
    """An IP address, with IPv4 inside IPv6 unwrapped; None if it is none."""
    try:
        place = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return None
    if isinstance(place, ipaddress.IPv6Address) and place.ipv4_mapped is not None:
        return place.ipv4_mapped
    return place


def plain_address(text: str) -> str:
    """As it is written down: an IPv4 client of a socket for both kinds comes as `::ffff:192.0.2.1`."""
    place = parse_address(text)
    return text if place is None else str(place)


def holds(networks: Sequence[Network], address: str) -> bool:
    """Whether one of the networks holds the address; what is no address is in none."""
    place = parse_address(address)
    return place is not None and any(place in network for network in networks)


def source_of(address: str) -> str:
    """What is counted and banned: an IPv4 address, or an IPv6 /64 (one customer has all of it)."""
    place = parse_address(address.removesuffix("/64"))
    if isinstance(place, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((place, 64), strict=False))
    return str(place) if place is not None else address
