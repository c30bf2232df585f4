"""features/trackers/notifications.feature"""

import re
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from msgspec import to_builtins
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.receiver import Received, Receiver, documented_check
from tests.features.service import Meanwhile, eventually, machine_time
from tests.features.trackers.members import Members
from tests.features.trackers.story import SOON, Story

from trackers_client import BotClient, InvalidWebhook, verify_webhook

scenarios(str(Path(__file__).parents[3] / "features/trackers/notifications.feature"))

CHANNELS: Final = "/api/users/me/channels"
PREFERENCES: Final = "/api/users/me/notifications"
GUILD: Final = "the guild"
WHO: Final = r"(?P<who>[A-Z]\w+|the guild)"
USES: Final = {"reads": ("GET", ""), "tests": ("POST", "/test"), "removes": ("DELETE", "")}
RELAY: Final = "outbox.relay"
SEND: Final = "notifications.send"


def within(story: Story) -> float:
    return SOON if story.service.worker else story.service.patience


# ---- channels ----


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A webhook that somebody added, and where our receiver takes what it is told."""

    who: str
    path: str
    id: str
    secret: str


@dataclass
class Channels:
    """The webhooks of one scenario: everybody's own, and the other ones."""

    members: Members
    receiver: Receiver
    made: dict[tuple[str, str], Channel] = field(default_factory=dict)

    def add(self, who: str, which: str = "", *, mute: bool = False) -> Channel:
        path = f"/{self.members.story.mark}/{who.replace(' ', '-')}/{which}"
        if mute:
            self.receiver.mute.add(path)
        body = {"kind": "webhook", "url": f"{self.receiver.url}{path}"}
        answer = self.ask(who, "POST", "", body)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        channel = Channel(who=who, path=path, id=answer.json()["channel"]["id"], secret=answer.json()["secret"])
        self.made[who, which] = channel
        self.members.story.service.work()
        shows = ("unverified", "its answer does not contain the challenge that was sent") if mute else ("active", None)
        eventually(lambda: self.stands(channel) == shows, within=within(self.members.story), what=f"it is {shows}")
        return channel

    def ask(self, who: str, method: str, where: str, body: Any = None) -> httpx.Response:
        """Somebody about their channels; for the guild the bot does it."""
        if who == GUILD:
            path = f"/internal/guilds/{self.members.guild_id}/channels{where}"
            return self.members.people.bot(method, path, body)
        return self.members.people.ask(who, method, f"{CHANNELS}{where}", body)

    def stands(self, channel: Channel) -> tuple[str, str | None]:
        shown = self.ask(channel.who, "GET", f"/{channel.id}").json()
        return shown["state"], shown["last_error"]

    def log(self, channel: Channel) -> list[dict[str, Any]]:
        return list(self.ask(channel.who, "GET", f"/{channel.id}/deliveries").json()["items"])

    def got(self, who: str, which: str = "") -> list[Received]:
        return self.receiver.at(self.made[who, which].path)

    def one(self, who: str, which: str = "") -> Received:
        """The only message, once it is there."""
        eventually(lambda: bool(self.got(who, which)), within=within(self.members.story), what=f"{who} is told")
        (got,) = self.got(who, which)
        return got


@pytest.fixture
def channels(members: Members, receiver: Receiver) -> Iterator[Channels]:
    made = Channels(members, receiver)
    yield made
    for channel in made.made.values():
        made.ask(channel.who, "DELETE", f"/{channel.id}")


@given(parsers.re(rf"{WHO} has a webhook"))
def has_webhook(channels: Channels, who: str) -> None:
    channels.add(who)


@given(parsers.parse("{who:w} has another webhook, which fails"))
def has_broken_webhook(channels: Channels, who: str) -> None:
    channels.receiver.out_of_order.add(channels.add(who, "other").path)


@given(parsers.parse("{who:w} has added a webhook that does not answer the challenge"))
def has_mute_webhook(channels: Channels, who: str) -> None:
    channels.add(who, "unverified", mute=True)


