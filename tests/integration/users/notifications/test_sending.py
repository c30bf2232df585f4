"""From an event to what arrives: once, in order, whatever fails."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web
from msgspec.structs import replace
from sqlalchemy import text
from tests.integration.people import Person
from tests.integration.users.guilds.conftest import GUILD
from tests.integration.users.notifications.conftest import Endpoint, Mailbox, Telling, verify
from tests.waiting import eventually

from users.notifications.messages import Recipient
from users.notifications.schemas import ChannelKind
from users.notifications.sender import IN_A_ROW, DeliverySender


async def test_a_change_arrives_signed_and_as_a_diff(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    made = await telling.webhook(ada)
    assert await telling.tell(ada, n=7) == 1
    (got,) = endpoint.received
    assert got.json["title"] == "News 7"
    assert got.json["lines"] == ["2v2 1,204 -> 1,251 (+47)", "<b>Diamond III</b>"]
    assert got.json["payload"] == {"n": 7}
    (logged,) = await telling.log(ada, made["channel"])
    assert got.json["id"] == got.headers["trackers-id"] == logged["id"]
    assert (logged["state"], logged["attempts"], logged["last_error"]) == ("sent", 1, None)
    now = telling.clock.now().timestamp()
    assert verify(made["secret"], got.headers, got.body, now=now)
    assert not verify("whs_other", got.headers, got.body, now=now)
    assert not verify(made["secret"], got.headers, got.body + b" ", now=now)
    assert not verify(made["secret"], got.headers, got.body, now=now + 301)


async def test_messages_are_counted_by_kind_and_by_what_became_of_them(
    telling: Telling, endpoint: Endpoint, ada: Person
) -> None:
    await telling.webhook(ada)
    await telling.webhook(ada, "/broken")
    endpoint.fails("/broken", 500)
    await telling.tell(ada)
    counted = {
        sample.labels["outcome"]: sample.value
        for family in telling.container.metrics().registry.collect()
        for sample in family.samples
        if sample.name == "trackers_deliveries_total" and sample.labels["kind"] == "webhook"
    }
    assert counted == {"sent": 1, "failed": 1}


async def test_a_repeated_fan_out_tells_nobody_twice(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    await telling.webhook(ada)
    event = telling.event()
    trackers = [Recipient(user_id=ada.id, subject_id=uuid4()) for _ in range(2)]
    assert await telling.notify(event, *trackers) == 1
    assert await telling.notify(event, *trackers) == 0
    await telling.send()
    await telling.send()
    assert len(endpoint.received) == 1


async def test_an_event_rolled_back_tells_nobody(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    await telling.webhook(ada)

    async def fails() -> None:
        async with telling.container.database().unit_of_work():
            notifier = telling.container.notifications.notifier()
            assert await notifier.notify(telling.event(), [Recipient(user_id=ada.id, subject_id=uuid4())]) == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fails()
    await telling.send()
    assert endpoint.received == []


async def test_a_worker_killed_after_sending_sends_the_same_id_again(
    telling: Telling, endpoint: Endpoint, ada: Person
) -> None:
    await telling.webhook(ada)
    sender: DeliverySender = telling.container.notifications.sender()
    await telling.notify(telling.event(), Recipient(user_id=ada.id, subject_id=uuid4()))
    endpoint.hangs("/hook")
    killed = asyncio.create_task(sender.send_due())
    await endpoint.arrived.wait()
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    del endpoint.faults["/hook"]
    await telling.send()
    assert len(endpoint.received) == 1, "the lease still holds"
    telling.later(minutes=5)
    await telling.send()
    await telling.send()
    first, second = endpoint.received
    assert first.json["id"] == second.json["id"]


async def test_who_lost_the_lease_settles_nothing(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    made = await telling.webhook(ada)
    release = asyncio.Event()

    async def slow() -> web.StreamResponse:
        await release.wait()
        return web.Response(status=500)

    endpoint.faults["/hook"] = slow
    await telling.notify(telling.event(), Recipient(user_id=ada.id, subject_id=uuid4()))
    late = asyncio.create_task(telling.send())
    await endpoint.arrived.wait()
    await telling.execute("UPDATE notification_channels SET lease_until = now() + interval '1 day'")
    release.set()
    await late
    (logged,) = await telling.log(ada, made["channel"])
    assert (logged["state"], logged["attempts"]) == ("pending", 0)


async def test_one_hanging_endpoint_delays_nobody_else(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    await telling.webhook(ada, "/hangs")
    await telling.webhook(ada, "/well")
    endpoint.hangs("/hangs")
    run = asyncio.create_task(telling.tell(ada, n=1))

    async def well(count: int) -> bool:
        return len(endpoint.titles("/well")) == count

    await eventually(lambda: well(1), what="the other endpoint has the message")
    assert not run.done()
    await telling.notify(telling.event(n=2), Recipient(user_id=ada.id, subject_id=uuid4()))
    await eventually(lambda: well(2), what="it has the next one too")
    assert not run.done()
    endpoint.release.set()
    await run
    assert endpoint.titles("/well") == ["News 1", "News 2"]


async def test_hanging_channels_of_one_host_do_not_delay_another_host(
    telling: Telling, endpoint: Endpoint, ada: Person
) -> None:
    """A worker sends eight messages to a host at once; the others of this host wait for them."""
    hanging = [f"/hangs/{number}" for number in range(12)]
    for path in hanging:
        await telling.webhook(ada, path)
        endpoint.hangs(path)
    here, endpoint.url = endpoint.url, endpoint.url.replace("127.0.0.1", "localhost")
    await telling.webhook(ada, "/well")
    endpoint.url = here
    run = asyncio.create_task(telling.tell(ada, n=1))

    async def told() -> tuple[int, int]:
        return sum(len(endpoint.titles(path)) for path in hanging), len(endpoint.titles("/well"))

    async def eight_and_the_other_host() -> bool:
        return await told() == (8, 1)

    await eventually(eight_and_the_other_host, what="eight hang, and the other host has its message")
    await telling.notify(telling.event(n=2), Recipient(user_id=ada.id, subject_id=uuid4()))

    async def the_next_one() -> bool:
        return (await told())[1] == 2

    await eventually(the_next_one, what="the other host has the next one, too")
    assert await told() == (8, 2)
    assert not run.done()
    endpoint.release.set()
    await run
    assert endpoint.titles("/well") == ["News 1", "News 2"]
    assert all(endpoint.titles(path) == ["News 1", "News 2"] for path in hanging)


async def test_what_waits_behind_a_failure_keeps_its_order(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    made = await telling.webhook(ada)
    endpoint.fails("/hook", 500)
    await telling.tell(ada, n=1)
    del endpoint.faults["/hook"]
    await telling.tell(ada, n=2)
    assert endpoint.titles() == ["News 1"]
    assert (await telling.shown(ada, made["channel"]))["last_error"] == "it answered 500"
    telling.later(seconds=61)
    await telling.send()
    assert endpoint.titles() == ["News 1", "News 1", "News 2"]
    assert (await telling.shown(ada, made["channel"]))["failures"] == 0
    assert [one["attempts"] for one in await telling.log(ada, made["channel"])] == [1, 2]


async def test_retry_after_beats_our_own_backoff(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    await telling.webhook(ada)
    endpoint.fails("/hook", 429, **{"Retry-After": "600"})
    await telling.tell(ada)
    del endpoint.faults["/hook"]
    telling.later(seconds=590)
    await telling.send()
    assert len(endpoint.received) == 1
    telling.later(seconds=20)
    await telling.send()
    assert len(endpoint.received) == 2


async def test_ten_failures_suspend_a_channel_and_its_owner_is_told_elsewhere(
    telling: Telling, endpoint: Endpoint, mailbox: Mailbox, ada: Person
) -> None:
    made = await telling.webhook(ada, "/broken")
    mail = await telling.email(ada)
    endpoint.fails("/broken", 500)
    subject = uuid4()
    for _ in range(IN_A_ROW):
        await telling.tell(ada, subject)
        telling.later(hours=7)
    await telling.send()
    shown = await telling.shown(ada, made["channel"])
    assert (shown["state"], shown["suspended_because"], shown["failures"]) == ("suspended", "it answered 500", 10)
    assert {one["state"] for one in await telling.log(ada, made["channel"])} == {"failed"}
    told = [str(one["subject"]) for one in mailbox.mails]
    assert told.count("Your channel /broken was suspended") == 1
    assert len(told) == IN_A_ROW + 1
    assert (await telling.shown(ada, mail))["state"] == "active"
    happened = await telling.people.rows("SELECT event FROM activity_log WHERE subject = 'channel' ORDER BY id")
    assert [row["event"] for row in happened].count("channel.suspended") == 1
    assert await telling.tell(ada) == 1, "only the mailbox"
    assert (await ada.ask("POST", f"/api/users/me/channels/{made['channel']['id']}/test")).status_code == 409
    del endpoint.faults["/broken"]
    assert (await ada.ask("POST", f"/api/users/me/channels/{made['channel']['id']}/resume")).json()["state"] == "active"
    assert await telling.tell(ada, n=99) == 2
    assert endpoint.titles()[-1] == "News 99"


@pytest.mark.parametrize(("kind", "status"), [("webhook", 410), ("discord", 404)])
async def test_what_is_gone_for_good_is_suspended_at_once(
    telling: Telling, endpoint: Endpoint, ada: Person, kind: str, status: int
) -> None:
    if kind == "webhook":
        path, channel = "/hook", (await telling.webhook(ada))["channel"]
    else:
        path = f"/api/webhooks/{GUILD}/{'t' * 40}"
        made = await ada.ask("POST", "/api/users/me/channels", {"kind": "discord", "url": endpoint.url + path})
        channel = made.json()["channel"]
        await telling.execute("UPDATE notification_channels SET verified_at = now()")
    endpoint.fails(path, status)
    await telling.tell(ada)
    assert (await telling.shown(ada, channel))["state"] == "suspended"


async def test_a_mailbox_that_is_none_is_suspended_and_a_mail_server_away_is_nobodys_fault(
    telling: Telling, mailbox: Mailbox, ada: Person
) -> None:
    channel = await telling.email(ada)
    mailbox.refused.add("ada@example.org")
    await telling.tell(ada)
    assert (await telling.shown(ada, channel))["state"] == "suspended"
    mailbox.refused.clear()
    await ada.ask("POST", f"/api/users/me/channels/{channel['id']}/resume")
    await telling.notify(telling.event(n=5), Recipient(user_id=ada.id, subject_id=uuid4()))
    transport = telling.container.notifications.transports()[ChannelKind.EMAIL]
    transport._settings = replace(transport._settings, port=1)
    await telling.send()
    shown = await telling.shown(ada, channel)
    assert (shown["state"], shown["failures"]) == ("active", 0)
    assert "mail server" in shown["last_error"]


async def test_mail_is_text_and_html_of_one_view_with_a_stable_id(
    telling: Telling, mailbox: Mailbox, ada: Person
) -> None:
    channel = await telling.email(ada)
    await telling.tell(ada, n=3)
    (mail,) = mailbox.mails
    (logged,) = await telling.log(ada, channel)
    assert mail["message-id"] == f"<{logged['id']}@example.org>"
    assert mail["auto-submitted"] == "auto-generated"
    assert (mail["subject"], mail["to"]) == ("News 3", "ada@example.org")
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "2v2 1,204 -> 1,251 (+47)" in plain.get_content()
    assert "&lt;b&gt;Diamond III&lt;/b&gt;" in html.get_content()
    assert "<b>" not in html.get_content()


async def test_discord_gets_embeds_that_mention_nobody(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    path = f"/api/webhooks/{GUILD}/{'t' * 40}"
    made = await ada.ask("POST", "/api/users/me/channels", {"kind": "discord", "url": endpoint.url + path})
    channel = made.json()["channel"]
    await telling.container.notifications.challenger().challenge(channel["id"])
    entered = endpoint.received[0].json["embeds"][0]["description"].split("Your code is ")[1][:9]
    verified = await ada.ask("POST", f"/api/users/me/channels/{channel['id']}/verify", {"code": entered.lower()})
    assert verified.json()["state"] == "active"
    await telling.tell(ada, n=1)
    got = endpoint.received[-1].json
    assert got["allowed_mentions"] == {"parse": []}
    assert got["embeds"][0]["title"] == "News 1"
    assert r"\<b\>Diamond III" in got["embeds"][0]["description"]


async def test_news_in_quiet_hours_waits_for_their_end(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    made = await telling.webhook(ada)
    await ada.ask("PATCH", "/api/users/me", {"time_zone": "Europe/Berlin"})
    quiet = {"quiet_hours": {"from": "22:00", "to": "07:00"}}
    assert (await ada.ask("PUT", "/api/users/me/notifications", quiet)).status_code == 200
    telling.clock._now = datetime(2026, 10, 24, 21, 0, tzinfo=UTC)  # 23:00 of the night in which the clock goes back
    await telling.tell(ada)
    (waiting,) = await telling.log(ada, made["channel"])
    assert waiting["due_at"] == "2026-10-25T06:00:00Z"
    assert endpoint.received == []
    test = await ada.ask("POST", f"/api/users/me/channels/{made['channel']['id']}/test")
    assert test.status_code == 202
    await telling.send()
    assert endpoint.titles() == ["This is a test"]
    telling.clock._now = datetime(2026, 10, 25, 6, 0, tzinfo=UTC)
    await telling.send()
    assert len(endpoint.received) == 2


async def test_what_gathers_in_ten_minutes_is_one_message(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    await telling.webhook(ada)
    await ada.ask("PUT", "/api/users/me/notifications", {"defaults": {"*": "batched"}})
    await telling.tell(ada, n=1)
    telling.later(minutes=6)
    await telling.tell(ada, n=2)
    assert endpoint.received == []
    telling.later(minutes=5)
    endpoint.fails("/hook", 500)
    await telling.send()
    await telling.tell(ada, n=3)
    del endpoint.faults["/hook"]
    telling.later(minutes=2)
    await telling.send()
    first, second = endpoint.received
    assert first.json == second.json, "what came later is another message"
    assert (first.json["event"], first.json["title"]) == ("digest", "2 updates")
    assert [one["title"] for one in first.json["payload"]["items"]] == ["News 1", "News 2"]
    telling.later(minutes=10)
    await telling.send()
    assert endpoint.titles()[2:] == ["News 3"]


async def test_a_run_is_told_when_it_says_so(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    await telling.webhook(ada)
    await ada.ask("PUT", "/api/users/me/notifications", {"defaults": {"*": "batched"}})
    for n in range(3):
        await telling.tell(ada, n=n, batch="run-1")
    await telling.tell(ada, n=9, batch="run-2")
    telling.later(minutes=11)
    await telling.send()
    assert endpoint.received == []
    async with telling.container.database().unit_of_work():
        await telling.container.notifications.notifier().release("run-1")
    await telling.send()
    (got,) = endpoint.received
    assert [one["title"] for one in got.json["payload"]["items"]] == ["News 0", "News 1", "News 2"]


async def test_the_nearest_preference_holds(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    await telling.webhook(ada)
    one, other = uuid4(), uuid4()
    await ada.ask("PUT", "/api/users/me/notifications", {"defaults": {"game_account.changed": "off"}})
    at = "/api/users/me/notifications/subjects/"
    await ada.ask("PUT", f"{at}{one}", {"events": {"*": "instant"}})
    await ada.ask("PUT", f"{at}{other}", {"events": {"*": "instant", "game_account.changed": "off"}})
    assert await telling.tell(ada) == 0
    assert await telling.tell(ada, event="game_account.lost") == 1
    assert await telling.tell(ada, one) == 1
    assert await telling.tell(ada, other) == 0
    assert await telling.tell(ada, other, "game_account.lost") == 1
    await ada.ask("PUT", f"{at}{one}", {"events": {}})
    assert await telling.tell(ada, one) == 0
    assert len(endpoint.received) == 3


async def test_a_guild_is_told_of_its_members_only_while_they_are(
    telling: Telling, endpoint: Endpoint, ada: Person, bob: Person
) -> None:
    await telling.guild((ada, True), (bob, False))
    await telling.webhook(ada, "/guild", at=f"/api/guilds/{GUILD}/channels")
    await ada.ask("PUT", "/api/users/me/notifications", {"defaults": {"*": "off"}})
    assert await telling.tell(bob, n=1) == 1
    await telling.notify(telling.event(n=2), Recipient(user_id=bob.id, subject_id=uuid4()))
    await telling.execute("DELETE FROM guild_members WHERE user_id = :id", id=bob.id)
    await telling.send()
    assert await telling.tell(bob, n=3) == 0
    assert endpoint.titles() == ["News 1"]
    rows = await telling.people.rows("SELECT state FROM notification_deliveries ORDER BY id")
    assert [row["state"] for row in rows] == ["sent", "skipped"]


async def test_what_is_private_is_told_to_no_guild(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    await telling.guild((ada, True))
    await telling.webhook(ada, "/guild", at=f"/api/guilds/{GUILD}/channels")
    secret, open_ = [Recipient(user_id=ada.id, subject_id=uuid4(), private=private) for private in (True, False)]
    assert await telling.notify(telling.event(), secret) == 0
    assert await telling.notify(telling.event(), secret, open_) == 1
    await telling.webhook(ada)
    assert await telling.notify(telling.event(), secret) == 1


async def test_a_bug_in_a_modules_words_harms_nobody_else(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    made = await telling.webhook(ada)
    await telling.tell(ada, broken=True)
    await telling.tell(ada, silent=True)
    await telling.tell(ada, event="game_account.unheard_of")
    await telling.tell(ada, n=4)
    assert endpoint.titles() == ["News 4"]
    log = await telling.log(ada, made["channel"])
    assert [one["state"] for one in log] == ["sent", "failed", "skipped", "failed"]
    assert "sesame" not in str(log)
    root = await telling.people.admin()
    everything = (await root.ask("GET", "/api/admin/deliveries?state=failed")).json()["items"]
    assert len(everything) == 2
    again = await root.ask("POST", f"/api/admin/deliveries/{log[0]['id']}/redrive")
    assert again.status_code == 404, "it was sent"
    again = await root.ask("POST", f"/api/admin/deliveries/{log[3]['id']}/redrive")
    assert again.status_code == 202
    await telling.execute("UPDATE notified_events SET payload = '{\"n\": 5}'")
    await telling.send()
    assert endpoint.titles()[-1] == "News 5"


async def test_deactivated_people_are_told_nothing(telling: Telling, ada: Person) -> None:
    await telling.webhook(ada)
    await telling.execute("UPDATE users SET deactivated_at = now() WHERE id = :id", id=ada.id)
    assert await telling.tell(ada) == 0


async def test_old_events_go_with_their_deliveries(telling: Telling, ada: Person) -> None:
    await telling.webhook(ada)
    await telling.tell(ada)
    telling.later(days=31)
    await telling.tell(ada)
    assert await telling.container.notifications.retention().remove_old() == 1
    assert await telling.container.reader().value(text("SELECT count(*) FROM notification_deliveries")) == 1


async def test_no_transaction_is_open_while_a_message_is_sent(
    telling: Telling, endpoint: Endpoint, ada: Person
) -> None:
    await telling.webhook(ada)
    seen: list[Any] = []

    async def look() -> web.StreamResponse:
        seen.append(
            await telling.container.reader().value(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()"
                    " AND datname = current_database()"
                )
            )
        )
        return web.Response()

    endpoint.faults["/hook"] = look
    await telling.tell(ada)
    assert seen == [0]
