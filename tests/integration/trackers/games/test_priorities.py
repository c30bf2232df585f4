"""A guild that switched processing off: its members' trackers are skipped, and go on when it is on again."""

from datetime import timedelta

from tests.integration.trackers.games.club import ADA, BEN, CLEO, GUILD, OTHER_GUILD, Club
from tests.upstreams.client import SimulatedSites

from shared.scraping.repository import ScrapingRepository

TWO_DAYS = timedelta(days=2)


async def test_switched_off_trackers_are_skipped_and_switched_on_they_go_on(club: Club, sites: SimulatedSites) -> None:
    await club.put_guild()
    await club.join(ADA)
    trackers = await club.follow(ADA, "Lintwurm")
    await club.work()
    await club.switch(on=False)
    status = await club.status(trackers["Lintwurm"])
    assert (status["status"], status["reason"], status["next_fetch_at"]) == ("completed", "skipped", None)

    await club.pass_by(TWO_DAYS)
    await club.work()
    assert club.asked_for("Lintwurm", sites) == 1

    await club.switch(on=True)
    status = await club.status(trackers["Lintwurm"])
    assert (status["status"], status["reason"]) == ("completed", None)
    await club.work()
    assert club.asked_for("Lintwurm", sites) == 2


async def test_a_tracker_that_is_not_due_yet_is_not_fetched_when_processing_is_on_again(
    club: Club, sites: SimulatedSites
) -> None:
    await club.put_guild()
    await club.join(ADA)
    trackers = await club.follow(ADA, "Lintwurm")
    await club.work()
    due = (await club.status(trackers["Lintwurm"]))["next_fetch_at"]
    await club.switch(on=False)
    await club.switch(on=True)
    await club.work()
    assert club.asked_for("Lintwurm", sites) == 1
    assert (await club.status(trackers["Lintwurm"]))["next_fetch_at"] == due


async def test_one_that_failed_before_is_skipped_not_failed(club: Club, sites: SimulatedSites) -> None:
    await club.put_guild()
    await club.join(ADA)
    sites.games.fault("*/profile/*/Gone*", "missing")
    trackers = await club.follow(ADA, "Gone")
    await club.work()
    assert (await club.status(trackers["Gone"]))["status"] == "failed"
    await club.switch(on=False)
    status = await club.status(trackers["Gone"])
    assert (status["status"], status["reason"], status["error"]) == ("pending", "skipped", None)
    await club.switch(on=True)
    status = await club.status(trackers["Gone"])
    assert (status["status"], status["reason"]) == ("failed", "not_found")


async def test_what_is_registered_meanwhile_waits(club: Club, sites: SimulatedSites) -> None:
    await club.put_guild(tracker_processing=False)
    await club.join(ADA)
    trackers = await club.follow(ADA, "Lintwurm")
    await club.work()
    status = await club.status(trackers["Lintwurm"])
    assert (status["status"], status["reason"]) == ("pending", "skipped")
    assert (await club.told("POST", "/internal/trackers/process-pending"))["queued"] == 0
    await club.work()
    assert club.asked_for("Lintwurm", sites) == 0
    await club.switch(on=True)
    await club.work()
    assert (await club.status(trackers["Lintwurm"]))["status"] == "completed"


async def test_what_waits_for_its_first_look_when_processing_is_switched_off_waits_on(
    club: Club, sites: SimulatedSites
) -> None:
    await club.put_guild()
    await club.join(ADA)
    await club.follow(ADA, "Lintwurm")
    await club.switch(on=False)
    await club.work()
    assert club.asked_for("Lintwurm", sites) == 0


async def test_what_somebody_else_follows_too_is_fetched(club: Club, sites: SimulatedSites) -> None:
    await club.put_guild(tracker_processing=False)
    await club.put_guild(OTHER_GUILD)
    await club.join(ADA, BEN)
    await club.join(BEN, guild=OTHER_GUILD)
    for person, *players in ((ADA, "With-Ben", "With-Cleo", "Alone"), (BEN, "With-Ben"), (CLEO, "With-Cleo")):
        await club.follow(person, *players)
    await club.work()
    assert [club.asked_for(player, sites) for player in ("With-Ben", "With-Cleo", "Alone")] == [1, 1, 0]


async def test_who_leaves_joins_or_loses_the_guild_is_looked_at_anew(club: Club, sites: SimulatedSites) -> None:
    await club.put_guild(tracker_processing=False)
    await club.join(ADA, BEN)
    trackers = {**await club.follow(ADA, "Adas"), **await club.follow(BEN, "Bens"), **await club.follow(CLEO, "Cleos")}

    async def skipped() -> set[str]:
        return {player for player, tracker in trackers.items() if (await club.status(tracker))["reason"] == "skipped"}

    assert await skipped() == {"Adas", "Bens"}
    await club.join(CLEO)
    assert await skipped() == {"Adas", "Bens", "Cleos"}
    await club.leave(BEN)
    assert await skipped() == {"Adas", "Cleos"}
    await club.told("DELETE", f"/internal/guilds/{GUILD}")
    assert await skipped() == set()
    await club.work()
    assert [club.asked_for(player, sites) for player in trackers] == [1, 1, 1]


async def test_what_is_asked_for_by_hand_is_fetched_once(club: Club, sites: SimulatedSites) -> None:
    await club.put_guild()
    await club.join(ADA)
    trackers = await club.follow(ADA, "Lintwurm")
    await club.work()
    await club.switch(on=False)
    await club.pass_by(TWO_DAYS)
    await club.told("POST", f"/internal/trackers/{trackers['Lintwurm']}/refresh")
    await club.work()
    assert club.asked_for("Lintwurm", sites) == 2
    await club.pass_by(TWO_DAYS)
    await club.work()
    assert club.asked_for("Lintwurm", sites) == 2
    assert (await club.status(trackers["Lintwurm"]))["reason"] == "skipped"


async def test_members_of_a_guild_with_processing_on_go_before_people_of_no_guild(club: Club) -> None:
    await club.follow(CLEO, "Cleos")
    await club.put_guild()
    await club.join(ADA)
    await club.follow(ADA, "Adas")
    await club.work()
    await club.pass_by(TWO_DAYS)
    now = club.clock.now()
    async with club.container.database().transaction() as session:
        repository = ScrapingRepository(session)
        claimed = [
            claim.target_id
            for _ in range(2)
            for claim in await repository.claim_due("games", now=now, lease_until=now + TWO_DAYS, limit=1)
        ]
    keys = {row["id"]: row["key"] for row in await club.rows("SELECT id, key FROM scrape_targets")}
    assert [keys[target].rpartition(":")[2] for target in claimed] == ["adas", "cleos"]


async def test_what_was_overlooked_is_put_right_by_and_by(club: Club) -> None:
    await club.put_guild()
    await club.join(ADA)
    trackers = await club.follow(ADA, "Lintwurm")
    await club.rows("UPDATE guilds SET settings = '{\"tracker_processing\": false}'")
    assert (await club.status(trackers["Lintwurm"]))["reason"] is None
    await club.container.games.priority_job().run()
    assert (await club.status(trackers["Lintwurm"]))["reason"] == "skipped"