@given(parsers.parse("{who:w} has removed the other webhook"))
def has_removed_other(channels: Channels, who: str) -> None:
    assert channels.ask(who, "DELETE", f"/{channels.made[who, 'other'].id}").status_code == httpx.codes.NO_CONTENT


@when("the other webhook works again")
def is_in_order(channels: Channels) -> None:
    channels.receiver.out_of_order.clear()


@when(parsers.parse("{who:w} sends a test message"))
def has_test_sent(channels: Channels, who: str) -> None:
    answer = channels.ask(who, "POST", f"/{channels.made[who, ''].id}/test")
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    channels.members.story.service.work()


@when(parsers.re(rf"(?P<who>[A-Z]\w+) (?P<does>{'|'.join(USES)}) (?P<whose>\w+)'s webhook"))
def uses_webhook(channels: Channels, who: str, does: str, whose: str) -> None:
    method, where = USES[does]
    channels.members.story.answered(channels.ask(who, method, f"/{channels.made[whose, ''].id}{where}"))


@when(parsers.parse('{who:w} adds the webhook "{address}"'))
def adds_webhook(channels: Channels, who: str, address: str) -> None:
    channels.members.story.answered(channels.ask(who, "POST", "", {"kind": "webhook", "url": address}))


# ---- how people hear ----


@given(parsers.re(r'(?P<who>\w+) wants (?P<how>no|gathered) messages(?:, except instant ones about "(?P<but>[^"]+)")?'))
def wants_to_hear(members: Members, who: str, how: str, but: str | None) -> None:
    mode = "off" if how == "no" else "batched"
    assert members.ask(who, "PUT", PREFERENCES, {"defaults": {"*": mode}}).is_success
    if but is not None:
        wants_of(members, who, but, mode="instant")


@given(parsers.re(r'(?P<who>\w+) wants no messages about "(?P<player>[^"]+)"'))
def wants_nothing_of(members: Members, who: str, player: str) -> None:
    wants_of(members, who, player, mode="off")


def wants_of(members: Members, who: str, player: str, *, mode: str) -> None:
    path = f"{PREFERENCES}/subjects/{members.tracker_of(player, who)}"
    assert members.ask(who, "PUT", path, {"events": {"*": mode}}).is_success


@given(parsers.parse("{who:w}'s quiet hours begin now and last {hours:d} hours"))
def has_quiet_hours(members: Members, who: str, hours: int) -> None:
    now = machine_time()
    quiet = {"from": f"{now:%H:%M}", "to": f"{now + timedelta(hours=hours):%H:%M}"}
    assert members.ask(who, "PUT", PREFERENCES, {"quiet_hours": quiet}).is_success


@when(parsers.parse('{who:w} sets a preference for the event "{event}"'))
def settles_event(members: Members, who: str, event: str) -> None:
    members.ask(who, "PUT", PREFERENCES, {"defaults": {event: "off"}})


@when(parsers.parse("{minutes:d} minutes pass"))
def minutes_pass(story: Story, minutes: int) -> None:
    story.service.own_worker.by_itself(SEND, later=timedelta(minutes=minutes))


@when(parsers.parse('{who:w} requests {times:d} refreshes of "{player}" in a row'))
def asks_again_and_again(story: Story, who: str, player: str, times: int) -> None:
    for _ in range(times):
        assert story.refresh(who, player).status_code == httpx.codes.ACCEPTED
        story.service.look(story.tasks)


# ---- what arrives ----


@then(parsers.re(rf'{WHO} gets "(?P<line>[^"]+)" about "(?P<player>[^"]+)"'))
def is_told(channels: Channels, who: str, line: str, player: str) -> None:
    told = channels.one(who).json
    assert channels.members.story.marked(player) in told["title"]
    assert re.match(rf"{re.escape(line)}(,| |$)", told["lines"][0]), told["lines"]
    assert len(told["lines"]) == 1


