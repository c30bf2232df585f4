"""Targets that harm whoever touches them harm nobody else."""

from datetime import timedelta

from tests.integration.faults.harness import Stage, eventually
from tests.integration.faults.odd_worker import DEAD_AFTER, PILL, POISON, STUB, STUB_TABLE

HEALTHY = [f"healthy-{number:02}" for number in range(49)]


async def test_a_result_that_cannot_be_stored_fails_alone(stage: Stage) -> None:
    stubs = await Stubs(stage).followed([*HEALTHY, POISON])
    stage.odd_worker("follows-a-stub")
    await stubs.all_settled()
    assert await stubs.failed() == {POISON: "error"}
    assert await stubs.stored() == HEALTHY
    await stage.assert_nothing_under_way()
    error = await stage.value("SELECT last_error FROM scrape_targets WHERE key = $1", POISON)
    assert "the result could not be stored" in error


async def test_a_target_that_kills_its_workers_ends_dead_and_takes_nobody_with_it(stage: Stage) -> None:
    stubs = await Stubs(stage).followed([*HEALTHY, PILL])
    for _ in range(DEAD_AFTER):
        assert await stage.odd_worker("follows-a-stub", TRACKERS_SCRAPE_LEASE=1).exit_code() == 1
    last = stage.odd_worker("follows-a-stub", TRACKERS_SCRAPE_LEASE=1)
    await stubs.all_settled()
    assert await stubs.failed() == {PILL: "error"}
    assert await stubs.stored() == HEALTHY
    await stage.assert_nothing_under_way()
    due = "SELECT due_at = 'infinity' FROM scrape_schedule s JOIN scrape_targets t ON t.id = s.target_id WHERE key = $1"
    assert await stage.value(due, PILL)
    assert last.alive


class Stubs:
    """Targets of the stub source; see odd_worker.py."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._keys: set[str] = set()

    async def followed(self, keys: list[str]) -> "Stubs":
        self._keys = set(keys)
        await self._stage.rows(STUB_TABLE)
        async with self._stage.engine() as engine, engine.database().unit_of_work():
            await engine.targets().track(STUB, dict.fromkeys(keys, "nowhere"), interval=timedelta(days=1))
        return self

    async def all_settled(self) -> None:
        async def settled() -> bool:
            rows = await self._stage.rows(
                "SELECT key FROM scrape_targets WHERE source = $1 AND last_status IS NOT NULL", STUB
            )
            return {row["key"] for row in rows} == self._keys

        await eventually(settled, "every target is settled", self._stage.workers)

    async def failed(self) -> dict[str, str]:
        """Key -> reason."""
        rows = await self._stage.rows(
            "SELECT key, last_reason FROM scrape_targets WHERE source = $1 AND last_status = 'failed'", STUB
        )
        return {row["key"]: row["last_reason"] for row in rows}

    async def stored(self) -> list[str]:
        return [row["value"] for row in await self._stage.rows("SELECT value FROM stub_values ORDER BY value")]
