"""Addresses that a request of ours may never reach: what is not public is refused where the connection is made.

Names are checked by `shared/resolver.py`, after they were looked up, so that none can change its mind in between.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that IANA has given out for public use in IPv6; what looks public beside it leads inwards or nowhere."""
_NEVER = (IPv4Network("192.88.99.0/24"), IPv6Network("3fff::/20"))
"""Within public ranges: anycast of 6to4 relays (RFC 7526), documentation (RFC 9637)."""


class AddressRefusedError(OSError):
    """The host's address is not a public one, and the operator has not named it."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet; IPv4 inside IPv6 counts as what it carries."""
    parsed: IPv4Address | IPv6Address = ip_address(address.split("%", 1)[0])
    if isinstance(parsed, IPv6Address):
        carried = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if carried is not None:
            parsed = carried
        elif parsed in _NAT64:
            parsed = IPv4Address(int(parsed) & 0xFFFFFFFF)
        elif parsed not in _GLOBAL_UNICAST:
            return False
    return parsed.is_global and not parsed.is_multicast and not any(parsed in network for network in _NEVER)


def refuse_literal(host: str) -> None:
    """Raise AddressRefusedError for a host written as an address that is not public; names are the resolver's."""
    try:
        public = is_public(host.strip("[]"))
    except ValueError:
        return
    if not public:
        raise AddressRefusedError(f"{host} is not a public address")
