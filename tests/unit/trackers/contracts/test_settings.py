"""The settings of contracts: the regions, and when the game restarts."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.settings import SettingsError, load
from trackers.contracts.settings import HUBS, ContractsSettings


def settings(**values: str) -> ContractsSettings:
    environ = {f"TRACKERS_CONTRACTS_{name.upper()}": value for name, value in values.items()}
    made: ContractsSettings = load([ContractsSettings], environ)[ContractsSettings]
    return made


def test_the_five_great_markets_are_looked_at() -> None:
    assert settings().region_ids.numbers == [int(region) for region in HUBS]
    assert len(HUBS) == 5
    assert settings(region_ids=" 10000016 ,10000020,10000016").region_ids.numbers == [10000016, 10000020]


@pytest.mark.parametrize("entered", ["The Forge", "-1", "0", "1.5", "99999999999", "10000002;10000043", "\uff11\uff12"])
def test_what_is_no_region_is_refused_with_what_to_type(entered: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(region_ids=entered)
    assert "10000002" in str(refused.value)


@pytest.mark.parametrize(
    ("downtime", "at", "minutes"),
    [
        ("10:55-11:20", "10:54", None),
        ("10:55-11:20", "10:55", 25),
        ("10:55-11:20", "11:19", 1),
        ("10:55-11:20", "11:20", None),
        ("23:50-00:10", "23:55", 15),
        ("23:50-00:10", "00:05", 5),
        ("23:50-00:10", "12:00", None),
        ("none", "11:00", None),
    ],
)
def test_the_daily_restart(downtime: str, at: str, minutes: int | None) -> None:
    hour, minute = (int(part) for part in at.split(":"))
    now = datetime(2026, 11, 22, hour, minute, tzinfo=UTC)
    assert settings(downtime=downtime).pause_at(now) == (None if minutes is None else timedelta(minutes=minutes))


@pytest.mark.parametrize("entered", ["11", "25:00-26:00", "10:55 - 11:20", "always"])
def test_an_odd_restart_is_refused(entered: str) -> None:
    with pytest.raises(SettingsError, match="or none"):
        settings(downtime=entered)
