"""Floor of `api_read`: Litestar and one asyncpg statement, no authentication, no layers, no log line."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from litestar import Litestar, get
from litestar.datastructures import State
from litestar.params import FromPath

from benchmarks.floors.serving import serve
from shared.scraping.targets import STATUS_COLUMNS
from trackers.games.schemas import TrackerView

TRACKER = f"""
SELECT k.id, k.user_id, k.url, $2::text AS profile_url, a.game, a.platform, a.identifier, a.display, a.handle,
       a.avatar_url, a.current_season, k.active, k.created_at, {STATUS_COLUMNS}
FROM game_trackers k
JOIN game_accounts a ON a.id = k.account_id
JOIN scrape_targets t ON t.id = a.target_id
LEFT JOIN scrape_schedule s ON s.target_id = a.target_id
WHERE k.id = $1 AND k.deleted_at IS NULL
"""  # noqa: S608 -- a constant of ours


def create_app(database: str, profile_url: str) -> Litestar:
    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with asyncpg.create_pool(database, min_size=10, max_size=10) as pool:
            app.state.pool = pool
            yield

    @get("/internal/trackers/{tracker_id:uuid}")
    async def tracker(tracker_id: FromPath[UUID], state: State) -> TrackerView:
        return TrackerView(**await state.pool.fetchrow(TRACKER, tracker_id, profile_url))

    return Litestar(route_handlers=[tracker], lifespan=[lifespan], logging_config=None, openapi_config=None)


if __name__ == "__main__":
    serve(create_app(sys.argv[1], sys.argv[2]))
