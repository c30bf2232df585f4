"""Looking at players by hand and by the clock; changing how; who follows whom."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text
from tests.conftest import container_of
from tests.integration.people import People, Person
from tests.integration.trackers.hiscores.stage import LEVEL_98, LEVEL_99, Stage, gain_of

from shared.events import Event
from trackers.hiscores.messages import HiscoreMessages
from users.notifications.digest import DigestWindow
from users.notifications.messages import RecipientLocale

HOUR = timedelta(hours=1)
UTC_READER = RecipientLocale(locale="en", time_zone="UTC")


async def test_a_fetch_gives_a_task_and_an_estimate(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    lately = await stage.ask("POST", "/lynx titan/fetch")
    assert (lately.status_code, lately.json()["code"]) == (429, "refresh_cooldown")
    assert 0 < int(lately.headers["Retry-After"]) <= 60
    stage.clock.ahead += timedelta(minutes=2)
    asked = await stage.ask("POST", "/lynx titan/fetch")
    assert asked.status_code == 202, asked.text
    again = await stage.ask("POST", "/LYNX_titan/fetch")
    assert again.json()["task_id"] == asked.json()["task_id"]
    assert 0 <= asked.json()["estimated_seconds"] < 10
    task = await stage.person.ask("GET", f"/api/tasks/{asked.json()['task_id']}")
    assert task.json()["status"] == "pending"
    stage.site.play("Lynx Titan", xp={"Slayer": 10})
    await stage.look("lynx titan", later=timedelta(0))
    task = await stage.person.ask("GET", f"/api/tasks/{asked.json()['task_id']}")
    assert (task.json()["status"], task.json()["changed"]) == ("completed", True)


async def test_the_estimate_grows_with_who_is_ahead_and_the_pace(stage: Stage, environ: dict[str, str]) -> None:
    names = [f"player {number}" for number in range(6)]
    for name in names:
        stage.site.add_player(name)
        await stage.add(name)
    slow = container_of({**environ, "TRACKERS_HISCORES_DELAY": "3", "TRACKERS_HISCORES_FETCH_COOLDOWN": "0"})
    takes = []
    for name in names:
        async with slow.database().unit_of_work():
            takes.append((await slow.hiscores.service().fetch(name)).estimated_seconds)
    await slow.database().close()
    await slow.redis().aclose()
    assert [round(later - earlier) for earlier, later in pairwise(takes)] == [3] * 5


async def test_a_shorter_interval_does_not_wait_for_the_longer_one(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan", interval=2_592_000)
    await stage.ask("PATCH", "/lynx titan", {"interval": 900})
    (row,) = await stage.rows("SELECT due_at FROM scrape_schedule WHERE source = 'hiscores'")
    assert row["due_at"] - stage.clock.now() <= timedelta(seconds=900)


async def test_who_is_deactivated_is_not_looked_at(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    changed = await stage.ask("PATCH", "/lynx titan", {"active": False})
    assert (changed.status_code, changed.json()["active"]) == (200, False)
    stage.clock.ahead += timedelta(minutes=2)
    refused = await stage.ask("POST", "/lynx titan/fetch")
    assert (refused.status_code, refused.json()["code"]) == (409, "player_inactive")
    assert await stage.rows("SELECT 1 FROM scrape_schedule WHERE source = 'hiscores'") == []
    assert (await stage.ask("PATCH", "/lynx titan", {"active": True})).json()["active"] is True
    assert (await stage.ask("POST", "/lynx titan/fetch")).status_code == 202


@pytest.mark.parametrize("change", [{"interval": 60}, {"interval": 2_592_001}, {"mode": "hard"}, {"username": "x"}])
async def test_what_cannot_be_changed_is_refused(stage: Stage, change: dict[str, Any]) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    assert (await stage.ask("PATCH", "/lynx titan", change)).status_code == 422


async def test_who_does_not_play_is_looked_at_more_rarely_unless_that_is_not_wanted(stage: Stage) -> None:
    async def next_look(name: str) -> timedelta:
        await stage.look(name, later=timedelta(0))
        (row,) = await stage.rows(
            "SELECT s.due_at FROM scrape_schedule s JOIN scrape_targets t ON t.id = s.target_id WHERE t.key = :key",
            key=f"regular:{name}",
        )
        due: datetime = row["due_at"]
        return due - stage.clock.now()

    for name in ("lazy", "steady"):
        stage.site.add_player(name)
        await stage.add(name, interval=3600, adaptive=name == "lazy")
    assert HOUR / 2 <= await next_look("lazy") <= HOUR * 1.6
    stage.clock.ahead += timedelta(days=2)
    assert HOUR * 2.5 <= await next_look("lazy") <= HOUR * 9.5  # an eighth of two days is six hours
    assert HOUR / 2 <= await next_look("steady") <= HOUR * 1.6
    stage.site.play("lazy", xp={"Slayer": 10})
    assert HOUR / 2 <= await next_look("lazy") <= HOUR * 1.6


async def test_nobody_follows_more_than_they_may(stage: Stage, people: People) -> None:
    limit = stage.api.container.hiscores_settings().follow_limit
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan", follow=False)
    await stage.api.container.standalone_writer().execute(
        text(
            """
            WITH made AS (
                INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at)
                SELECT uuidv7(), 'hiscores', 'regular:p' || n, 'regular:p' || n, 3600, now()
                FROM generate_series(1, :limit) AS n RETURNING id, key
            ), players AS (
                INSERT INTO hiscore_players (id, target_id, username, display_name, mode, created_at)
                SELECT uuidv7(), id, substr(key, 9), substr(key, 9), 'regular', now() FROM made RETURNING id
            )
            INSERT INTO hiscore_follows (user_id, player_id, created_at)
            SELECT CAST(:user AS uuid), id, now() FROM players
            """
        ),
        {"limit": limit, "user": stage.person.id},
    )
    refused = await stage.ask("PUT", "/lynx titan/follow")
    assert (refused.status_code, refused.json()["code"]) == (409, "follow_limit")
    assert (await stage.ask("PUT", "/p1/follow")).status_code == 200  # twice is once
    await stage.ask("DELETE", "/p1/follow")
    assert (await stage.ask("PUT", "/lynx titan/follow")).json()["following"] is True
    assert (await stage.get("/following"))["total"] == limit


async def test_followers_are_told_what_was_reached_and_not_of_experience_alone(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan", xp={"Slayer": LEVEL_98}, scores={"Vorkath": 0})
    await stage.add("Lynx Titan")
    container = stage.api.container
    async with container.database().unit_of_work():
        channel = await _webhook(container, stage)
    stage.site.play("Lynx Titan", xp={"Slayer": 5})
    await stage.look("lynx titan")
    stage.site.play("Lynx Titan", xp={"Slayer": LEVEL_99 - LEVEL_98}, scores={"Vorkath": 1})
    await stage.look("lynx titan")
    await container.events.relay().run()
    told = await stage.rows(
        "SELECT e.id, e.event, e.aggregate, e.payload, e.user_id, e.occurred_at FROM notification_deliveries d"
        " JOIN notified_events e ON e.id = d.event_id WHERE d.channel_id = :channel",
        channel=channel,
    )
    assert [row["event"] for row in told] == ["player.progressed"]
    message = HiscoreMessages().write(Event(**told[0]), stage.person.id, UTC_READER)
    assert message is not None
    assert message.title == "Lynx Titan"
    assert message.lines == (
        "Slayer 98 -> 99",
        "Reached: 99 Slayer",
        "Reached: first Vorkath",
        f"+{LEVEL_99 - LEVEL_98:,} experience in total",
    )


@pytest.mark.parametrize(
    ("method", "body", "line"),
    [
        ("PATCH", {"active": False}, "The player was deactivated."),
        ("DELETE", None, "The player was removed. The history comes back if somebody adds the player again."),
    ],
)
async def test_followers_are_told_when_an_admin_has_nobody_look_any_more(
    stage: Stage, admin: Person, method: str, body: object, line: str
) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    container = stage.api.container
    async with container.database().unit_of_work():
        channel = await _webhook(container, stage)
    assert (await admin.ask(method, "/api/players/lynx titan", body)).is_success
    await container.events.relay().run()
    (told,) = await stage.rows(
        "SELECT e.id, e.event, e.aggregate, e.payload, e.user_id, e.occurred_at FROM notification_deliveries d"
        " JOIN notified_events e ON e.id = d.event_id WHERE d.channel_id = :channel",
        channel=channel,
    )
    message = HiscoreMessages().write(Event(**told), stage.person.id, UTC_READER)
    assert message is not None
    assert (message.title, message.lines) == ("Updates of Lynx Titan have stopped", (line,))


async def test_who_puts_their_own_player_to_rest_is_not_told(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    assert (await stage.ask("PATCH", "/lynx titan", {"active": False})).status_code == 200
    assert await stage.rows("SELECT 1 FROM outbox_events WHERE event = 'player.stopped'") == []


async def test_a_digest_sums_up_what_a_window_comes_to(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan", xp={"Slayer": LEVEL_98}, scores={"Vorkath": 0})
    stage.site.add_player("Idle Lynx")
    await stage.add("Lynx Titan")
    await stage.add("Idle Lynx")
    since = stage.clock.now()
    for gained, kills in ((5, 0), (LEVEL_99 - LEVEL_98, 60)):
        stage.site.play("Lynx Titan", xp={"Slayer": gained}, scores={"Vorkath": kills})
        await stage.look("lynx titan")
    await stage.look("idle lynx")
    window = DigestWindow(user_id=stage.person.id, since=since, until=stage.clock.now())
    container = stage.api.container
    async with container.database().unit_of_work():
        told = await container.hiscores.digest().sections([window])
        later = await container.hiscores.digest().sections(
            [DigestWindow(user_id=stage.person.id, since=window.until, until=window.until + HOUR)]
        )
    (section,) = told[stage.person.id]
    (entry,) = section.groups[0].entries
    assert entry.title == "Lynx Titan"
    assert entry.detail == f"+{LEVEL_99 - LEVEL_98 + 5:,} experience; 99 Slayer; first Vorkath; 50 Vorkath"
    assert later == {}


async def test_a_person_takes_their_list_along_and_leaves_players_behind(stage: Stage, people: People) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    export = (await stage.person.ask("GET", "/api/users/me/export")).json()
    (row,) = export["data"]["players"]
    assert (row["username"], row["added"]) == ("lynx titan", True)
    answer = await stage.person.erase()
    assert answer.status_code < 300, answer.text
    ben = await people.register("ben")
    player = (await ben.ask("GET", "/api/players/lynx titan")).json()
    assert player["active"] is True
    assert await stage.rows("SELECT 1 FROM hiscore_follows") == []
    assert (await ben.ask("PATCH", "/api/players/lynx titan", {"active": False})).status_code == 403


async def test_gains_of_long_past_periods_go_and_their_bests_stay(stage: Stage) -> None:
    stage.site.add_player("Lynx Titan")
    await stage.add("Lynx Titan")
    stage.site.play("Lynx Titan", xp={"Slayer": 100})
    await stage.look("lynx titan")
    stage.clock.ahead += timedelta(days=800)
    assert await stage.api.container.hiscores.gain_retention().remove_old() == 4 * 2  # slayer and overall
    assert await stage.rows("SELECT 1 FROM hiscore_gains") == []
    bests = (await stage.get("/lynx titan/records"))["items"]
    assert {one["gained"] for one in bests} == {100}
    assert {one["period"] for one in bests} == {"day", "week", "month", "year"}


async def test_bots_look_up_follow_and_read(stage: Stage, people: People) -> None:
    stage.site.add_player("Lynx Titan", xp={"Slayer": LEVEL_99})
    http = stage.api.http
    person = "281474976710656001"
    made = await http.post("/internal/players", json={"username": "Lynx Titan", "user_id": person})
    assert made.status_code == 201, made.text
    assert (await http.get("/internal/players/lynx_titan")).json()["verified"] is True
    stage.site.play("Lynx Titan", xp={"Slayer": 250})
    await stage.look("lynx titan")
    card = (await http.get("/internal/players/lynx titan/card")).json()
    assert card["player"]["display_name"] == "Lynx Titan"
    assert (card["xp_today"], card["xp_this_week"]) == (250, 250)
    assert card["skills_at_99"] >= 1
    assert card["latest_achievements"][0]["after"] is None
    gains = (await http.get("/internal/players/lynx titan/gains", params={"period": "12h"})).json()
    assert {one["metric"] for one in gains["gains"]} == {"overall", "slayer"}
    assert gain_of(gains, "slayer")["gained"] == 250
    stranger = await http.delete("/internal/players/lynx titan/follow", params={"user_id": "281474976710656077"})
    assert stranger.json()["following"] is False
    assert len(await stage.rows("SELECT 1 FROM user_identities WHERE external_id = '281474976710656077'")) == 0
    unfollowed = await http.delete("/internal/players/lynx titan/follow", params={"user_id": person})
    assert unfollowed.json()["following"] is False
    followed = await http.put("/internal/players/lynx titan/follow", json={"user_id": person})
    assert followed.json()["following"] is True
    assert (await http.get("/internal/players/nobody")).json()["code"] == "player_not_found"
    many = (await http.get("/internal/players/stats", params={"usernames": "lynx titan,nobody,LYNX_TITAN"})).json()
    assert ([one["player"]["username"] for one in many["items"]], many["missing"]) == (["lynx titan"], ["nobody"])
    assert (await http.delete("/internal/players/lynx titan")).status_code == 204


async def _webhook(container: Any, stage: Stage) -> Any:
    made = await stage.person.ask(
        "POST", "/api/users/me/channels", {"kind": "webhook", "url": "https://bot.example.org/hook"}
    )
    channel = made.json()["channel"]["id"]
    await container.standalone_writer().execute(text("UPDATE notification_channels SET verified_at = now()"))
    return channel
