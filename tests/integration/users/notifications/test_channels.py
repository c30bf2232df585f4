"""Channels as their owners meet them: verified before use, masked, nobody else's, and never a way inside."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import count, cycle
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from aiohttp import ThreadedResolver, web
from aiohttp.abc import ResolveResult
from sqlalchemy import text
from tests.application import application, transport
from tests.conftest import Bench
from tests.integration.people import Person
from tests.integration.users.guilds.conftest import GUILD
from tests.integration.users.notifications.conftest import CHANGED, Endpoint, Mailbox, Telling, problem, verify
from tests.waiting import eventually

from shared.resolver import PublicResolver
from users.notifications.outbound_messages import SendFailed
from users.notifications.schemas import ChannelAddress
from users.notifications.transports.apprise import AppriseTransport
from users.notifications.transports.http import GuardedHttpClient

AT = "/api/users/me/channels"
DISCORD = f"https://discord.com/api/webhooks/{GUILD}/{'secret' * 10}abcd"


async def add(person: Person, **channel: Any) -> dict[str, Any]:
    answer = await person.ask("POST", AT, channel)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def challenge(telling: Telling, made: dict[str, Any]) -> None:
    await telling.container.notifications.challenger().challenge(made["channel"]["id"])


@pytest.mark.parametrize(
    ("channel", "shown"),
    [
        ({"kind": "discord", "url": DISCORD}, "https://discord.com/api/webhooks/…/…abcd"),
        ({"kind": "webhook", "url": "https://bot.example.org/in/trackers?key=sesame"}, "https://bot.example.org/…kers"),
        ({"kind": "apprise", "url": "tgram://123456:sesame-sesame/9876543"}, "tgram://…6543"),
        ({"kind": "apprise", "url": "pover://sesame"}, "pover://…"),
        ({"kind": "email", "address": "Ada@Example.ORG"}, "Ada@example.org"),
    ],
)
async def test_what_is_secret_in_an_address_is_shown_to_nobody_and_stored_nowhere(
    telling: Telling, ada: Person, channel: dict[str, Any], shown: str
) -> None:
    made = await add(ada, **channel)
    assert made["channel"]["address"] == shown
    texts = [(await ada.ask("GET", AT)).text, (await ada.ask("GET", "/api/users/me/export")).text]
    for table in ("notification_channels", "audit_log", "activity_log", "notified_events"):
        texts += [str(row) for row in await telling.people.rows(f"SELECT * FROM {table}")]  # noqa: S608 -- our own names
    assert not [one for one in texts if "sesame" in one or "secretsecret" in one]


async def test_a_webhooks_secret_is_shown_once(telling: Telling, ada: Person) -> None:
    made = await telling.webhook(ada)
    assert made["secret"].startswith("whs_")
    assert made["secret"] not in (await ada.ask("GET", AT)).text


async def test_a_webhooks_secret_is_not_kept_to_be_sent_twice(telling: Telling, ada: Person) -> None:
    await telling.guild((ada, True))
    key = await telling.people.bot("guilds", guild_ids=[GUILD])
    at = f"/internal/guilds/{GUILD}/channels"
    webhook = {"kind": "webhook", "url": "https://bot.example.org/in", "name": "bot"}

    async def twice(path: str, body: Any, once: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": once}
        first, again = [await telling.people.http.post(path, json=body, headers=headers) for _ in range(2)]
        assert first.json()["secret"].startswith("whs_"), first.text
        assert problem(again) == (409, "idempotency_not_kept")
        return first

    made = (await twice(at, webhook, "add")).json()
    await twice(f"{at}/{made['channel']['id']}/secret", None, "rotate")
    assert await telling.people.rows("SELECT DISTINCT body FROM idempotency_keys") == [{"body": None}]


async def test_a_rotated_secret_leaves_the_old_one_a_day(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    made = await telling.webhook(ada)
    rotated = (await ada.ask("POST", f"{AT}/{made['channel']['id']}/secret")).json()
    await telling.tell(ada)
    telling.later(days=1, seconds=1)
    await telling.tell(ada)
    both, new = endpoint.received
    assert both.headers["trackers-signature"].count("v1=") == 2
    now = telling.clock.now().timestamp()
    for secret, valid in ((made["secret"], (True, False)), (rotated["secret"], (True, True))):
        found = [
            verify(secret, one.headers, one.body, now=int(one.headers["trackers-timestamp"])) for one in (both, new)
        ]
        assert tuple(found) == valid
    assert not verify(made["secret"], both.headers, both.body, now=now), "replayed a day later"
    mail = await telling.email(ada)
    assert problem(await ada.ask("POST", f"{AT}/{mail['id']}/secret")) == (422, "bad_channel_address")


async def test_an_unverified_channel_is_told_nothing(telling: Telling, mailbox: Mailbox, ada: Person) -> None:
    made = await add(ada, kind="email", address="ada@example.org")
    assert made["channel"]["state"] == "unverified"
    assert await telling.tell(ada) == 0
    answer = await ada.ask("POST", f"{AT}/{made['channel']['id']}/test")
    assert problem(answer) == (409, "channel_not_active")


async def test_a_webhook_that_does_not_answer_the_challenge_stays_unverified(
    telling: Telling, endpoint: Endpoint, ada: Person
) -> None:
    async def other() -> web.StreamResponse:
        return web.json_response({"challenge": "another"})

    endpoint.faults["/hook"] = other
    made = await add(ada, kind="webhook", url=f"{endpoint.url}/hook")
    await challenge(telling, made)
    shown = await telling.shown(ada, made["channel"])
    assert (shown["state"], shown["last_error"]) == (
        "unverified",
        "its answer does not contain the challenge that was sent",
    )
    del endpoint.faults["/hook"]
    again = await ada.ask("POST", f"{AT}/{made['channel']['id']}/verify", {})
    assert again.json()["state"] == "unverified"
    await challenge(telling, made)
    assert (await telling.shown(ada, made["channel"]))["state"] == "active"


async def test_a_code_works_once_for_half_an_hour_and_not_by_guessing(
    telling: Telling, mailbox: Mailbox, ada: Person
) -> None:
    made = await add(ada, kind="email", address="ada@example.org")
    at = f"{AT}/{made['channel']['id']}/verify"
    assert problem(await ada.ask("POST", at, {"code": "AAAA-AAAA"})) == (422, "bad_channel_code")
    await challenge(telling, made)
    old = telling.code()
    await challenge(telling, made)
    new = telling.code()
    assert problem(await ada.ask("POST", at, {"code": old})) == (422, "bad_channel_code")
    telling.later(minutes=31)
    assert problem(await ada.ask("POST", at, {"code": new})) == (422, "bad_channel_code")
    for _ in range(7):
        assert (await ada.ask("POST", at, {"code": "AAAA-AAAA"})).status_code == 422
    answer = await ada.ask("POST", at, {"code": new})
    assert problem(answer) == (429, "too_many_tries")
    assert answer.headers["retry-after"]


class TestFloods:
    """Nobody's mailbox, host or push service is flooded through us, whatever the number of accounts and addresses."""

    async def accounts(self, telling: Telling, count: int) -> AsyncIterator[Person]:
        """Fresh accounts, each asking from an address of its own."""
        app = application(telling.container)
        for number in range(count):
            person = await telling.people.register(f"eve{number}")
            asked = transport(app, client=f"192.0.2.{number}")
            async with httpx.AsyncClient(transport=asked, base_url="http://test") as http:
                yield replace(person, http=http)

    async def flood(self, telling: Telling, channels: Iterator[dict[str, str]], accounts: int = 8) -> list[int]:
        """Each account adds five channels, one after the other."""
        statuses = []
        async for person in self.accounts(telling, accounts):
            for _ in range(5):
                answer = await person.ask("POST", AT, next(channels))
                statuses.append(answer.status_code)
                assert answer.status_code == 201 or problem(answer) == (429, "too_many_messages")
        return statuses

    @pytest.mark.parametrize(
        "spellings",
        [
            ["eve@example.org"],
            ["eve@example.org", "EVE@example.org", "eve+a@Example.org", "eve+b+c@example.org"],
            ["e.v.e@gmail.com", "eve@googlemail.com", "Eve+x@gmail.com"],
        ],
    )
    async def test_a_mailbox(self, telling: Telling, spellings: list[str]) -> None:
        channels = ({"kind": "email", "address": address} for address in cycle(spellings))
        assert await self.flood(telling, channels) == [201] * 10 + [429] * 30

    async def test_a_mailbox_over_a_day(self, telling: Telling) -> None:
        redis = telling.container.redis()
        sent = 0
        async for person in self.accounts(telling, 5):
            for _ in range(10):
                answer = await person.ask("POST", AT, {"kind": "email", "address": "eve@example.org"})
                sent += answer.status_code == 201
            hours = [key async for key in redis.scan_iter() if b"/3600/" in key]
            assert hours
            await redis.delete(*hours)  # an hour later
        assert sent == 30

    async def test_a_host(self, telling: Telling) -> None:
        urls = (f"http://victim.example.org:{8000 + number}/{number}?{number}" for number in count())
        statuses = await self.flood(telling, ({"kind": "webhook", "url": url} for url in urls), accounts=14)
        assert statuses == [201] * 60 + [429] * 10

    async def test_a_discord_webhook(self, telling: Telling) -> None:
        urls = cycle(
            [DISCORD, DISCORD.replace("/api/", "/api/v10/"), DISCORD.replace("discord.com", "ptb.discord.com")]
        )
        assert await self.flood(telling, ({"kind": "discord", "url": url} for url in urls)) == [201] * 10 + [429] * 30

    async def test_a_push_service(self, telling: Telling) -> None:
        urls = cycle(["tgram://123456:sesame-sesame/9876543", "tgram://123456:sesame-sesame/9876543/?silent=yes"])
        assert await self.flood(telling, ({"kind": "apprise", "url": url} for url in urls)) == [201] * 10 + [429] * 30

    async def test_many_mailboxes_from_one_network(self, telling: Telling) -> None:
        statuses = []
        for number in range(8):
            person = await telling.people.register(f"eve{number}")
            for turn in range(5):
                address = f"victim{number}.{turn}@example.org"
                statuses.append((await person.ask("POST", AT, {"kind": "email", "address": address})).status_code)
        assert statuses == [201] * 30 + [429] * 10

    async def test_many_mailboxes_for_one_account(self, telling: Telling, ada: Person) -> None:
        statuses = []
        for number in range(21):
            address = f"victim{number}@example.org"
            answer = await ada.ask("POST", AT, {"kind": "email", "address": address})
            statuses.append(answer.status_code)
            if answer.status_code == 201:
                assert (await ada.ask("DELETE", f"{AT}/{answer.json()['channel']['id']}")).status_code == 204
        assert statuses == [201] * 20 + [429]

    async def test_new_codes_and_tests(self, telling: Telling, endpoint: Endpoint, ada: Person, bob: Person) -> None:
        mail = await add(ada, kind="email", address="eve@example.org")
        at = f"{AT}/{mail['channel']['id']}/verify"
        codes = [(await ada.ask("POST", at, {})).status_code for _ in range(10)]
        assert codes == [200] * 9 + [429]
        hook = await telling.webhook(bob)
        at = f"{AT}/{hook['channel']['id']}/test"
        tests = [(await bob.ask("POST", at)).status_code for _ in range(10)]
        assert tests == [202] * 9 + [429]

    async def test_a_bot_for_many_guilds(self, telling: Telling, ada: Person) -> None:
        key, statuses = await telling.people.bot("guilds"), []
        for number in range(4):
            guild = f"{GUILD[:-1]}{number}"
            assert (await ada.ask("PUT", f"/internal/guilds/{guild}", {"name": guild}, token=key)).status_code == 200
            for _ in range(5):
                body = {"kind": "email", "address": "eve@example.org"}
                answer = await ada.ask("POST", f"/internal/guilds/{guild}/channels", body, token=key)
                statuses.append(answer.status_code)
        assert statuses == [201] * 10 + [429] * 10

    async def test_what_is_counted_holds_no_address(self, telling: Telling, ada: Person) -> None:
        await add(ada, kind="email", address="eve@example.org")
        await add(ada, kind="webhook", url="http://victim.example.org/sesame")
        keys = [key async for key in telling.container.redis().scan_iter()]
        assert keys
        assert not [key for key in keys if b"eve@" in key or b"victim" in key or b"sesame" in key]


