"""Modules that are asked once more when a message leaves: what is no news any more, and what is the person's alone."""

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

import pytest
from dependency_injector import providers
from tests.integration.people import Person
from tests.integration.users.guilds.conftest import GUILD
from tests.integration.users.notifications.conftest import Endpoint, Telling, Words

from shared.events import Event
from users.notifications.messages import Recipient


class LateWords(Words):
    """Adds a line to what is news still; what is `over` is none."""

    def __init__(self) -> None:
        self.away = False

    async def enrich_at_send(self, events: Sequence[Event]) -> Mapping[UUID, Sequence[str]]:
        if self.away:
            raise ConnectionResetError
        if any(event.payload.get("odd") for event in events):
            raise RuntimeError("sesame")
        return {event.id: ("Your note: for Ben",) for event in events if not event.payload.get("over")}


@pytest.fixture
def words(telling: Telling) -> LateWords:
    made = LateWords()
    telling.container.notifications.writers.override(providers.Object([made]))
    return made


@pytest.mark.usefixtures("words")
async def test_what_is_the_persons_own_is_said_on_their_channel_and_not_to_their_guild(
    telling: Telling, endpoint: Endpoint, ada: Person, bob: Person
) -> None:
    await telling.guild((ada, True), (bob, False))
    await telling.webhook(ada, "/guild", at=f"/api/guilds/{GUILD}/channels")
    await telling.webhook(bob, "/own")
    await telling.tell(bob)
    lines = {one.path: one.json["lines"] for one in endpoint.received}
    assert lines["/own"] == [*lines["/guild"], "Your note: for Ben"]
    assert all("for Ben" not in str(one.json["payload"]) for one in endpoint.received)


@pytest.mark.usefixtures("words")
async def test_what_is_no_news_any_more_when_quiet_hours_end_is_not_told(
    telling: Telling, endpoint: Endpoint, ada: Person
) -> None:
    made = await telling.webhook(ada)
    await telling.notify(telling.event(n=1), Recipient(user_id=ada.id, subject_id=uuid4()))
    await telling.notify(telling.event(n=2), Recipient(user_id=ada.id, subject_id=uuid4()))
    await telling.execute(
        "UPDATE notified_events SET payload = payload || '{\"over\": true}' WHERE payload @> '{\"n\": 1}'"
    )
    await telling.send()
    assert endpoint.titles() == ["News 2"]
    assert [one["state"] for one in await telling.log(ada, made["channel"])] == ["sent", "skipped"]


@pytest.mark.usefixtures("words")
async def test_a_bug_in_last_words_harms_nobody_else(telling: Telling, endpoint: Endpoint, ada: Person) -> None:
    made = await telling.webhook(ada)
    await telling.tell(ada, odd=True)
    await telling.tell(ada, n=2)
    assert endpoint.titles() == ["News 2"]
    log = await telling.log(ada, made["channel"])
    assert [one["state"] for one in log] == ["sent", "failed"]
    assert "sesame" not in str(log)


async def test_a_database_that_is_away_then_delays_the_message(
    telling: Telling, endpoint: Endpoint, ada: Person, words: LateWords
) -> None:
    made = await telling.webhook(ada)
    words.away = True
    await telling.tell(ada, n=1)
    words.away = False
    assert endpoint.received == []
    assert (await telling.shown(ada, made["channel"]))["failures"] == 0
    telling.later(seconds=61)
    await telling.send()
    assert endpoint.titles() == ["News 1"]
