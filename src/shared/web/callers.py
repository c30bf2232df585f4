"""Whom an address stands for when callers are counted."""

from ipaddress import IPv4Address, ip_address, ip_network
from typing import Final

HOUSEHOLD: Final = 64
"""Bits of an IPv6 address that one connection to the internet is given."""


def household(address: str) -> str:
    """The address itself; of IPv6 its network, which one caller has whole."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return address
    return str(parsed.ipv4_mapped or ip_network((int(parsed), HOUSEHOLD), strict=False))
