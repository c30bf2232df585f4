"""How long others wait while twenty people log in at once, beside how long they wait when nobody does.

Real passwords with the parameters that one gets without setting any, all over one API process. The others are four
connections on which a member reads their own tracker, one read after another; what is measured is how long an answer
takes as they see it. Twenty logins are under way from before the first of these reads until after the last.
"""

import asyncio
import time
from typing import Any, Final

import msgspec

from benchmarks.auth_read import bearer
from benchmarks.common import Result, ask, child, compared, hear, interleaved, median, rounded, tell
from benchmarks.house import House, connect
from benchmarks.load import Answered, Asking, Order
from benchmarks.members import Member, settle
from users.auth.passwords import Passwords
from users.auth.settings import AuthSettings

LOGINS: Final = 20
"""Under way at any time."""
READERS: Final = 4
READING: Final = 3.0
"""Seconds of reads to a round."""
BEFORE: Final = 0.5
"""Seconds of logins before the first read; as many after the last."""
ROUNDS: Final = 7
WITHIN: Final = 75.0
UNDER_MS: Final = 50.0
HASHES: Final = 11
PASSWORD: Final = "the password of every member"  # noqa: S105 -- of a house that is torn down at once
GENEROUS: Final = {
    "TRACKERS_AUTH_ATTEMPTS_PER_ADDRESS": "100000",  # counted like any, never reached
    "TRACKERS_RATE_LIMIT_PERSON": "1000000000",
    "TRACKERS_RATE_LIMIT_ADDRESS": "1000000000",
}


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """How long reads took in one round, and the logins of the meantime."""

    reads: Answered
    logins: Answered | None = None


async def run(house: House) -> list[Result]:
    database = await house.new_database("bench_login")
    passwords = Passwords(AuthSettings())
    try:
        kept = await passwords.hashed(PASSWORD)
        hash_ms, hashes_a_second = await _one_hash(passwords, kept), await _hashes_a_second(passwords, kept)
    finally:
        await passwords.close()
    connection = await connect(database)
    try:
        reader, *others = await settle(connection, 1 + LOGINS, password_hash=kept)
    finally:
        await connection.close()
    with (
        child(["benchmarks.load"], log=house.folder / "load.log") as reading,
        child(["benchmarks.load"], log=house.folder / "load.log") as logging_in,
        house.api(house.environ(database, **GENEROUS)) as (_, port),
    ):
        token = ask(reading, Order(port=port, asking=[login_of(reader)], requests=1, connections=1))["body"]
        read = Asking(
            path=f"/api/trackers/{reader.tracker_id}", headers=bearer(msgspec.json.decode(token)["access_token"])
        )
        reads = Order(port=port, asking=[read], connections=READERS, seconds=READING)
        throughout = BEFORE + READING + BEFORE
        logins = Order(
            port=port, asking=[login_of(member) for member in others], connections=LOGINS, seconds=throughout
        )
        ask(reading, msgspec.structs.replace(reads, seconds=READING / 4))  # warm
        ask(logging_in, msgspec.structs.replace(logins, requests=2 * LOGINS))

        async def quiet() -> Wait:
            return Wait(reads=_answered(ask(reading, reads)))

        async def busy() -> Wait:
            tell(logging_in, logins)
            began = time.perf_counter()
            await asyncio.sleep(BEFORE)
            made = _answered(ask(reading, reads))
            assert time.perf_counter() - began < throughout, "the reads outlasted the logins"
            return Wait(reads=made, logins=_answered(hear(logging_in)))

        waits = await interleaved({"busy": busy, "quiet": quiet}, rounds=ROUNDS, within=WITHIN)
    return results(waits["busy"], waits["quiet"], hash_ms=hash_ms, hashes_a_second=hashes_a_second)


def login_of(member: Member) -> Asking:
    """What a member sends to log in."""
    body = msgspec.json.encode({"login": member.username, "password": PASSWORD}).decode()
    return Asking(path="/api/auth/login", headers={}, method="POST", body=body)


def results(busy: list[Wait], quiet: list[Wait], *, hash_ms: float, hashes_a_second: float) -> list[Result]:
    """The wait has a target of its own, in milliseconds, whatever its floor is."""
    late = [wait.reads.p99_ms for wait in busy]
    undisturbed = median(wait.reads.p99_ms for wait in quiet)
    worst = max(wait.reads.worst_ms for wait in busy)
    reads = [median(wait.reads.requests / wait.reads.seconds for wait in waits) for waits in (busy, quiet)]
    made = [wait.logins for wait in busy if wait.logins is not None]
    logins, took = median(round_.requests / round_.seconds for round_ in made), median(round_.p50_ms for round_ in made)
    p99 = median(late)
    return [
        Result(
            name="login_others_p99", value=rounded(p99), unit="ms", floor=rounded(undisturbed),
            ratio=rounded(p99 / undisturbed), target=f"< {UNDER_MS:g} ms", ok=p99 < UNDER_MS,
            note=f"of reads while {LOGINS} log in; floor: nobody does; rounds {min(late):.0f}-{max(late):.0f} ms, "
            f"worst {worst:.0f} ms; {reads[0]:.0f} reads/s, floor {reads[1]:.0f}",
        ),
        compared(
            "login_rate", logins, "logins/s", hashes_a_second,
            note=f"while {READERS} connections read; one of {LOGINS} takes {took / 1000:.1f} s; floor: hashing alone",
        ),
        Result(name="login_hash", value=rounded(hash_ms), unit="ms", note="one password verified, alone"),
    ]  # fmt: skip


async def _one_hash(passwords: Passwords, kept: str) -> float:
    """Milliseconds."""
    times = []
    for _ in range(HASHES):
        started = time.perf_counter()
        assert await passwords.verified(kept, PASSWORD)
        times.append((time.perf_counter() - started) * 1000)
    return median(times)


async def _hashes_a_second(passwords: Passwords, kept: str) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(passwords.verified(kept, PASSWORD) for _ in range(2 * LOGINS)))
    return 2 * LOGINS / (time.perf_counter() - started)


def _answered(answer: Any) -> Answered:
    return msgspec.convert(answer, Answered)
