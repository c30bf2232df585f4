"""A page of 50 trackers of 100,000, filtered and counted, as an admin and as who runs a guild asks for it.

The floor runs the least SQL for the same rows on a bare asyncpg connection and leaves them as records; the product
picks its statement by the filters, asks the policy, and makes Structs that go to the wire.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from app.container import running_app
from benchmarks.common import Result, compared, interleaved, median, spread
from benchmarks.followed import follow
from benchmarks.house import House, connect
from shared.scraping.target import Status
from shared.web.identity import PersonIdentity, Role
from trackers.games.schemas import TrackerFilter, TrackerSort

TRACKERS: Final = 100_000
PEOPLE: Final = 25_000
MEMBERS: Final = 1_000
GUILD: Final = "81384788765712384"
ASKED: Final = 12
"""Times that a turn asks."""
ROUNDS: Final = 7
AT_LEAST: Final = 0.5

_FILL: Final = (
    f"INSERT INTO users (id, created_at) SELECT uuidv7(), now() FROM generate_series(1, {PEOPLE})",  # noqa: S608 -- a number of ours
    """
    UPDATE scrape_targets SET last_status = CASE WHEN random() < 0.9 THEN 'completed' ELSE 'failed' END,
           last_reason = 'not_found', last_attempt_at = now(), last_success_at = now(), last_changed_at = now()
    """,
    f"""
    INSERT INTO game_trackers (id, user_id, account_id, url, active, created_at, updated_at)
    SELECT uuidv7(), u.id, a.id, 'https://example.org/' || a.display, a.n % 10 <> 0, now(), now()
    FROM (SELECT id, display, row_number() OVER () AS n FROM game_accounts) a
    JOIN (SELECT id, row_number() OVER () AS n FROM users) u ON u.n = 1 + a.n % {PEOPLE}
    """,  # noqa: S608 -- a number of ours
    f"INSERT INTO guilds (id, name, created_at, updated_at) VALUES ('{GUILD}', 'bench', now(), now())",  # noqa: S608 -- an id of ours
    f"""
    INSERT INTO guild_members (guild_id, user_id, admin, joined_at, confirmed_by)
    SELECT '{GUILD}', id, n = 1, now(), 'operator'
    FROM (SELECT id, row_number() OVER () AS n FROM users) u WHERE n <= {MEMBERS}
    """,  # noqa: S608 -- an id and a number of ours
    "VACUUM ANALYZE",
)
_COLUMNS: Final = """
SELECT k.id, k.user_id, k.url, a.game, a.platform, a.identifier, a.display, a.handle, a.avatar_url, a.current_season,
       k.active, k.created_at, t.last_status, t.last_reason, t.last_error, t.last_attempt_at, t.last_success_at,
       t.last_changed_at, s.due_at, s.run_id, s.lease_until
"""
_FROM: Final = """
FROM game_trackers k
JOIN game_accounts a ON a.id = k.account_id
JOIN scrape_targets t ON t.id = a.target_id
LEFT JOIN scrape_schedule s ON s.target_id = a.target_id
WHERE k.deleted_at IS NULL
"""
_ADMIN: Final = " AND k.active AND a.platform = 'steam' AND t.last_status = 'completed'"
_STAFF: Final = f" AND k.user_id IN (SELECT user_id FROM guild_members WHERE guild_id = '{GUILD}')"  # noqa: S608 -- an id of ours
_PAGE: Final = " ORDER BY k.id DESC LIMIT 50 OFFSET 100"


async def run(house: House) -> list[Result]:
    database = await house.new_database("bench_list")
    connection: Any = await connect(database)
    try:
        await follow(connection, TRACKERS)
        for statement in _FILL:
            await connection.execute(statement)
        staff: UUID = await connection.fetchval("SELECT user_id FROM guild_members WHERE admin")
        environ = house.environ(database)
        async with running_app(house.container(environ)) as container:
            queries = container.games.queries()

            def asking(asker: PersonIdentity, wanted: TrackerFilter) -> Callable[[], Awaitable[float]]:
                async def ask() -> float:
                    started = time.perf_counter()
                    for _ in range(ASKED):
                        page = await queries.list_trackers(
                            asker, wanted, sort=TrackerSort.CREATED_DOWN, page=3, per_page=50
                        )
                        assert len(msgspec.json.encode(page)) > 50 * 300
                    return (time.perf_counter() - started) / ASKED * 1000

                return ask

            def bare(where: str) -> Callable[[], Awaitable[float]]:
                async def ask() -> float:
                    started = time.perf_counter()
                    for _ in range(ASKED):
                        rows = await connection.fetch(_COLUMNS + _FROM + where + _PAGE)
                        total = await connection.fetchval("SELECT count(*)" + _FROM + where)
                        assert len(rows) == 50 < total
                    return (time.perf_counter() - started) / ASKED * 1000

                return ask

            steam = TrackerFilter(platform="steam", status=Status.COMPLETED, active=True)
            times = await interleaved(
                {
                    "admin": asking(_person(staff, Role.ADMIN), steam),
                    "admin_bare": bare(_ADMIN),
                    "staff": asking(_person(staff, Role.USER), TrackerFilter(guild_id=GUILD)),
                    "staff_bare": bare(_STAFF),
                },
                rounds=ROUNDS,
            )
    finally:
        await connection.close()
    return [
        compared(
            f"list_trackers_{who}",
            1000 / median(times[who]),
            "pages/s",
            1000 / median(times[f"{who}_bare"]),
            at_least=AT_LEAST,
            note=f"{median(times[who]):.1f} ms, floor {median(times[f'{who}_bare']):.1f}; "
            f"{spread(times[f'{who}_bare'], times[who])}",
        )
        for who in ("admin", "staff")
    ]


def _person(user_id: UUID, role: Role) -> PersonIdentity:
    return PersonIdentity(
        user_id=user_id, role=role, session_id=user_id, token_id="", expires_at=datetime(2100, 1, 1, tzinfo=UTC)
    )
