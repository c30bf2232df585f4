"""What somebody is told of a watch, and when: over real prices, real time put forward, real transactions."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from trackers.flights.jobs import price_retention

HOURS = timedelta(hours=1)
MEDIAN = """
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY price) AS m FROM flight_days
WHERE day >= CAST(:today AS date) - 30 AND day < CAST(:today AS date)
"""
Traveller = Any


async def test_a_price_that_falls_to_the_target_is_told_once(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan(name="Summer"), 30_000)
    await ada.look(price=35_000)
    assert await ada.alerts(watch) == []
    await ada.look(7 * HOURS, price=29_900)
    await ada.look(7 * HOURS)
    assert await ada.alerts(watch) == [("target", 29_900)]

    (alert,) = (await ada.told("GET", f"/api/watches/{watch}/alerts"))["items"]
    assert (alert["previous_price"], alert["lowest_price"], alert["target_price"]) == (35_000, 29_900, 30_000)
    (event,) = await ada.events("price_watch.alerted")
    assert (event["trip_name"], event["rules"], event["price"]) == ("Summer", ["target"], 29_900)
    assert event["url"].startswith("https://www.google.com/travel/flights/search?tfs=")
    assert (await ada.told("GET", f"/api/watches/{watch}"))["last_alerted_at"] == alert["created_at"]


async def test_a_price_that_is_below_at_the_first_look_is_told(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan(), 30_000)
    await ada.look(price=30_000)
    assert await ada.alerts(watch) == [("target", 30_000)]


async def test_a_watch_on_a_price_that_is_known_already_is_judged_without_a_look(
    ada: Traveller, ben: Traveller
) -> None:
    await ada.watch(await ada.plan())
    await ada.look(price=29_000)
    watch = await ben.watch(await ben.plan())
    await ben.evaluate()
    assert await ben.alerts(watch) == [("target", 29_000)]
    assert ada.searches() == 1


async def test_a_lower_price_during_the_cooldown_is_told_when_it_ends(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan(), 30_000, alert_cooldown_hours=20)
    await ada.look(price=29_000)
    await ada.look(7 * HOURS, price=25_000)
    assert await ada.alerts(watch) == [("target", 29_000)]
    await ada.evaluate(12 * HOURS)
    assert await ada.alerts(watch) == [("target", 29_000)]
    await ada.evaluate(2 * HOURS)
    assert await ada.alerts(watch) == [("target", 29_000), ("new_low", 25_000)]
    await ada.evaluate(24 * HOURS)
    assert len(await ada.alerts(watch)) == 2


async def test_a_crossing_during_the_cooldown_that_is_over_when_it_ends_is_not_told(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan(), 30_000, alert_cooldown_hours=20)
    await ada.look(price=29_000)
    await ada.look(7 * HOURS, price=33_000)
    await ada.look(7 * HOURS, price=28_000)
    await ada.look(7 * HOURS, price=33_000)
    await ada.evaluate(HOURS)
    assert await ada.alerts(watch) == [("target", 29_000)]
    await ada.look(7 * HOURS, price=29_500)
    assert await ada.alerts(watch) == [("target", 29_000), ("target", 29_500)]


async def test_a_price_that_swings_a_little_around_the_target_is_told_once(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan(), 30_000, alert_cooldown_hours=1)
    for price in (29_900, 30_200, 29_900, 30_200, 29_800):
        await ada.look(7 * HOURS, price=price)
    assert await ada.alerts(watch) == [("target", 29_900)]


async def test_a_reminder_comes_after_each_cooldown_where_it_is_wanted(ada: Traveller) -> None:
    trip = await ada.plan()
    silent, reminding = await ada.watch(trip), await ada.watch(trip, remind=True, alert_cooldown_hours=12)
    await ada.look(price=29_000)
    await ada.evaluate(13 * HOURS)
    await ada.evaluate()
    await ada.look(13 * HOURS)
    await ada.evaluate()
    assert await ada.alerts(silent) == [("target", 29_000)]
    assert await ada.alerts(reminding) == [("target", 29_000), ("reminder", 29_000), ("reminder", 29_000)]


async def test_nobody_is_reminded_of_a_price_that_was_not_seen_for_long(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan(), remind=True)
    await ada.look(price=29_000)
    await ada.evaluate(48 * HOURS)
    assert await ada.alerts(watch) == [("target", 29_000)]


async def test_a_failed_look_changes_nothing(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan(), 30_000)
    await ada.look(price=35_000)
    ada.site.show("failed")
    await ada.look(7 * HOURS, price=20_000)
    assert await ada.alerts(watch) == []
    ada.site.show("flights")
    await ada.look(7 * HOURS)
    assert await ada.alerts(watch) == [("target", 20_000)]


async def test_a_price_far_below_the_usual_waits_for_a_second_look(ada: Traveller) -> None:
    ada.site.configure(history=60)
    trip = await ada.plan()
    watch = await ada.watch(trip, 30_000)
    await ada.look(price=60_000)
    await ada.look(7 * HOURS, price=1_500)
    assert await ada.alerts(watch) == []
    assert (await ada.told("GET", f"/api/watches/{watch}"))["price"] == 60_000
    await ada.look(7 * HOURS)
    assert await ada.alerts(watch) == [("target", 1_500)]
    prices = (await ada.told("GET", f"/api/trips/{trip}/prices"))["items"][-2:]
    assert [(one["price"], one["suspect"]) for one in prices] == [(1_500, True), (1_500, False)]


async def test_only_a_price_that_agrees_confirms_a_doubted_one(ada: Traveller) -> None:
    ada.site.configure(history=60)
    watch = await ada.watch(await ada.plan(), 30_000, alert_cooldown_hours=1)
    await ada.look(price=60_000)
    for price in (1_500, 9_000, 1_500, 3_000):  # each a glitch, as the next look shows
        await ada.look(7 * HOURS, price=price)
        assert (await ada.told("GET", f"/api/watches/{watch}"))["price"] == 60_000, price
    assert await ada.alerts(watch) == []
    await ada.look(7 * HOURS, price=3_300)
    assert await ada.alerts(watch) == [("target", 3_300)]


async def test_a_usual_price_ends_a_doubt(ada: Traveller) -> None:
    ada.site.configure(history=60)
    watch = await ada.watch(await ada.plan(), 30_000)
    await ada.look(price=60_000)
    for price in (1_500, 59_000, 1_500):
        await ada.look(7 * HOURS, price=price)
    assert await ada.alerts(watch) == []
    assert (await ada.told("GET", f"/api/watches/{watch}"))["price"] == 59_000


async def test_a_low_price_that_was_confirmed_may_move_a_little_without_a_doubt(ada: Traveller) -> None:
    ada.site.configure(history=60)
    watch = await ada.watch(await ada.plan(), 30_000)
    await ada.look(price=60_000)
    for price in (1_500, 1_500, 1_400):
        await ada.look(7 * HOURS, price=price)
    assert (await ada.told("GET", f"/api/watches/{watch}"))["price"] == 1_400


async def test_an_odd_price_at_the_first_look_waits_for_a_second_where_the_site_knows_the_past(ada: Traveller) -> None:
    ada.site.configure(history=60)
    watch = await ada.watch(await ada.plan(), 30_000)
    await ada.look(price=1_500)
    assert await ada.alerts(watch) == []
    await ada.look(7 * HOURS, price=60_000)
    assert await ada.alerts(watch) == []


async def test_one_odd_price_is_never_told(ada: Traveller) -> None:
    ada.site.configure(history=60)
    watch = await ada.watch(await ada.plan(), 30_000, lowest_ever=True)
    await ada.look(price=60_000)
    await ada.look(7 * HOURS, price=1_500)
    await ada.look(7 * HOURS, price=60_000)
    assert await ada.alerts(watch) == []
    assert (await ada.told("GET", f"/api/watches/{watch}"))["lowest_price"] > 1_500


async def test_below_its_median_and_lowest_ever_are_rules_of_their_own(ada: Traveller) -> None:
    ada.site.configure(history=60)
    watch = await ada.watch(await ada.plan(), 1, below_median_percent=10, lowest_ever=True, alert_cooldown_hours=1)
    await ada.look(price=90_000)
    (usual,) = await ada.rows(MEDIAN, today=ada.clock.now().date())
    median = usual["m"]
    (lowest,) = [row["m"] for row in await ada.rows("SELECT min(price) AS m FROM flight_days")]
    low = min(lowest * 95 // 100, median * 85 // 100)
    await ada.look(7 * HOURS, price=low)
    assert sorted(rule for rule, _ in await ada.alerts(watch)) == ["below_median", "lowest_ever"]
    assert len(await ada.events("price_watch.alerted")) == 1
    await ada.look(7 * HOURS, price=low + 1)
    await ada.look(7 * HOURS, price=low)
    assert len(await ada.alerts(watch)) == 2


async def test_another_target_arms_a_watch_again_within_the_cooldown(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan(), 30_000, alert_cooldown_hours=72)
    await ada.look(price=29_000)
    await ada.told("PATCH", f"/api/watches/{watch}", {"target_price": 29_500})
    await ada.evaluate()
    assert await ada.alerts(watch) == [("target", 29_000), ("target", 29_000)]
    await ada.told("PATCH", f"/api/watches/{watch}", {"check_interval_minutes": 60})
    await ada.evaluate()
    assert len(await ada.alerts(watch)) == 2


async def test_a_watch_that_is_active_again_is_armed(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan(), 30_000)
    await ada.look(price=29_000)
    for active in (False, True):
        await ada.told("PATCH", f"/api/watches/{watch}", {"is_active": active})
    await ada.evaluate()
    assert await ada.alerts(watch) == [("target", 29_000), ("target", 29_000)]


async def test_other_dates_arm_every_watch_of_a_trip(ada: Traveller) -> None:
    ada.site.set_price(29_000)
    trip = await ada.plan()
    watch = await ada.watch(trip, 30_000)
    await ada.look()
    await ada.told("PATCH", f"/api/trips/{trip}", {"departs_on": ada.day(90)})
    await ada.look()
    assert await ada.alerts(watch) == [("target", 29_000), ("target", 29_000)]
    assert ada.searches() == 2
    await ada.told("PATCH", f"/api/trips/{trip}", {"notes": "with a window"})
    await ada.evaluate()
    assert len(await ada.alerts(watch)) == 2


async def test_a_cooldown_begins_only_with_an_alert_that_could_reach_somebody(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan(), 30_000, alert_cooldown_hours=72)
    await ada.look(price=29_000)
    (alert,) = await ada.rows("SELECT event_id FROM price_alerts")
    assert alert["event_id"] is not None
    await delivered(ada, alert["event_id"], state="failed")
    await ada.look(7 * HOURS, price=25_000)
    assert await ada.alerts(watch) == [("target", 29_000), ("new_low", 25_000)]


async def test_a_cooldown_counts_from_the_first_channel_that_was_reached(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan(), 30_000, alert_cooldown_hours=6)
    await ada.look(price=29_000)
    (alert,) = await ada.rows("SELECT event_id, created_at FROM price_alerts")
    for later in (0, 5):
        await delivered(ada, alert["event_id"], state="sent", sent_at=alert["created_at"] + later * HOURS)
    await ada.look(8 * HOURS, price=25_000)
    assert await ada.alerts(watch) == [("target", 29_000), ("new_low", 25_000)]


async def delivered(ada: Traveller, event_id: Any, *, state: str, sent_at: datetime | None = None) -> None:
    """A delivery of an event, on a channel of its own."""
    channel = await ada.told(
        "POST", "/api/users/me/channels", {"kind": "webhook", "url": f"https://bot.example.org/{uuid4()}"}
    )
    writer = ada.api.container.standalone_writer()
    await writer.execute(
        text(
            "INSERT INTO notified_events (id, event, aggregate, payload, occurred_at, noted_at)"
            " VALUES (:id, 'price_watch.alerted', 'price_watch:x', '{}', now(), now()) ON CONFLICT DO NOTHING"
        ),
        {"id": event_id},
    )
    await writer.execute(
        text(
            "INSERT INTO notification_deliveries (id, event_id, channel_id, subject_id, state, due_at, sent_at)"
            " VALUES (:id, :event_id, :channel_id, :id, :state, now(), :sent_at)"
        ),
        {
            "id": uuid4(),
            "event_id": event_id,
            "channel_id": channel["channel"]["id"],
            "state": state,
            "sent_at": sent_at,
        },
    )


async def test_workers_that_judge_at_once_tell_once(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan(), provider="manual")
    await ada.push(await trip_of(ada, watch), 40_000)
    await ada.rows("UPDATE flight_queries SET price = 29000 RETURNING 1 AS done")
    await ada.rows("UPDATE price_watches SET evaluate_at = :now RETURNING 1 AS done", now=ada.clock.now())
    job = ada.api.container.flights.waiting_job()
    await asyncio.gather(*(job.run() for _ in range(4)))
    assert await ada.alerts(watch) == [("target", 29_000)]


async def trip_of(ada: Traveller, watch: str) -> str:
    return str((await ada.told("GET", f"/api/watches/{watch}"))["trip_id"])


async def test_a_pushed_price_is_told_at_once(ada: Traveller) -> None:
    trip = await ada.plan()
    watch = await ada.watch(trip, 30_000, provider="manual")
    await ada.push(trip, 35_000)
    made = await ada.push(
        trip, 29_000, airline="Lark Lines", stops=1, reference="fare 7", departs_at="2027-03-01T08:00:00+01:00"
    )
    assert (made["origin"], made["provider"], made["departs_at"]) == ("manual", "manual", "2027-03-01T08:00:00+01:00")
    assert await ada.alerts(watch) == [("target", 29_000)]
    again = await ada.push(
        trip, 29_000, airline="Lark Lines", stops=1, reference="fare 7", departs_at="2027-03-01T08:00:00+01:00"
    )
    assert again["id"] == made["id"]
    assert (await ada.told("GET", f"/api/watches/{watch}"))["price"] == 29_000


async def test_a_price_of_the_past_is_history_and_no_news(ada: Traveller) -> None:
    trip = await ada.plan()
    watch = await ada.watch(trip, 30_000, provider="manual")
    await ada.push(trip, 40_000)
    await ada.push(trip, 20_000, captured_at=str(ada.clock.now() - timedelta(days=3)))
    assert await ada.alerts(watch) == []
    assert [one["price"] for one in (await ada.told("GET", f"/api/trips/{trip}/prices"))["items"]] == [20_000, 40_000]
    assert (await ada.told("GET", f"/api/watches/{watch}"))["price"] == 40_000


async def test_prices_of_past_journeys_go_once_they_have_an_age_but_not_what_was_told(ada: Traveller) -> None:
    trip = await ada.plan(departs_on=ada.day(10))
    watch = await ada.watch(trip, 30_000)
    for price in (35_000, 29_000, 36_000, 37_000):
        await ada.look(7 * HOURS, price=price)
    database = ada.api.container.database()

    async def removed(keep_days: int) -> int:
        return await price_retention(database=database, clock=ada.clock, keep_days=keep_days).remove_old()

    async def prices() -> list[int]:
        found = await ada.told("GET", f"/api/trips/{trip}/prices")
        return [one["price"] for one in found["items"] if one["origin"] == "fetched"]

    shown, days = await prices(), await ada.rows("SELECT * FROM flight_days ORDER BY day")
    assert await removed(1) == 0, "the journey lies ahead"
    ada.clock.ahead += timedelta(days=40)
    await ada.depart()
    assert (await removed(0), await removed(60)) == (0, 0)
    assert await removed(20) > 0
    assert (shown, await prices()) == ([35_000, 29_000, 36_000, 37_000], [29_000, 37_000])
    assert await removed(20) == 0
    assert await ada.alerts(watch) == [("target", 29_000)]
    assert await ada.rows("SELECT * FROM flight_days ORDER BY day") == days
