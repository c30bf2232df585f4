"""Addresses that no request of ours may reach."""

import pytest

from shared.addresses import AddressRefusedError, is_public, refuse_literal
from shared.resolver import PublicResolver


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 -- an address to refuse
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "ff02::1",
        "::7f00:1",
        "64:ff9b:1::7f00:1",
        "fec0::1",
        "::ffff:0:127.0.0.1",
        "::ffff:0:9.9.9.9",
        "192.88.99.1",
        "2002:c058:6301::",
        "100::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
    ],
)
def test_private_addresses_are_refused_in_every_dress(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["9.9.9.9", "2620:fe::fe", "::ffff:9.9.9.9", "64:ff9b::909:909"])
def test_public_addresses_pass(address: str) -> None:
    assert is_public(address)


def test_an_address_in_the_url_itself_is_refused() -> None:
    with pytest.raises(AddressRefusedError):
        refuse_literal("[::1]")
    refuse_literal("example.org")


async def test_a_name_that_points_to_a_private_address_is_refused() -> None:
    resolver = PublicResolver()
    with pytest.raises(AddressRefusedError):
        await resolver.resolve("localhost", 80)
    await resolver.close()
