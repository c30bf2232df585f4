"""Whatever goes wrong in whatever order: only what left the market is said to be gone, and in the end all is known."""

import random
from typing import Any

import pytest
from tests.integration.trackers.contracts.market import FORGE, Market
from tests.upstreams.faults import FaultKind

TROUBLES: list[tuple[str, FaultKind, dict[str, Any]]] = [
    ("*page=2", FaultKind.MISSING, {}),
    ("*page=3", FaultKind.UNAVAILABLE, {}),
    ("*page=1", FaultKind.RESET, {"count": 4}),
    ("*page=2", FaultKind.TRUNCATED, {}),
    ("/contracts/public/10000002*", FaultKind.EMPTY, {"count": 2}),
    ("/contracts/public/10000002*", FaultKind.CHANGED, {"count": 1}),
    ("/contracts/public/items/*", FaultKind.STATUS, {"status": 500, "probability": 0.3}),
    ("/universe/types/*", FaultKind.RESET, {"probability": 0.3}),
    ("*page=2", FaultKind.GZIP_BOMB, {"count": 1}),
    ("/contracts/*", FaultKind.BLOCKED, {"count": 1}),
]


@pytest.mark.parametrize("seed", [1, 2])
async def test_only_what_left_is_gone(market: Market, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 -- repeatable
    market.esi.configure(sizes={str(FORGE): 150}, error_limit=0)
    left: set[int] = set()
    for _ in range(4):
        left |= set(market.esi.churn(share=chance.uniform(0.01, 0.2))["gone"])
        trouble = chance.choice(TROUBLES)
        market.esi.fault(trouble[0], trouble[1], seed=seed, **trouble[2])
        if chance.random() < 0.3:
            market.esi.configure(turn_after=chance.randrange(1, 5), turning=chance.random() < 0.5)
        before = set(market.esi.contract_ids())
        await market.look_later()
        left |= before - set(market.esi.contract_ids())  # the generation turned over while it was looked at
        assert await market.ids("gone") <= left
        assert await market.ids("expired") == set()
        assert not await market.ids() & (await market.ids("gone"))
        market.sites.clear_faults()
        market.esi.configure(turn_after=None)
    market.clock.ahead += (await market.region())["next_sweep_at"] - market.clock.now()
    await market.container.pacer().close(market.esi.url.partition("://")[2])
    await market.rows("UPDATE scrape_schedule SET due_at = '2000-01-01', priority = 2")
    await market.look_later()
    assert await market.ids() == set(market.esi.contract_ids())
    assert await market.ids("gone") <= left
    assert (await market.region())["complete"]
    doubled = await market.rows("SELECT 1 FROM contract_items GROUP BY contract_id, record_id HAVING count(*) > 1")
    assert doubled == []
    for contract in sorted(await market.ids())[:20]:
        stored = await market.value("SELECT count(*) FROM contract_items WHERE contract_id = :id", id=contract)
        state = (await market.contract(contract))["items_state"]
        assert stored == (len(market.esi.items(contract)) if state == "read" else 0)