@then(parsers.parse('{who:w} gets "{first}" and "{second}" in one message'))
def is_told_together(channels: Channels, who: str, first: str, second: str) -> None:
    told = channels.one(who).json
    assert told["event"] == "digest"
    lines = [line for item in told["payload"]["items"] for line in item["lines"]]
    assert len(lines) == 2
    assert all(any(line.startswith(wanted) for line in lines) for wanted in (first, second)), lines


@then(parsers.parse("{who:w} gets no message"))
def is_told_nothing(channels: Channels, who: str) -> None:
    assert channels.got(who) == []


@then(parsers.re(r"the (?P<which>other|unverified) webhook gets no message"))
def webhook_is_told_nothing(channels: Channels, which: str) -> None:
    assert channels.got("Ada", which) == []


@then(parsers.parse("{who:w} gets the test message only"))
def is_told_of_test(channels: Channels, who: str) -> None:
    assert channels.one(who).json["event"] == "channel.test"


def clients_check(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """The one that comes with the client."""
    try:
        return verify_webhook(secret, headers, body).event == "game_account.changed"
    except InvalidWebhook:
        return False


@then(parsers.parse("the message is signed with {who:w}'s secret and no other"))
def is_signed(channels: Channels, who: str) -> None:
    got, secret = channels.one(who), channels.made[who, ""].secret
    later = {**got.headers, "Trackers-Timestamp": str(int(got.headers["Trackers-Timestamp"]) + 60)}
    for verified in (documented_check(), clients_check):
        assert verified(secret, got.headers, got.body)
        assert not verified("whs_another", got.headers, got.body)
        assert not verified(secret, got.headers, got.body + b" ")
        assert not verified(secret, later, got.body)


@then(parsers.parse("{who:w}'s deliveries show that it was sent"))
def log_says_sent(channels: Channels, who: str) -> None:
    channel = channels.made[who, ""]
    eventually(lambda: channels.log(channel)[0]["state"] == "sent", within=within(channels.members.story), what="sent")
    (logged,) = channels.log(channel)
    assert (logged["id"], logged["attempts"]) == (channels.one(who).headers["Trackers-Id"], 1)


@then("the other webhook's deliveries show the failure and the next attempt")
def log_says_failed(channels: Channels) -> None:
    channel = channels.made["Ada", "other"]
    eventually(
        lambda: channels.log(channel)[0]["attempts"] > 0, within=within(channels.members.story), what="it was tried"
    )
    (logged,) = channels.log(channel)
    assert (logged["state"], logged["last_error"]) == ("pending", "it answered 500")
    assert datetime.fromisoformat(logged["due_at"]) > machine_time()


@then("the other webhook has received one message twice, with the same id")
def got_twice(channels: Channels) -> None:
    first, second = channels.got("Ada", "other")
    assert first.headers["Trackers-Id"] == second.headers["Trackers-Id"]
    assert first.body == second.body
    (logged,) = channels.log(channels.made["Ada", "other"])
    assert (logged["state"], logged["attempts"]) == ("sent", 2)


# ---- what bots read ----


@dataclass
class Bot:
    """A bot that reads what happened; it sees this scenario's events, whatever else happens."""

    members: Members
    after: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    """Those of the scenario, as they came."""
    position: int = 0
    """Of the last event that it heard."""
    stream: Meanwhile | None = None

    def relayed(self) -> None:
        """What waits is relayed: by one of our workers, or by the deployment's, by themselves."""
        if (worker := self.members.story.service.worker) is not None:
            worker.by_itself(RELAY)

    def page(self, *, limit: int, key: str | None = None) -> dict[str, Any]:
        bots = self.members.story.service.bot
        answer = bots.answer(lambda bot: bot.events.list_events(after=self.after, limit=limit), key=key)
        assert answer.status_code == httpx.codes.OK, answer.text
        page: dict[str, Any] = answer.json()
        assert len(page["items"]) <= limit
        return page

    def read_on(self, *, limit: int = 1, key: str | None = None) -> None:
        while (page := self.page(limit=limit, key=key))["next_after"] != self.after:
            self.after = page["next_after"]
            self.events += [event for event in page["items"] if self.is_ours(event)]

    def is_ours(self, event: dict[str, Any]) -> bool:
        return self.members.story.mark in str(event["payload"]).casefold()

    def told(self) -> list[str]:
        """`event of player`; where an event does not show a player's name, the event alone."""
        shown = []
        for event in self.events:
            players = self.members.shown([event["payload"]]) if "display" in event["payload"] else []
            shown.append(" of ".join([event["event"], *(f'"{player}"' for player in players)]))
        return shown

    def reads(self, expected: list[str], *, key: str | None = None) -> None:
        self.relayed()

        def has_read() -> bool:
            self.read_on(key=key)
            return len(self.events) >= len(expected)

        eventually(has_read, within=within(self.members.story), what=f"it reads {expected}")

    def listen(self, *, on: bool = False) -> None:
        """Until it hears of this scenario, in a thread of its own: from now on, or on from the last event it heard."""
        bots = self.members.story.service.bot
        if not on:
            self.position = bots.call(self._newest)
        self.stream = Meanwhile(lambda: bots.call(self._hear))

    @staticmethod
    async def _newest(bot: BotClient) -> int:
        return max([event.position async for event in bot.feed.read()], default=0)

    async def _hear(self, bot: BotClient) -> None:
        async with aclosing(bot.feed.listen(after=self.position, named=["tracker."])) as events:
            async for heard in events:
                self.position, event = heard.position, to_builtins(heard)
                if self.is_ours(event):
                    self.events = [event]
                    return


@pytest.fixture
def bot(members: Members) -> Iterator[Bot]:
    made = Bot(members)
    yield made
    if made.stream is not None:
        made.stream.join()


@given("the bot has read all events")
def has_read_all(bot: Bot) -> None:
    bot.relayed()
    bot.read_on(limit=500)


@then(parsers.re(r"the bot reads the new events? (?P<events>.+)"))
def reads_on(bot: Bot, events: str) -> None:
    expected = events.split(", ")
    bot.reads(expected)
    told = bot.told() if " of " in events else [event["event"] for event in bot.events]
    assert told == expected


@then(
    parsers.parse('the bot reads that "{player}" went from {before:d} to {now:d} in playlist {playlist:d}'),
)
def reads_change(bot: Bot, player: str, before: int, now: int, playlist: int) -> None:
    bot.reads(["tracker.registered", "game_account.changed"])
    (event,) = (event for event in bot.events if event["event"] == "game_account.changed")
    assert event["payload"]["name"] == bot.members.story.marked(player)
    (change,) = event["payload"]["changes"]
    assert (change["playlist"], change["rating_before"], change["rating"]) == (str(playlist), before, now)


@given("the bot listens")
def listens(bot: Bot) -> None:
    bot.listen()


@when("the bot listens again, after the last event that it received")
def listens_on(bot: Bot) -> None:
    bot.listen(on=True)


@then(parsers.re(r"the bot receives (?P<event>[\w.]+ of \"[^\"]+\")(?: and stops listening)?"))
def hears(bot: Bot, event: str) -> None:
    bot.relayed()
    assert bot.stream is not None
    bot.stream.join()
    assert bot.told() == [event]


@then(
    parsers.re(r"a bot with a key for this guild reads (?P<event>[\w.]+ of \"[^\"]+\") and nothing else"),
)
def guild_bot_reads(bot: Bot, event: str) -> None:
    bot.reads([event], key=bot.members.key("events:read", for_guild=True))
    assert bot.told() == [event]


@when('a bot whose key has only the scope "trackers" reads the events')
def other_bot_reads(bot: Bot) -> None:
    key = bot.members.key("trackers", for_guild=False)
    bot.members.story.answered(bot.members.people.bot("GET", "/internal/events", key=key))
