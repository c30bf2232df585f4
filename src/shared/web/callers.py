"""Counting callers: whom an address stands for, and how they are told where they stand."""

from ipaddress import IPv4Address, ip_address, ip_network
from math import ceil
from typing import Final

NETWORK_PREFIX_BITS: Final = 64
"""Bits of an IPv6 address that one connection to the internet is given."""


def network_prefix(address: str) -> str:
    """The address itself; of IPv6 its network, which one caller has whole."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return address
    return str(parsed.ipv4_mapped or ip_network((int(parsed), NETWORK_PREFIX_BITS), strict=False))


def rate_limit_headers(limit: int, remaining: int, reset_after: float) -> dict[str, str]:
    """How a caller stands, in the headers' words; seconds are rounded up."""
    return {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(max(0, remaining)),
        "RateLimit-Reset": str(max(0, ceil(reset_after))),
    }
