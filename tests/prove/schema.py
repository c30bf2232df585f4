"""Every operation of the OpenAPI schema, asked of the running product by everybody who may knock.

Schemathesis makes up requests that the schema allows, and such that it does not, from what exists and from nothing;
for each role at an API process of its own, on its own copy of a database with followed things that were looked at. No
answer may be a 5xx, and each must be what the schema says: status, media type, headers and body. What the schema allows
may be refused for what it means, never for how it is written; what it forbids must be refused. Each role asks each of
its operations once, however long that takes, before any in depth, and each must succeed at least once: requests name
what exists, what an operation consumes is made right before, and a role whose login has ended signs in again. Each
role also asks every operation of the others once.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from statistics import median_low
from textwrap import fill
from typing import Any, Final

import httpx
import msgspec
from tests.conftest import environ_of
from tests.integration.app.test_access import ENDPOINTS, LIMITLESS, PASSWORD, World, make_world
from tests.integration.faults.harness import Stage
from tests.prove.asking import ENDLESS, Asked, Breach, Order
from tests.prove.ground import INDOORS, Ground, close, ground
from tests.prove.report import Measure, Proof
from tests.prove.supplies import SUPPLIES

from app.api import asgi, create_app
from app.schema import openapi_schema
from app.worker import WorkerProcess

ROLES: Final = (("member", "bot"), ("admin", "nobody"))
"""Who asks at the same time: as many as a small machine has processors."""
LOGINS: Final = {"member": "owner", "admin": "root"}
AUDIENCES: Final = {"member": ("/api/", "/"), "bot": ("/internal/",), "admin": ("/api/admin/",)}
NUMBERS: Final = {role: number for number, role in enumerate((role for both in ROLES for role in both), 1)}
"""Which part of Redis is whose."""
AUTO: Final = {"auto_players": True}
ONCE: Final = 600.0
"""Seconds that it may take to ask each operation once, on a machine with much else to do."""
EXAMPLES: Final = 25
"""Made-up requests an operation and turn; the seconds end it where they are over first."""
TOLD: Final = 12
"""Breaches that are told in full."""


async def run(seconds: float, seed: int) -> Proof:
    """Ask as everybody."""
    asked: dict[str, Asked] = {}
    with ground(seed, games=AUTO, hiscores=AUTO, fencers={"auto": True}) as own:
        first = await own.stage()
        world = await _populated(first, _environ(own, first, 0))
        for together in ROLES:
            stages = [await _copied(own, role) for role in together]
            told = await asyncio.gather(
                *(
                    _asked_as(role, stage, _environ(own, stage, NUMBERS[role]), world, seconds / len(ROLES), seed)
                    for role, stage in zip(together, stages, strict=True)
                )
            )
            asked |= dict(zip(together, told, strict=True))
    return Proof(measures=list(_measures(asked)), notes=list(_notes(asked)))


def _environ(own: Ground, stage: Stage, number: int) -> dict[str, str]:
    """The settings of one world: its database and its part of Redis, nobody told to come back later."""
    redis = own.servers.redis_url
    return {
        **environ_of(stage.database_url, f"{redis}{'&' if '?' in redis else '?'}db={number}", own.sites),
        **LIMITLESS,
        "TRACKERS_AUTH_ATTEMPTS_PER_ADDRESS": "100000",
        "FENCER_BASE_URL": own.sites.fencers.url,
        "FENCER_SCRAPE_DELAY_SEC": "0.001",
        "FENCER_SCRAPE_JITTER_SEC": "0",
        "TRACKERS_LOG_LEVEL": "WARNING",
    }


async def _copied(own: Ground, role: str) -> Stage:
    """The world as it was made, for one role alone."""
    await own.servers.run(f'CREATE DATABASE "{role}" TEMPLATE proof STRATEGY file_copy')
    folder = own.folder / role
    folder.mkdir()
    return Stage(own.servers, own.servers.url_of(role), own.sites, folder, program=INDOORS)


async def _asked_as(role: str, stage: Stage, environ: dict[str, str], world: World, seconds: float, seed: int) -> Asked:
    try:
        process, address = await stage.api(**environ)
        order = Order(
            url=address,
            openapi=msgspec.json.decode(openapi_schema()),
            own=sorted(_own(role)),
            login=LOGINS.get(role, ""),
            credential=_credential(world, role),
            bot_credential=world.keys["everything"],
            password=PASSWORD,
            paths=_typed({one.operation: world.names_for(one) for one in ENDPOINTS}, "path"),
            queries=_typed({one.operation: world.query_for(one) for one in ENDPOINTS}, "query"),
            bodies={name: body for name, body in world.bodies.items() if name not in SUPPLIES},
            seconds=seconds,
            examples=EXAMPLES,
            seed=seed,
        )
        asked = await asyncio.to_thread(_ask, order)
        if not process.alive:
            asked.errors.append(f"the API died: {process.log.read_text(errors='replace')[-1000:]}")
        return asked
    finally:
        close(stage)


async def _populated(stage: Stage, environ: dict[str, str]) -> World:
    """One of everything, looked at until nothing is left to do."""
    async with stage.engine(**environ) as container:
        transport = httpx.ASGITransport(asgi(create_app(container), container))  # type: ignore[arg-type]  # the same protocol, typed by two libraries
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            world = await make_world(http, container)
    async with stage.engine(**environ) as container:
        await WorkerProcess(container).burst()
    return world


def _is_for(role: str, audience: str, *, is_open: bool) -> bool:
    return is_open if role == "nobody" else audience in AUDIENCES[role]


def _own(role: str) -> set[str]:
    """Operations that a role is for, and that end."""
    return {one.operation for one in ENDPOINTS if _is_for(role, one.audience, is_open=one.open)} - ENDLESS


def _credential(world: World, role: str) -> str:
    known = {"member": world.tokens["owner"], "admin": world.tokens["admin"], "bot": world.keys["everything"]}
    return known.get(role, "")


def _typed(values: dict[str, dict[str, str]], place: str) -> dict[str, dict[str, Any]]:
    """The values that an operation takes there, numbers as numbers: a number written as text counts as a mistake."""
    entered: dict[str, dict[str, Any]] = {}
    for item in msgspec.json.decode(openapi_schema())["paths"].values():
        for raw in item.values():
            known = values[raw["operationId"]]
            entered[raw["operationId"]] = {
                parameter["name"]: int(known[parameter["name"]])
                if parameter["schema"].get("type") == "integer"
                else known[parameter["name"]]
                for parameter in raw.get("parameters", ())
                if parameter["in"] == place and parameter["name"] in known
            }
    return entered


def _ask(order: Order) -> Asked:
    done = subprocess.run(
        [sys.executable, "-m", "tests.prove.asking"],
        input=msgspec.json.encode(order),
        capture_output=True,
        timeout=order.seconds + ONCE,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the asking ended with {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
    return msgspec.json.decode(done.stdout, type=Asked)


def _measures(asked: dict[str, Asked]) -> Iterator[Measure]:
    everything = {one.operation for one in ENDPOINTS}
    reached = set().union(*(one.operations for one in asked.values()))
    missed = {f"{operation} as {role}" for role, one in asked.items() for operation in _own(role) - one.operations}
    yield Measure(
        what="operations of the schema that were asked, each by every role that may",
        came_out=f"{len(reached)} of {len(everything)}; not: {', '.join(sorted(ENDLESS))} (it never ends)"
        + (f", {', '.join(sorted(missed))}" if missed else ""),
        held=not missed,
    )
    for role, one in asked.items():
        failed = sum(count for status, count in one.statuses.items() if status >= 500)
        statuses = ", ".join(f"{status}: {count}" for status, count in one.statuses.items())
        signed_in = f"; signed in again {one.sign_ins} times" if one.sign_ins else ""
        signed_in += f", {one.accounts_lost} times with a new account" if one.accounts_lost else ""
        refused = f", {one.refused:,} more with no or a wrong credential, refused" if one.refused else ""
        cut_off = f"; time was over in: {', '.join(one.cut_off)}" if one.cut_off else ""
        yield Measure(
            what=f"requests as {role}, by status",
            came_out=f"{one.requests - one.refused:,} ({statuses}){refused}{signed_in}{cut_off}",
            held=failed == 0,
        )
        yield successes(role, one, _own(role))
        yield Measure(
            what=f"breaches of the schema as {role}",
            came_out=str(len(one.breaches)),
            held=not one.breaches and not one.errors,
        )


def successes(role: str, asked: Asked, own: set[str]) -> Measure:
    """How many operations did what they are for; those that never did are named, with what they answered instead."""
    numbers = sorted(asked.successes.get(operation, 0) for operation in own)
    never = sorted(own - asked.successes.keys())
    instead = "; ".join(f"{operation}: {_answers(asked.otherwise.get(operation, {}))}" for operation in never)
    return Measure(
        what=f"operations that succeeded (2xx) at least once as {role}",
        came_out=f"{len(own) - len(never)} of {len(own)}, {sum(numbers):,} successful requests in all,"
        f" half of the operations at least {median_low(numbers)} each" + (f"; never: {instead}" if never else ""),
        held=not never,
    )


def _answers(numbers: dict[str, int]) -> str:
    return ", ".join(f"{answer} {number} times" for answer, number in numbers.items()) or "not answered"


def _notes(asked: dict[str, Asked]) -> Iterator[str]:
    for role, one in asked.items():
        own = ", ".join(f"{operation}={one.successes.get(operation, 0)}" for operation in sorted(_own(role)))
        yield fill(f"successful requests as {role}: {own}", 118, break_on_hyphens=False)
        if one.not_made:
            missing = ", ".join(f"{operation} {number} times" for operation, number in one.not_made.items())
            yield f"as {role}, what an operation consumes could not be made: {missing}"
        yield from (f"as {role}: {error}" for error in one.errors[:TOLD])
        for breach, number in _kinds(one.breaches)[:TOLD]:
            yield (
                f"as {role}, {number} times: {breach.operation}, {breach.check}: {breach.message}\n"
                f"asked: {breach.request}\nanswered: {breach.answer[:500]}"
            )


def _kinds(breaches: Sequence[Breach]) -> list[tuple[Breach, int]]:
    def kind(breach: Breach) -> Any:
        return breach.operation, breach.check

    found = [list(group) for _, group in groupby(sorted(breaches, key=kind), key=kind)]
    return [(group[0], len(group)) for group in found]
