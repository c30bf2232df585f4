"""How fast the API answers, beside the least that an answer costs here: one Litestar handler, one asyncpg statement.

The product and the floor each serve from one process, asked by the same sixteen connections, in turns, with a bot's
key at the product and none at the floor. Figures of a busy machine say little; their ratio to the floor, measured
between them, does. Every answer must be a success: the load stops at the first that is not.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import msgspec
from benchmarks.api_read import fill
from benchmarks.common import ask, child, hear, interleaved, median
from benchmarks.followed import FIRST_STEAM_ID
from benchmarks.house import House, plain, private_house
from benchmarks.load import Answered, Asking, Order
from tests.prove.report import Measure, Proof

from app.container import running_app
from trackers.games.links import identity, site_profile_url

CONNECTIONS: Final = 16
ROUNDS: Final = 3
FLOOR: Final = "floor"
GUILD: Final = "81384788765712384"
FIRST_MEMBER: Final = 281474976710656001
SCOPES: Final = ["trackers", "guilds"]


async def run(seconds: float, _seed: int) -> Proof:
    """Every route and the floor in turns, for about so many seconds together."""
    with private_house() as house:
        database = await house.new_database("prove_load")
        tracker = f"/internal/trackers/{await fill(database)}"
        environ = house.environ(database)
        async with running_app(house.container(environ)) as container, container.database().unit_of_work():
            key = (await container.users.keys().create("load", SCOPES)).text
        headers = {"Authorization": f"Bearer {key}"}
        routes = {
            "read a tracker": [Asking(path=tracker, headers=headers)],
            "list 50 trackers": [Asking(path="/internal/trackers?per_page=50", headers=headers)],
            "change a guild": _writes(f"/internal/guilds/{GUILD}", headers, {"name": "Comets"}, {"name": "Meteors"}),
            "change 10 of its members": _writes(
                f"/internal/guilds/{GUILD}/members", headers, _members(admin=True), _members(admin=False)
            ),
        }
        profile = site_profile_url(identity(game="rocket-league", platform="steam", display=str(FIRST_STEAM_ID)))
        answered = await _asked(house, environ, database, profile, routes, seconds / (ROUNDS * (len(routes) + 1)))
        return Proof(measures=list(_measures(answered)))


def _members(*, admin: bool) -> dict[str, Any]:
    return {"members": [{"user_id": f"{FIRST_MEMBER + number}", "admin": admin} for number in range(10)]}


def _writes(path: str, headers: dict[str, str], *bodies: Any) -> list[Asking]:
    """Each undoes what the one before it did, so that all of them write."""
    return [
        Asking(path=path, headers=headers, method="PUT", body=msgspec.json.encode(body).decode()) for body in bodies
    ]


async def _asked(
    house: House, environ: dict[str, str], database: str, profile: str, routes: dict[str, list[Asking]], turn: float
) -> dict[str, list[Answered]]:
    with (
        child(["benchmarks.load"], log=house.folder / "load.log") as load,
        house.api(environ) as (_, port),
        child(["benchmarks.floors.litestar_asyncpg", plain(database), profile], log=house.folder / "bare.log") as bare,
    ):
        bare_port = hear(bare)

        def asking(requests: list[Asking], at: int) -> Callable[[], Awaitable[Answered]]:
            order = Order(port=at, asking=requests, connections=CONNECTIONS, seconds=turn)

            async def made() -> Answered:
                try:
                    return msgspec.convert(ask(load, order), Answered)
                except RuntimeError as error:
                    said = (house.folder / "load.log").read_text(errors="replace").strip().splitlines()
                    raise AssertionError(f"{requests[0].method} {requests[0].path}: {said[-1:]}") from error

            return made

        reading = [Asking(path=routes["read a tracker"][0].path, headers={})]
        contenders = {FLOOR: asking(reading, bare_port)} | {
            name: asking(requests, port) for name, requests in routes.items()
        }
        for contender in contenders.values():
            await contender()  # warm
        return await interleaved(contenders, rounds=ROUNDS)


def _measures(answered: dict[str, list[Answered]]) -> Iterator[Measure]:
    floor = answered[FLOOR]
    for name, rounds in answered.items():
        rate, least = (median(one.requests / one.seconds for one in many) for many in (rounds, floor))
        half, late = median(one.p50_ms for one in rounds), median(one.p99_ms for one in rounds)
        told = f"{rate:,.0f} requests/s, p50 {half:.1f} ms, p99 {late:.1f} ms"
        if name != FLOOR:
            times = late / median(one.p99_ms for one in floor)
            told += f"; {rate / least:.2f} of the floor's rate, p99 {times:.1f} times its"
        yield Measure(what=name, came_out=told, held=None)
    yield Measure(
        what="requests, all answered with success: the first that is not breaks the part off",
        came_out=f"{sum(one.requests for rounds in answered.values() for one in rounds):,}",
        held=None,
    )
