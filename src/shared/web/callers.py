"""Helpers for rate limits: the network prefix of an address, and the RateLimit headers."""

from ipaddress import IPv4Address, ip_address, ip_network
from math import ceil
from typing import Final

NETWORK_PREFIX_BITS: Final = 64
"""Prefix length of the IPv6 network that one internet connection usually gets."""


def network_prefix(address: str) -> str:
    """The IPv4 address itself, or the /64 network of an IPv6 address, because one caller has all of that network."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return address
    return str(parsed.ipv4_mapped or ip_network((int(parsed), NETWORK_PREFIX_BITS), strict=False))


def rate_limit_headers(limit: int, remaining: int, reset_after: float) -> dict[str, str]:
    """The RateLimit headers of a response; `reset_after` is in seconds and rounded up."""
    return {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(max(0, remaining)),
        "RateLimit-Reset": str(max(0, ceil(reset_after))),
    }