async def test_a_person_has_only_so_many_channels(telling: Telling, ada: Person) -> None:
    await telling.execute(
        "INSERT INTO notification_channels (id, user_id, kind, name, target, shown, host, created_at)"
        " SELECT uuidv7(), :id, 'email', 'x', '', '', '', now() FROM generate_series(1, 20)",
        id=ada.id,
    )
    answer = await ada.ask("POST", AT, {"kind": "email", "address": "ada@example.org"})
    assert problem(answer) == (409, "too_many_channels")


async def test_somebody_elses_channel_is_none(telling: Telling, ada: Person, bob: Person) -> None:
    made = await telling.webhook(ada)
    await telling.guild((ada, True), (bob, False))
    guilds = await telling.webhook(ada, at=f"/api/guilds/{GUILD}/channels")
    own, their = f"{AT}/{made['channel']['id']}", f"/api/guilds/{GUILD}/channels/{guilds['channel']['id']}"
    for at in ("", "/deliveries"):
        assert problem(await bob.ask("GET", own + at)) == (404, "channel_not_found")
        assert (await bob.ask("GET", their + at)).status_code == 403
    assert problem(await bob.ask("DELETE", own)) == (404, "channel_not_found")
    assert problem(await ada.ask("GET", f"{AT}/{guilds['channel']['id']}")) == (404, "channel_not_found")
    eve = await telling.people.register("eve")
    assert problem(await eve.ask("GET", their)) == (404, "guild_not_found")


