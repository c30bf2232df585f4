"""Public and refused IP addresses: our requests may reach only public ones, unless the operator allows another.

`shared/resolver.py` checks host names after resolving them, so that a name cannot resolve differently in between.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All IPv6 addresses that IANA has assigned for public use; others lead to private networks or nowhere."""
_NEVER = (IPv4Network("192.88.99.0/24"), IPv6Network("3fff::/20"))
"""Exceptions in public ranges: anycast of 6to4 relays (RFC 7526), documentation (RFC 9637)."""


class AddressRefusedError(OSError):
    """The address of the host is not public, and the operator has not allowed it."""


def is_public(address: str) -> bool:
    """True if an IP address is on the public internet; for IPv4 inside IPv6, the IPv4 address counts."""
    parsed: IPv4Address | IPv6Address = ip_address(address.split("%", 1)[0])
    if isinstance(parsed, IPv6Address):
        embedded = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if embedded is not None:
            parsed = embedded
        elif parsed in _NAT64:
            parsed = IPv4Address(int(parsed) & 0xFFFFFFFF)
        elif parsed not in _GLOBAL_UNICAST:
            return False
    return parsed.is_global and not parsed.is_multicast and not any(parsed in network for network in _NEVER)


def refuse_literal(host: str) -> None:
    """Raise AddressRefusedError if a host is an IP address that is not public. Names are checked by the resolver."""
    try:
        public = is_public(host.strip("[]"))
    except ValueError:
        return
    if not public:
        raise AddressRefusedError(f"{host} is not a public address")
