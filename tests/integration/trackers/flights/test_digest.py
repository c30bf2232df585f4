"""A person's section in a digest: which prices moved, and from what to what."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from trackers.flights.messages import ALERTED
from users.notifications.digest import DigestWindow, Label
from users.notifications.schemas import Mode

Traveller = Any
A_MOMENT = timedelta(seconds=1)
"""Ids hold milliseconds: a price of the same millisecond as the beginning of a window belongs to the window before."""


async def told(traveller: Traveller, since: Any, **more: Any) -> list[tuple[Label, str, str, str]]:
    """What is told of the time from then on."""
    until = traveller.clock.now() + timedelta(seconds=5)
    window = DigestWindow(user_id=traveller.person.id, since=since, until=until, **more)
    async with traveller.api.container.database().unit_of_work():
        sections = await traveller.api.container.flights.digest().sections([window])
    assert sections.keys() <= {traveller.person.id}
    return [
        (entry.label, entry.title, entry.detail, entry.note)
        for section in sections.get(traveller.person.id, ())
        for group in section.groups
        for entry in group.entries
    ]


async def test_what_moved_is_told_from_what_to_what_and_what_did_not_is_not(ada: Traveller, ben: Traveller) -> None:
    trip = await ada.plan(name="Spring")
    watch = await ada.watch(trip, 30_000, provider="manual")
    still = await ada.plan(destination="SEA")
    await ada.watch(still, 1, provider="manual")
    await ben.plan()
    start = ada.clock.now()
    ada.clock.ahead += A_MOMENT
    await ada.push(trip, 35_000)
    await ada.push(still, 50_000)
    day = ada.day()
    assert await told(ada, start) == [
        (Label.NEW, f"Spring (JFK-LAX, {day})", "350.00 USD", ""),
        (Label.NEW, f"JFK-SEA, {day}", "500.00 USD", ""),
    ]
    since = ada.clock.now()
    ada.clock.ahead += A_MOMENT
    await ada.push(trip, 31_000)
    await ada.push(trip, 28_840)
    await ada.push(still, 51_000)
    await ada.push(still, 50_000)
    assert await told(ada, since) == [
        (Label.MOVED, f"Spring (JFK-LAX, {day})", "288.40 USD (-61.60 USD)", "at or below your target")
    ]
    assert await told(ben, start) == []
    assert await told(ada, since, modes={(UUID(watch), ALERTED): Mode.OFF}) == []
    await ada.told("PATCH", f"/api/watches/{watch}", {"is_active": False})
    assert await told(ada, since) == []