async def test_a_bot_manages_the_channels_of_its_guilds_only(telling: Telling, ada: Person) -> None:
    await telling.guild((ada, True))
    await telling.execute("INSERT INTO guilds SELECT '613425648685547541', name, settings, now(), now() FROM guilds")
    at = f"/internal/guilds/{GUILD}/channels"
    key, other = (
        await telling.people.bot("guilds"),
        await telling.people.bot("guilds", guild_ids=["613425648685547541"]),
    )
    made = await ada.ask("POST", at, {"kind": "discord", "url": DISCORD}, token=key)
    assert made.status_code == 201, made.text
    channel = f"{at}/{made.json()['channel']['id']}"
    assert (await ada.ask("PATCH", channel, {"name": "Lounge"}, token=key)).json()["name"] == "Lounge"
    assert (await ada.ask("GET", channel, token=other)).status_code == 404
    assert (await ada.ask("DELETE", channel, token=key)).status_code == 204
    assert (await ada.ask("GET", at, token=key)).json()["items"] == []


class TestWithoutPrivateAddresses:
    """What an installation that people can reach refuses."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return environ | {"TRACKERS_NOTIFY_ALLOW_PRIVATE": "false", "TRACKERS_SMTP_HOST": ""}

    @pytest.mark.parametrize(
        "channel",
        [
            {"kind": "webhook", "url": "http://bot.example.org/"},
            {"kind": "webhook", "url": "https://127.0.0.1/"},
            {"kind": "webhook", "url": "https://[::ffff:10.0.0.1]/"},
            {"kind": "webhook", "url": "https://169.254.169.254/latest/meta-data"},
            {"kind": "webhook", "url": "https://me:pw@bot.example.org/"},
            {"kind": "webhook", "url": "https://bot.example.org:99999/"},
            {"kind": "webhook", "url": "https:///nothing"},
            {"kind": "webhook", "url": "file:///etc/passwd"},
            {"kind": "discord", "url": DISCORD.replace("discord.com", "discord.com.evil.example")},
            {"kind": "discord", "url": DISCORD.replace("https", "http")},
            {"kind": "discord", "url": "https://discord.com/api/users/@me"},
            {"kind": "apprise", "url": "json://127.0.0.1/"},
            {"kind": "apprise", "url": "mailto://me:pw@example.org"},
            {"kind": "apprise", "url": "slack://a/b/c?template=/etc/passwd"},
            {"kind": "apprise", "url": "nonsense"},
        ],
    )
    async def test_addresses_that_nothing_is_sent_to(
        self, telling: Telling, ada: Person, channel: dict[str, Any]
    ) -> None:
        assert problem(await ada.ask("POST", AT, channel)) == (422, "bad_channel_address")

    async def test_no_mail_server_no_mail(self, telling: Telling, ada: Person) -> None:
        answer = await ada.ask("POST", AT, {"kind": "email", "address": "ada@example.org"})
        assert problem(answer) == (422, "email_not_set_up")

    async def test_a_name_that_leads_inside_is_refused_when_it_is_looked_up(
        self, telling: Telling, ada: Person
    ) -> None:
        made = await add(ada, kind="webhook", url="https://localhost:9/hook")
        await challenge(telling, made)
        shown = await telling.shown(ada, made["channel"])
        assert shown["last_error"] == "refused by us: its address is not a public one"


class InsideResolver(PublicResolver):
    """A name server of somebody who means harm."""

    def __init__(self) -> None:
        class Inside(ThreadedResolver):
            async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
                return await super().resolve("127.0.0.1", port, family)

        self._resolver = Inside()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "2130706433", "0x7f.1", "bot.example.org"])
async def test_no_dress_of_a_private_address_gets_through(endpoint: Endpoint, host: str) -> None:
    port = endpoint.url.rpartition(":")[2]
    post = GuardedHttpClient(user_agent="tests", timeout=2, resolver=InsideResolver)
    with pytest.raises(SendFailed, match=r"refused by us|its address is not valid"):
        await post.json(f"http://{host}:{port}/hook", b"{}")
    await post.close()
    assert endpoint.received == []


@pytest.mark.parametrize("to", ["http://169.254.169.254/latest", "/elsewhere"])
async def test_redirects_are_not_followed(telling: Telling, endpoint: Endpoint, ada: Person, to: str) -> None:
    made = await telling.webhook(ada)
    endpoint.fails("/hook", 302, Location=to)
    await telling.tell(ada)
    assert "a redirect" in (await telling.shown(ada, made["channel"]))["last_error"]
    assert {one.path for one in endpoint.received} == {"/hook"}


async def test_an_endless_answer_is_not_read_to_its_end(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    made = await telling.webhook(ada)

    stopped: list[int] = []

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response, sent = web.StreamResponse(), 0
        await response.prepare(request)
        try:
            while sent < 500_000_000:
                await response.write(b"x" * 65_536)
                sent += 65_536
        finally:
            stopped.append(sent)
        return response

    endpoint.streams["/hook"] = endless
    await telling.tell(ada)

    async def has_stopped() -> bool:
        return bool(stopped)

    await eventually(has_stopped, what="the endpoint sends no more")
    assert stopped[0] < 20_000_000  # what the kernel's buffers take
    (logged,) = await telling.log(ada, made["channel"])
    assert logged["state"] == "sent"


async def test_an_address_sealed_under_another_secret_suspends_its_channel(telling: Telling, ada: Person) -> None:
    made, other = await telling.webhook(ada), await telling.webhook(ada, "/other")
    await telling.execute(
        "UPDATE notification_channels SET target = (SELECT target FROM notification_channels WHERE id = :other)"
        " WHERE id = :id",
        id=UUID(made["channel"]["id"]),
        other=UUID(other["channel"]["id"]),
    )
    await telling.tell(ada)
    assert "another secret" in (await telling.shown(ada, made["channel"]))["suspended_because"]


async def test_preferences_name_what_there_is(telling: Telling, ada: Person) -> None:
    at = "/api/users/me/notifications"
    assert problem(await ada.ask("PUT", at, {"defaults": {"no.such_event": "off"}})) == (422, "unknown_event")
    assert (await ada.ask("PUT", at, {"quiet_hours": {"from": "25:00", "to": "07:00"}})).status_code == 422
    subject = str(uuid4())
    await ada.ask("PUT", at, {"defaults": {"*": "batched"}, "quiet_hours": {"from": "22:00", "to": "07:00"}})
    await ada.ask("PUT", f"{at}/subjects/{subject}", {"events": {CHANGED: "off"}})
    assert (await ada.ask("GET", at)).json() == {
        "defaults": {"*": "batched"},
        "quiet_hours": {"from": "22:00", "to": "07:00"},
        "subjects": {subject: {CHANGED: "off"}},
        "events": [CHANGED, "game_account.lost"],
    }
    await ada.ask("PUT", at, {})
    shown = (await ada.ask("GET", at)).json()
    assert (shown["defaults"], shown["quiet_hours"]) == ({}, None)
    assert (await ada.ask("PUT", f"{at}/subjects/{UUID(int=0)}", {"events": {}})).status_code == 422


async def test_erasure_leaves_nothing_also_in_a_guilds_log(telling: Telling, ada: Person, bob: Person) -> None:
    await telling.guild((ada, True), (bob, False))
    await telling.webhook(ada, "/guild", at=f"/api/guilds/{GUILD}/channels")
    await telling.webhook(bob)
    await bob.ask("PUT", "/api/users/me/notifications", {"quiet_hours": {"from": "01:00", "to": "01:01"}})
    await bob.ask("PUT", f"/api/users/me/notifications/subjects/{uuid4()}", {"events": {"*": "instant"}})
    assert await telling.tell(bob) == 2
    export = (await bob.ask("GET", "/api/users/me/export")).json()["data"]["notifications"]
    assert [one["kind"] for one in export["channels"]] == ["webhook"]
    assert len(export["deliveries"]) == 2
    assert export["quiet_hours"] == {"from": "01:00", "to": "01:01"}
    assert (await bob.erase()).status_code == 204
    for table in ("notification_deliveries", "notification_preferences", "quiet_hours"):
        assert await telling.container.reader().value(text(f"SELECT count(*) FROM {table}")) == 0  # noqa: S608 -- our own names
    assert len(await telling.people.rows("SELECT 1 FROM notification_channels")) == 1


async def test_what_is_handed_over_keeps_the_others_preferences(telling: Telling, ada: Person, bob: Person) -> None:
    made = await telling.webhook(bob)
    subject = uuid4()
    at = f"/api/users/me/notifications/subjects/{subject}"
    await bob.ask("PUT", at, {"events": {"*": "off", CHANGED: "batched"}})
    await ada.ask("PUT", at, {"events": {"*": "instant"}})
    async with telling.container.database().unit_of_work():
        locked = telling.container.notifications.personal_data()
        await locked.hand_over(bob.id, to=ada.id)
        left = msgspec.to_builtins(await locked.export(bob.id))
    assert left["channels"] != []
    preferences = (await ada.ask("GET", "/api/users/me/notifications")).json()
    assert preferences["subjects"] == {str(subject): {"*": "instant", CHANGED: "batched"}}
    assert (await telling.shown(ada, made["channel"]))["state"] == "active"


async def test_apprise_tells_in_a_thread_and_follows_nobody(endpoint: Endpoint) -> None:
    transport = AppriseTransport(timeout=5, allow_private=True)
    target = ChannelAddress(address=f"{endpoint.url.replace('http', 'json')}/hook")
    assert not await transport.challenge(target, "K7QD-93XM")
    assert "K7QD-93XM" in endpoint.received[0].json["message"]
    endpoint.fails("/hook", 302, Location="/elsewhere")
    with pytest.raises(SendFailed, match="did not accept"):
        await transport.challenge(target, "K7QD-93XM")
    await transport.close()
    guarded = AppriseTransport(timeout=5, allow_private=False)
    with pytest.raises(SendFailed, match="refused by us"):
        await guarded.challenge(target, "K7QD-93XM")
    await guarded.close()
    assert {one.path for one in endpoint.received} == {"/hook"}
    assert len(endpoint.received) == 2


async def test_the_worker_challenges_tests_and_logs(
    api: Bench, telling: Telling, endpoint: Endpoint, ada: Person
) -> None:
    made = await add(ada, kind="webhook", url=f"{endpoint.url}/hook")
    await api.work()
    assert (await telling.shown(ada, made["channel"]))["state"] == "active"
    started = await ada.ask("POST", f"{AT}/{made['channel']['id']}/test")
    await api.work()
    (logged,) = await telling.log(ada, made["channel"])
    assert (logged["id"], logged["state"], logged["event"]) == (started.json()["delivery_id"], "sent", "channel.test")
    assert endpoint.titles() == ["This is a test"]
