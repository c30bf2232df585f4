"""An alert's way out: to the channels of who watches and nobody else's, again where it reached none of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from aiohttp import web

HOURS = timedelta(hours=1)
GUILD = "42424242424242424"
Traveller = Any


@dataclass
class Hook:
    """The other end of webhooks, and what it was told."""

    told: list[Any] = field(default_factory=list)
    answers: HTTPStatus = HTTPStatus.OK
    url: str = ""

    async def receive(self, request: web.BaseRequest) -> web.Response:
        body = await request.json()
        if "challenge" in body:
            return web.json_response({"challenge": body["challenge"]})
        if self.answers is HTTPStatus.OK:
            self.told.append(body)
        return web.json_response({}, status=self.answers)

    async def open(self, who: Traveller, at: str = "/api/users/me/channels") -> str:
        """A verified channel of somebody's; its id."""
        made = await who.told("POST", at, {"kind": "webhook", "url": self.url})
        await who.work()
        return str(made["channel"]["id"])

    def alerts(self) -> list[tuple[list[str], int]]:
        """(rules, price) of what it was told."""
        said = [one["payload"] for one in self.told if one["event"] == "price_watch.alerted"]
        return [(one["rules"], one["price"]) for one in said]


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """A receiver of ours has a private address."""
    return environ | {"TRACKERS_NOTIFY_ALLOW_PRIVATE": "true"}


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    made = Hook()
    runner = web.ServerRunner(web.Server(made.receive))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = "http://127.0.0.1:{1}/hook".format(*runner.addresses[0])
    yield made
    await runner.cleanup()


async def test_an_alert_reaches_its_owner_and_says_so(ada: Traveller, hook: Hook) -> None:
    await hook.open(ada)
    watch = await ada.watch(await ada.plan(name="Spring"), 30_000)
    await ada.look(price=28_840)
    (message,) = hook.told
    assert message["event"] == "price_watch.alerted"
    assert "Spring (JFK-LAX" in str(message)
    assert "288.40 USD" in str(message)
    (alert,) = (await ada.told("GET", f"/api/watches/{watch}/alerts"))["items"]
    assert alert["delivered_at"] >= alert["created_at"]


async def test_a_search_that_fails_is_told_once_to_somebody_with_several_watches(ada: Traveller, hook: Hook) -> None:
    await hook.open(ada)
    trip = await ada.plan()
    for target in (10_000, 20_000):
        await ada.watch(trip, target)
    await ada.look(price=40_000)
    ada.site.show("failed")
    for _ in range(4):
        await ada.look(7 * HOURS)
    ada.site.show("flights")
    await ada.look(7 * HOURS)
    assert [message["event"] for message in hook.told] == ["price_watch.failing", "price_watch.recovered"]


async def test_what_is_one_persons_own_is_not_told_to_their_guild(ada: Traveller, hook: Hook) -> None:
    await ada.rows(
        "INSERT INTO guilds (id, name, created_at, updated_at) VALUES (:id, 'Comets', now(), now()) RETURNING id",
        id=GUILD,
    )
    await ada.rows(
        "INSERT INTO guild_members (guild_id, user_id, admin, joined_at, confirmed_by)"
 " VALUES (:id, :user, true, now(), 'operator') RETURNING 1",
        id=GUILD, user=ada.person.id,
    )  # fmt: skip
    await hook.open(ada, at=f"/api/guilds/{GUILD}/channels")
    watch = await ada.watch(await ada.plan(), 30_000)
    await ada.look(price=29_000)
    assert await ada.alerts(watch) == [("target", 29_000)]
    assert hook.told == []


async def test_an_alert_that_found_no_channel_is_told_once_there_is_one_while_it_is_true(
    ada: Traveller, hook: Hook
) -> None:
    trip = await ada.plan()
    watch = await ada.watch(trip, 30_000)
    await ada.look(price=29_000)
    await ada.look(7 * HOURS)
    assert await ada.alerts(watch) == [("target", 29_000)]
    await hook.open(ada)
    for _ in range(3):
        await ada.look(7 * HOURS)
    assert hook.alerts() == [(["target"], 29_000)]
    assert await ada.alerts(watch) == [("target", 29_000)] * 2


async def test_an_alert_that_found_no_channel_is_not_told_once_it_is_not_true(ada: Traveller, hook: Hook) -> None:
    watch = await ada.watch(await ada.plan(), 30_000)
    await ada.look(price=29_000)
    await hook.open(ada)
    await ada.look(7 * HOURS, price=30_200)  # above the target, and not yet by as much as arms it again
    assert hook.alerts() == []
    await ada.look(7 * HOURS, price=29_500)
    await ada.look(7 * HOURS)
    assert hook.alerts() == [(["target"], 29_500)]
    assert len(await ada.alerts(watch)) == 2


async def test_an_alert_that_a_broken_channel_lost_is_told_once_it_works_again(ada: Traveller, hook: Hook) -> None:
    channel = await hook.open(ada)
    watch = await ada.watch(await ada.plan(), 30_000)
    hook.answers = HTTPStatus.GONE
    await ada.look(price=29_000)
    assert (await ada.told("GET", f"/api/users/me/channels/{channel}"))["state"] == "suspended"
    hook.answers = HTTPStatus.OK
    await ada.look(7 * HOURS)
    assert await ada.alerts(watch) == [("target", 29_000)]  # nobody would hear of it
    await ada.told("POST", f"/api/users/me/channels/{channel}/resume")
    for _ in range(2):
        await ada.look(7 * HOURS)
    assert hook.alerts() == [(["target"], 29_000)]


async def test_an_alert_that_one_channel_lost_and_another_brought_is_not_told_again(ada: Traveller, hook: Hook) -> None:
    await hook.open(ada)
    await hook.open(ada)
    watch = await ada.watch(await ada.plan(), 30_000)
    await ada.look(price=29_000)
    await ada.rows(
        "UPDATE notification_deliveries SET state = 'failed', sent_at = NULL"
        " WHERE id = (SELECT id FROM notification_deliveries ORDER BY id LIMIT 1) RETURNING id"
    )
    await ada.look(7 * HOURS)
    assert await ada.alerts(watch) == [("target", 29_000)]
    assert len(hook.told) == 2


async def test_who_wants_to_hear_nothing_is_told_nothing_again(ada: Traveller, hook: Hook) -> None:
    await hook.open(ada)
    await ada.told("PUT", "/api/users/me/notifications", {"defaults": {"*": "off"}})
    watch = await ada.watch(await ada.plan(), 30_000)
    await ada.look(price=29_000)
    await ada.look(7 * HOURS)
    assert await ada.alerts(watch) == [("target", 29_000)]


async def test_each_reason_that_nobody_heard_is_told_again(ada: Traveller, hook: Hook) -> None:
    ada.site.configure(history=60)
    watch = await ada.watch(await ada.plan(), 1, below_median_percent=10, lowest_ever=True)
    await ada.look(price=90_000)
    (lowest,) = [row["m"] for row in await ada.rows("SELECT min(price) AS m FROM flight_days")]
    low = lowest * 80 // 100
    await ada.look(7 * HOURS, price=low)
    assert sorted(await ada.alerts(watch)) == [("below_median", low), ("lowest_ever", low)]
    await hook.open(ada)
    await ada.look(7 * HOURS)
    await ada.look(7 * HOURS)
    assert hook.alerts() == [(["below_median", "lowest_ever"], low)]
