"""What people are told of what moved, whatever dies: an endpoint, the play that goes on, and what must hold."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from aiohttp import web
from tests.integration.faults.harness import AWAY, DOUBLES, PLAYERS, Stage, eventually

from shared.web.identity import PersonIdentity, Role
from users.notifications.schemas import NewWebhook, Owner

TOLD: Final = 12
"""People who have a channel."""
SETTINGS: Final = {"TRACKERS_NOTIFY_ALLOW_PRIVATE": "true", "TRACKERS_NOTIFY_TIMEOUT": "1"}


class Receiver:
    """An endpoint that now and then fails after it has taken a message in."""

    def __init__(self, rng: random.Random) -> None:
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self._rng = rng

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.taken.append((request.headers["Trackers-Id"], msgspec.json.decode(await request.read())))
        return web.Response(status=500 if self._rng.random() < 0.05 else 200)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Its address, for as long as the block runs."""
        runner = web.ServerRunner(web.Server(self.answer))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield site.name
        finally:
            await runner.cleanup()


async def give_channels(stage: Stage, url: str) -> dict[UUID, UUID]:
    """A verified webhook for some of those who follow something; person -> channel."""
    people = await stage.rows("SELECT DISTINCT user_id FROM game_trackers ORDER BY user_id LIMIT $1", TOLD)
    channels = {}
    async with stage.engine(**SETTINGS) as container:
        for row in people:
            person = row["user_id"]
            async with container.database().unit_of_work():
                service = container.notifications.channels()
                owner = owner_of(person)
                made = await service.add(owner, NewWebhook(name="chaos", url=f"{url}/{person}"))
            channels[person] = made.channel.id
    await stage.rows("UPDATE notification_channels SET verified_at = now()")
    return channels


def owner_of(person: UUID) -> Owner:
    asker = PersonIdentity(
        user_id=person, role=Role.USER, session_id=person, token_id="t", expires_at=datetime(2100, 1, 1, tzinfo=UTC)
    )
    return Owner(asker=asker, address="127.0.0.1", user_id=person)


async def play_on(stage: Stage, rng: random.Random, until: float) -> None:
    """Some players play, everybody becomes due, again and again."""
    loop = asyncio.get_running_loop()
    while loop.time() < until:
        for player in rng.sample(PLAYERS, 40):
            stage.sites.games.play("epic", player, DOUBLES, rating=rng.choice((-9, 7, 12)))
        with suppress(*AWAY):
            await stage.rows("UPDATE scrape_schedule SET due_at = clock_timestamp() WHERE lease_until IS NULL")
        await asyncio.sleep(rng.uniform(0.3, 0.8))  # the pace of play, not a wait for something


async def everything_settled(stage: Stage) -> None:
    """Wait until nothing is due, unrelayed or unsent."""
    left: dict[str, int] = {}

    async def nothing_is_left() -> bool:
        # A minute's rest after each 500, and two after the next, are not what is waited for here.
        await stage.rows("UPDATE notification_channels SET rests_until = NULL WHERE rests_until IS NOT NULL")
        # Nor is the minute for which the dead hold their channels: what lives settles a message within seconds.
        await stage.rows(
            "UPDATE notification_channels SET lease_until = now() WHERE lease_until < now() + interval '50 seconds'"
        )
        await stage.rows("UPDATE notification_deliveries SET due_at = now() WHERE state = 'pending' AND due_at > now()")
        (row,) = await stage.rows("""
            SELECT (SELECT count(*) FROM scrape_schedule WHERE lease_until IS NOT NULL OR due_at < now()) AS due,
                   (SELECT count(*) FROM outbox_events WHERE relayed_at IS NULL) AS unrelayed,
                   (SELECT count(*) FROM notification_deliveries WHERE state = 'pending') AS unsent
        """)
        left.update(row)
        return not any(row.values())

    try:
        await eventually(nothing_is_left, "everything is settled, relayed and sent")
    except AssertionError as error:
        raise AssertionError(f"left after all: {left}") from error


async def assert_told_once(stage: Stage, channels: dict[UUID, UUID], receiver: Receiver) -> int:
    """Every change was told once a channel, under one id and in the same words however often it came; how many."""
    # What moved, by who follows it, straight from the snapshots.
    moved = await stage.rows(
        """
        SELECT t.user_id, count(*) AS times FROM game_snapshots p
        JOIN game_trackers t ON t.account_id = p.account_id
        WHERE t.user_id = ANY($1::uuid[]) AND EXISTS (
            SELECT 1 FROM game_ratings r WHERE r.snapshot_id = p.id AND r.rating_before IS NOT NULL)
        GROUP BY t.user_id
        """,
        list(channels),
    )
    expected = {row["user_id"]: row["times"] for row in moved}
    assert sum(expected.values()) > TOLD
    delivered = await stage.rows("SELECT id, channel_id, state FROM notification_deliveries")
    assert {row["state"] for row in delivered} == {"sent"}
    per_channel = Counter(row["channel_id"] for row in delivered)
    assert {person: per_channel[channel] for person, channel in channels.items()} == {
        person: expected.get(person, 0) for person in channels
    }
    ids = {told for told, _ in receiver.taken}
    assert ids == {str(row["id"]) for row in delivered}
    said: dict[str, set[tuple[str, ...]]] = {}
    for told, body in receiver.taken:
        said.setdefault(told, set()).add(tuple(body["lines"]))
    assert [lines for lines in said.values() if len(lines) > 1] == []  # the same words under the same id
    doubles = [line for (lines,) in said.values() for line in lines if line.startswith("2v2")]
    assert [line for line in doubles if " -> " not in line and "unchanged after" not in line] == []
    return len(ids)
