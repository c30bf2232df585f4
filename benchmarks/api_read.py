"""Reading one tracker over HTTP with a bot's key, beside two servers that answer the same without one.

`litestar_asyncpg` is the least that can be served with this framework and driver; `fastapi_orm` what is commonly
built. CPU time of the server process per request is what holds on a machine with other work; requests a second are
told beside it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from subprocess import Popen
from typing import Any, Final
from uuid import UUID

import msgspec

from app.container import running_app
from benchmarks.common import Result, ask, child, compared, cpu_seconds, hear, interleaved, median, spread
from benchmarks.followed import FIRST_STEAM_ID, follow
from benchmarks.house import House, connect, plain
from trackers.games.links import identity, site_profile_url

ACCOUNTS: Final = 1_000
REQUESTS: Final = 3_000
CONNECTIONS: Final = 16
ROUNDS: Final = 7
WITHIN: Final = 45.0
OF_BARE: Final = 0.6
TIMES_COMMON: Final = 3.0

_TRACKERS: Final = """
WITH person AS (
    INSERT INTO users (id, created_at) VALUES (uuidv7(), now()) RETURNING id
), fetched_at AS (
    UPDATE scrape_targets SET last_status = 'completed', last_attempt_at = now(), last_success_at = now(),
           last_changed_at = now(), attempts = 1, successes = 1
), told AS (
    UPDATE game_accounts SET handle = display, avatar_url = 'https://avatars.invalid/1.png', current_season = '34'
)
INSERT INTO game_trackers (id, user_id, account_id, url, created_at, updated_at)
SELECT uuidv7(), person.id, a.id, 'https://rocketleague.tracker.network/rocket-league/profile/steam/' || a.display,
       now(), now()
FROM game_accounts a, person
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What one round of requests took."""

    seconds: float
    cpu: float
    p99_ms: float
    body: dict[str, Any]


async def run(house: House) -> list[Result]:
    database = await house.new_database("bench_api")
    tracker_id = await fill(database)
    environ = house.environ(database)
    container = house.container(environ)
    async with running_app(container), container.database().unit_of_work():
        key = (await container.users.keys().create("benchmark", ["trackers:read"])).text
    account = identity(game="rocket-league", platform="steam", display=str(FIRST_STEAM_ID))
    profile_url = site_profile_url(account)
    with (
        child(["benchmarks.load"], log=house.folder / "load.log") as load,
        house.api(environ) as (api, api_port),
        child(
            ["benchmarks.floors.litestar_asyncpg", plain(database), profile_url], log=house.folder / "bare_api.log"
        ) as bare,
        child(["benchmarks.floors.fastapi_orm", database, profile_url], log=house.folder / "common_api.log") as common,
    ):

        def asking(server: Popen[bytes], port: int, **headers: str) -> Callable[[], Awaitable[Cost]]:
            order = {
                "port": port,
                "asking": [{"path": f"/internal/trackers/{tracker_id}", "headers": headers}],
                "requests": REQUESTS,
                "connections": CONNECTIONS,
            }
            ask(load, {**order, "requests": REQUESTS // 4})  # warm

            async def asked() -> Cost:
                before = cpu_seconds(server.pid)
                answered = ask(load, order)
                return Cost(
                    seconds=answered["seconds"],
                    cpu=cpu_seconds(server.pid) - before,
                    p99_ms=answered["p99_ms"],
                    body=msgspec.json.decode(answered["body"]),
                )

            return asked

        costs = await interleaved(
            {
                "product": asking(api, api_port, Authorization=f"Bearer {key}"),
                "bare": asking(bare, hear(bare)),
                "common": asking(common, hear(common)),
            },
            rounds=ROUNDS,
            within=WITHIN,
        )
    _check_same(costs)
    return _results(costs)


def _results(costs: dict[str, list[Cost]]) -> list[Result]:
    results = []
    rates = {name: [REQUESTS / cost.seconds for cost in rounds] for name, rounds in costs.items()}
    cpus = {name: [cost.cpu / REQUESTS * 1e6 for cost in rounds] for name, rounds in costs.items()}
    late = {name: median(cost.p99_ms for cost in rounds) for name, rounds in costs.items()}
    for name, floor, at_least in (("api_read", "bare", OF_BARE), ("api_read_vs_orm", "common", TIMES_COMMON)):
        results += [
            compared(
                name, median(rates["product"]), "requests/s", median(rates[floor]), at_least=at_least,
                note=f"{spread(rates['product'], rates[floor])}; p99 {late['product']:.0f} ms, floor {late[floor]:.0f}",
            ),
            compared(
                f"{name}_cpu", median(cpus["product"]), "µs/request", median(cpus[floor]), at_most=1 / at_least,
                note=spread(cpus["product"], cpus[floor]),
            ),
        ]  # fmt: skip
    return results


async def fill(database: str) -> UUID:
    """A thousand trackers that have been looked at; the id of the first account's."""
    connection = await connect(database)
    try:
        await follow(connection, ACCOUNTS)
        await connection.execute(_TRACKERS)
        await connection.execute("VACUUM ANALYZE")
        found: UUID = await connection.fetchval(
            "SELECT k.id FROM game_trackers k JOIN game_accounts a ON a.id = k.account_id WHERE a.identifier = $1",
            str(FIRST_STEAM_ID),
        )
        return found
    finally:
        await connection.close()


def _check_same(costs: dict[str, list[Cost]]) -> None:
    """All three must have answered the same."""
    bodies = [_plain_times(rounds[0].body) for rounds in costs.values()]
    assert bodies[0] == bodies[1] == bodies[2], bodies


def _plain_times(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value.replace("+00:00", "Z") if isinstance(value, str) else value for name, value in body.items()}
