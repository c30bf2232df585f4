"""Time zones by name."""

import pytest

from shared.zones import UnknownTimeZoneError, kept_zone, zone_named


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Etc/GMT-3"])
def test_a_zone_is_found_by_its_name(name: str) -> None:
    assert zone_named(name).key == kept_zone(name).key == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "localtime",
        "Factory",
        "right/Europe/Berlin",
        "posix/UTC",
        "europe/berlin",
        "../UTC",
        "/etc/passwd",
        "CEST",
        "a" * 300,
    ],
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(UnknownTimeZoneError, match="Europe/Berlin"):
        zone_named(name)
    assert kept_zone(name).key == "UTC"
