"""A member reading their own tracker with an access token, beside the same read without authentication.

Both are the product's API; the floor's lets everybody read as one member. A token that was verified is trusted for a
moment, so a busy caller's is `auth_read`. What is told beside it has no target: the same with its requests counted
against a limit, tokens that were not seen before (signature, denylist, session), and a bot's key. The floor and all
others but `auth_read_limited` have no rate limit.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from itertools import cycle
from subprocess import Popen
from typing import Any, Final

import msgspec

from app.container import AppContainer, running_app
from benchmarks.common import Result, ask, child, compared, cpu_seconds, hear, interleaved, median, spread
from benchmarks.house import House, connect
from benchmarks.load import Asking, Order
from benchmarks.members import Member, settle
from shared.web.identity import PersonIdentity, Role

REQUESTS: Final = 1_500
WARM: Final = REQUESTS // 2
CONNECTIONS: Final = 16
ROUNDS: Final = 17
WITHIN: Final = 75.0
AT_MOST: Final = 1.3
STRANGERS: Final = 2 * REQUESTS
"""Members whose tokens are shown once; by when it is the first one's turn again, nobody remembers theirs."""
UNLIMITED: Final = {
    "TRACKERS_RATE_LIMIT_PERSON": "0",
    "TRACKERS_RATE_LIMIT_BOT": "0",
    "TRACKERS_RATE_LIMIT_ADDRESS": "0",
}
FLOOR: Final = "unauthenticated"
NOTES: Final = {
    "auth_read": "one member's token",
    "auth_read_limited": "the same, counted against a rate limit",
    "auth_read_new_token": "each request another member's token",
    "auth_read_bot": "a bot's key",
}


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one round of requests took."""

    seconds: float
    cpu: float
    p99_ms: float
    body: dict[str, Any]


async def run(house: House) -> list[Result]:
    database = await house.new_database("bench_auth")
    connection = await connect(database)
    try:
        first, *strangers = await settle(connection, 1 + STRANGERS)
    finally:
        await connection.close()
    unlimited = house.environ(database, **UNLIMITED)
    limited = house.environ(database, **UNLIMITED | {"TRACKERS_RATE_LIMIT_PERSON": "1000000000"})  # never reached
    container = house.container(unlimited)
    async with running_app(container):
        async with container.database().unit_of_work():
            key = (await container.users.keys().create("benchmark", ["trackers:read"])).text
        hot, new = reading(container, [first]), reading(container, strangers)
        everybody = msgspec.json.encode(identity_of(container, first)).decode()
    bot = [Asking(path=f"/internal/trackers/{first.tracker_id}", headers=bearer(key))]
    bare = [Asking(path=hot[0].path, headers={})]
    with (
        child(["benchmarks.load"], log=house.folder / "load.log") as load,
        house.api(unlimited) as (api, port),
        house.api(limited) as (limiting, limiting_port),
        child(
            ["benchmarks.floors.unauthenticated", everybody],
            environ=unlimited,
            log=house.folder / "unauthenticated.log",
        ) as floor,
    ):
        floor_port = hear(floor)
        costs = await interleaved(
            {
                FLOOR: _round(load, floor, floor_port, bare),
                "auth_read": _round(load, api, port, hot),
                "auth_read_limited": _round(load, limiting, limiting_port, hot),
                "auth_read_new_token": _round(load, api, port, new),
                "auth_read_bot": _round(load, api, port, bot),
            },
            rounds=ROUNDS,
            within=WITHIN,
        )
    _check_same(costs)
    return results(costs)


def bearer(credentials: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credentials}"}


def reading(container: AppContainer, members: Sequence[Member]) -> list[Asking]:
    """What each member sends to read their own tracker."""
    tokens = container.users.access_tokens()
    return [
        Asking(
            path=f"/api/trackers/{member.tracker_id}",
            headers=bearer(tokens.issue(member.user_id, member.session_id)),
        )
        for member in members
    ]


def identity_of(container: AppContainer, member: Member) -> PersonIdentity:
    """Who a member is once their token is verified."""
    return PersonIdentity(
        user_id=member.user_id,
        role=Role.USER,
        session_id=member.session_id,
        token_id="benchmark",  # noqa: S106 -- an id, no secret
        expires_at=container.clock().now() + timedelta(days=1),
    )


def in_turn(asking: Sequence[Asking], size: int) -> Iterator[list[Asking]]:
    """So many of them for each round, over and over; all of them where there are fewer."""
    return cycle([list(asking[start : start + size]) for start in range(0, len(asking), size)])


def _round(
    load: Popen[bytes], server: Popen[bytes], port: int, asking: Sequence[Asking]
) -> Callable[[], Awaitable[Cost]]:
    """A round of requests to a server that is warm; every round has other requests, where there are so many."""
    turns = in_turn(asking, REQUESTS)
    ask(load, Order(port=port, asking=list(asking[:WARM]), requests=WARM, connections=CONNECTIONS))

    async def asked() -> Cost:
        order = Order(port=port, asking=next(turns), requests=REQUESTS, connections=CONNECTIONS)
        before = cpu_seconds(server.pid)
        answered = ask(load, order)
        return Cost(
            seconds=answered["seconds"],
            cpu=cpu_seconds(server.pid) - before,
            p99_ms=answered["p99_ms"],
            body=msgspec.json.decode(answered["body"]),
        )

    return asked


def results(costs: dict[str, list[Cost]]) -> list[Result]:
    """Requests a second and CPU per request of each way to ask, beside the floor's; only `auth_read` has a target."""
    rates = {name: [REQUESTS / cost.seconds for cost in rounds] for name, rounds in costs.items()}
    cpus = {name: [cost.cpu / REQUESTS * 1e6 for cost in rounds] for name, rounds in costs.items()}
    late = {name: median(cost.p99_ms for cost in rounds) for name, rounds in costs.items()}
    made = []
    for name, what in NOTES.items():
        bound = AT_MOST if name == "auth_read" else None
        made += [
            compared(
                name, median(rates[name]), "requests/s", median(rates[FLOOR]), at_least=1 / bound if bound else None,
                note=f"{what}; {spread(rates[name], rates[FLOOR])}; p99 {late[name]:.0f} ms, floor {late[FLOOR]:.0f}",
            ),
            compared(
                f"{name}_cpu", median(cpus[name]), "µs/request", median(cpus[FLOOR]), at_most=bound,
                note=spread(cpus[name], cpus[FLOOR]),
            ),
        ]  # fmt: skip
    return made


def _check_same(costs: dict[str, list[Cost]]) -> None:
    """Whoever reads the first member's tracker must have been told the same."""
    same = [name for name in costs if name != "auth_read_new_token"]
    bodies = [costs[name][0].body for name in same]
    assert all(body == bodies[0] for body in bodies), bodies
    assert costs["auth_read_new_token"][0].body["id"] != bodies[0]["id"]
