"""What is stored of profiles, and what of it is written again."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.clock import FixedClock
from tests.conftest import Bench

from app.container import AppContainer
from shared.scraping.observation import Observation
from shared.scraping.target import Target
from trackers.games.jobs import snapshot_retention
from trackers.games.parser import Profile, parse_profile

PERSON = "281474976710656001"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FROZEN = Path(__file__).parents[3] / "data" / "games" / "profile_2025.json"
Body = dict[str, Any]


def profile(*edits: Callable[[Body], object]) -> Profile:
    body: Body = json.loads(FROZEN.read_bytes())
    for edit in edits:
        edit(body["data"])
    return parse_profile(json.dumps(body).encode())


def standing_of(body: Body, playlist: int) -> Body:
    found: Body = next(
        s for s in body["segments"] if s["type"] == "playlist" and s["attributes"]["playlistId"] == playlist
    )
    return found


def with_last_season(body: Body) -> None:
    """The duplicates of season 33 beside those of 34."""
    duplicates = standing_of(body, 11)
    body["segments"].append({**duplicates, "attributes": {"playlistId": 11, "season": 33}})


def with_rating(rating: int) -> Callable[[Body], object]:
    return lambda body: standing_of(body, 11)["stats"]["rating"].update(value=rating)


async def follow(api: Bench, name: str) -> str:
    url = f"https://rocketleague.tracker.network/rocket-league/profile/epic/{name}/overview"
    answer = await api.http.post("/internal/trackers/add", json={"user_id": PERSON, "url": url})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["trackers"][0]["id"])


async def record(container: AppContainer, *seen: tuple[str, Profile, datetime]) -> set[UUID]:
    """What the engine does with the profiles of trackers once they are fetched."""
    async with container.database().unit_of_work() as session:
        found = {
            str(row.id): row.target_id
            for row in await session.execute(
                text("SELECT k.id, a.target_id FROM game_trackers k JOIN game_accounts a ON a.id = k.account_id")
            )
        }
        observations = [
            Observation(target=a_target(found[tracker]), value=value, at=moment) for tracker, value, moment in seen
        ]
        return set(await container.games.source().record(observations))


def a_target(target_id: UUID) -> Target:
    return Target(
        id=target_id,
        run_id=UUID(int=1),
        lease_until=NOON,
        key="k",
        address="k",
        interval=timedelta(days=1),
        failures=0,
        last_reason=None,
        attempts=0,
        etag=None,
        last_modified=None,
        content_hash=None,
        parser_version=1,
    )


async def items(api: Bench, tracker: str, what: str) -> Any:
    answer = await api.http.get(f"/internal/trackers/{tracker}/{what}")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_one_playlist_that_moved_in_two_seasons_makes_a_snapshot_of_each(api: Bench) -> None:
    tracker = await follow(api, "Comet")
    await record(api.container, (tracker, profile(with_last_season), NOON))
    snapshots = await items(api, tracker, "snapshots")
    assert sorted((s["season"], len(s["playlists"])) for s in snapshots) == [("33", 1), ("34", 9)]
    assert {s["captured_at"] for s in snapshots} == {"2026-03-01T12:00:00Z"}


async def test_a_snapshot_names_the_season_that_moved_and_not_the_one_that_has_just_begun(api: Bench) -> None:
    tracker = await follow(api, "Comet")
    await record(api.container, (tracker, profile(lambda body: body["metadata"].update(currentSeason=35)), NOON))
    assert [s["season"] for s in await items(api, tracker, "snapshots")] == ["34"]


async def test_a_page_may_end_between_two_seasons_of_one_moment(api: Bench) -> None:
    tracker = await follow(api, "Comet")
    await record(api.container, (tracker, profile(with_last_season), NOON))
    first = (await api.http.get(f"/internal/trackers/{tracker}/snapshots?limit=1")).json()
    rest = await items(api, tracker, f"snapshots?limit=1&before={first['next_before']}")
    assert {first["items"][0]["season"], rest[0]["season"]} == {"33", "34"}


@pytest.mark.parametrize("listed", [None, []])
async def test_seasons_with_standings_are_shown_though_the_site_lists_none(api: Bench, listed: object) -> None:
    def unlisted(body: Body) -> None:
        body["availableSegments"] = listed

    tracker = await follow(api, "Comet")
    await record(api.container, (tracker, profile(unlisted), NOON))
    seasons = await items(api, tracker, "seasons")
    assert [(s["key"], s["name"], s["current"]) for s in seasons] == [("34", "Season 20 (34)", True)]
    assert len(seasons[0]["playlists"]) == 9

    await record(api.container, (tracker, profile(unlisted, with_last_season), NOON))
    assert [s["key"] for s in await items(api, tracker, "seasons")] == ["34", "33"]


async def test_only_accounts_that_differ_are_written(api: Bench) -> None:
    still, renamed = await follow(api, "Still"), await follow(api, "Renamed")
    await record(api.container, (still, profile(), NOON), (renamed, profile(), NOON))
    before = await versions(api.container)

    again = profile(lambda body: body["platformInfo"].update(platformUserHandle="New Name"))
    later = NOON + timedelta(days=1)
    assert await record(api.container, (still, profile(), later), (renamed, again, later)) == set()

    after = await versions(api.container)
    assert (after["still"] == before["still"], after["renamed"] == before["renamed"]) == (True, False)
    assert (await api.http.get(f"/internal/trackers/{renamed}")).json()["handle"] == "New Name"


@pytest.mark.parametrize(
    "edit",
    [
        lambda body: body["segments"][0]["stats"]["wins"].update(value=7969),
        lambda body: next(s for s in body["segments"] if s["type"] == "peak-rating")["stats"]["peakRating"].update(
            value=1999
        ),
    ],
)
async def test_a_lifetime_or_a_peak_that_moved_is_written(api: Bench, edit: Callable[[Body], object]) -> None:
    tracker = await follow(api, "Comet")
    await record(api.container, (tracker, profile(), NOON))
    before = await versions(api.container)
    await record(api.container, (tracker, profile(edit), NOON))
    assert await versions(api.container) != before


async def test_standings_of_one_batch_carry_each_their_own_moment(api: Bench) -> None:
    early, late = await follow(api, "Early"), await follow(api, "Late")
    seen = [(early, profile(with_rating(900)), NOON), (late, profile(), NOON + timedelta(seconds=40))]
    await record(api.container, *seen)
    moments = [
        {state["changed_at"] for state in (await items(api, tracker, "seasons"))[0]["playlists"]}
        for tracker in (early, late)
    ]
    assert moments == [{"2026-03-01T12:00:00Z"}, {"2026-03-01T12:00:40Z"}]


@pytest.mark.parametrize("whose", ["nobody", "somebody else"])
async def test_a_page_after_an_unknown_snapshot_is_not_found(api: Bench, whose: str) -> None:
    tracker, other = await follow(api, "Comet"), await follow(api, "Other")
    await record(api.container, (tracker, profile(), NOON), (other, profile(), NOON))
    before = UUID(int=7) if whose == "nobody" else (await items(api, other, "snapshots"))[0]["id"]
    answer = await api.http.get(f"/internal/trackers/{tracker}/snapshots?before={before}")
    assert (answer.status_code, answer.json()["code"]) == (404, "snapshot_not_found")


async def test_nothing_is_older_than_the_oldest_snapshot(api: Bench) -> None:
    tracker = await follow(api, "Comet")
    await record(api.container, (tracker, profile(), NOON))
    oldest = (await items(api, tracker, "snapshots"))[-1]["id"]
    assert await items(api, tracker, f"snapshots?before={oldest}") == []


async def versions(container: AppContainer) -> dict[str, str]:
    """Account -> the transaction that wrote its row last."""
    async with container.database().unit_of_work() as session:
        rows = await session.execute(text("SELECT identifier, xmin::text AS version FROM game_accounts"))
        return {row.identifier: row.version for row in rows}


async def test_snapshots_go_once_they_have_an_age_but_for_the_last_of_each_account(
    api: Bench, container: AppContainer
) -> None:
    often, once = await follow(api, "often"), await follow(api, "once")
    await record(container, (often, profile(), NOON), (once, profile(), NOON))
    for day in range(1, 4):
        await record(container, (often, profile(with_rating(1300 + day)), NOON + timedelta(days=day)))

    async def kept(keep_days: int, days_later: int) -> tuple[int, list[int]]:
        """What went, and how many moments are left of each."""
        clock = FixedClock(NOON + timedelta(days=days_later))
        ageing = snapshot_retention(database=container.database(), clock=clock, keep_days=keep_days)
        gone = await ageing.remove_old()
        answers = [await api.http.get(f"/internal/trackers/{tracker}/snapshots") for tracker in (often, once)]
        return gone, [len(answer.json()["items"]) for answer in answers]

    before = await kept(0, 4000)
    assert before[0] == 0, "for ever"
    (many, one) = before[1]
    assert await kept(30, 29) == (0, [many, one])
    assert await kept(30, 34) == (many - 1 + one - 1, [1, 1])
    newest = (await api.http.get(f"/internal/trackers/{often}/snapshots")).json()["items"][0]
    assert newest["captured_at"].startswith("2026-03-04")
    seasons = (await api.http.get(f"/internal/trackers/{often}/seasons")).json()["items"]
    assert [season["playlists"] != [] for season in seasons if season["current"]] == [True], "a standing is no history"
