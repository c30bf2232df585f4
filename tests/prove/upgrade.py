"""A database is brought to this version's schema, and back, while the version before it serves and scrapes.

The version before is the commit in `upgrade_from.txt`, or with BEFORE=commit that one. It runs with the libraries of
this version: its API and worker work on a database that it made, with people who follow players, fencers, a flight and
a region's contracts. They stay up while `trackers migrate` of this version runs; then processes of this version take
over; finally the migration is undone while they run, and the old processes serve again. A bot reads and requests runs
throughout. This does not show how long a migration of a large database holds its locks.
"""

import asyncio
import io
import os
import random
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from tests.conftest import environ_of
from tests.integration.app.test_access import CLUB, FENCER, PASSWORD, trip_after
from tests.integration.faults.harness import DOUBLES, PLAYERS, PROFILE_PAGE, Stage, WorkerProcess, eventually
from tests.prove.bot import Bot
from tests.prove.ground import close, ground
from tests.prove.report import ROOT, Measure, Proof

from app import migrations
from shared.database import create_engine

FOLLOWING: Final = PLAYERS[:20]
AUTO: Final = {"auto_players": True}
OTHERS: Final = ("TRACKERS_HISCORES_", "TRACKERS_CONTRACTS_", "TRACKERS_FLIGHTS_")
FROM: Final = Path(__file__).parent / "upgrade_from.txt"
"""The version that upgrades start from: the last release, or before the first one the last change of names."""
COUNTED: Final = (
    "users",
    "game_accounts",
    "game_trackers",
    "game_snapshots",
    "game_playlist_states",
    "hiscore_players",
    "fencing_registrations",
    "flight_snapshots",
    "contracts",
    "scrape_targets",
)
HEAD: Final = "from app.migrations import head; print(head())"


async def run(seconds: float, seed: int) -> Proof:
    """Old, both, new, and old again; so many seconds of asking in all."""
    with older() as found:
        if isinstance(found, str):
            return Proof(measures=[], skipped=found)
        folder, name, revision = found
        return await _upgraded(folder, name, revision, seconds / 4, seed)


@contextmanager
def older() -> Iterator[tuple[Path, str, str] | str]:
    """Folder, commit and schema of the version before, or the reason why it cannot run here."""
    try:
        commit = _git("rev-parse", "--verify", f"{os.environ.get('BEFORE') or FROM.read_text().strip()}^{{commit}}")
    except (OSError, subprocess.CalledProcessError):
        yield "the commit of the version before is not in this checkout's history"
        return
    with tempfile.TemporaryDirectory(prefix="trackers-prove-") as temporary:
        folder = Path(temporary) / commit
        schema = _head_of(folder) if _laid_out(commit, folder) else None
        yield (folder, commit[:12], schema) if schema else f"the sources of {commit[:12]} do not run here"


def _laid_out(commit: str, folder: Path) -> bool:
    """Whether the sources of a commit are there: a shallow clone ends before it."""
    command = ["git", "-C", str(ROOT), "archive", "--format=tar", commit, "src", "migrations"]
    packed = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 -- git, on our own folder
    if packed.returncode != 0:
        return False
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as sources:
        sources.extractall(folder, filter="data")
    return True


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 -- git, on our own folder


def _head_of(folder: Path) -> str | None:
    command = [sys.executable, "-c", HEAD]
    environ = {**os.environ, "PYTHONPATH": str(folder / "src")}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 -- our own module
    return done.stdout.strip() or None


async def _upgraded(folder: Path, name: str, revision: str, turn: float, seed: int) -> Proof:
    rng = random.Random(seed)  # noqa: S311 -- who is asked for, not a secret
    with ground(seed, games=AUTO, hiscores=AUTO, fencers={"auto": True}) as own:
        stage = await own.stage(migrated=False)
        ours = _sites(stage)
        before = {**ours, "PYTHONPATH": str(folder / "src")}
        try:
            await _migrate(stage, before)
            assert await _revision(stage) == revision
            processes, address = await _serving(stage, before)
            key = (await _command(stage, before, "keys", "create", "prove", "--scope", "trackers")).split()[-1]
            await _follow(stage, address, key)
            measures = [_told("the version before: its commit, its schema", f"{name}, {revision}")]
            async with Bot.of(stage, address, rng, key=key) as bot:
                await _asked(bot, turn)
                counted = await _counts(stage)
                asking = asyncio.create_task(_asked(bot, turn))
                took = await _migrate(stage, ours)
                await asking
                schema = f"{await _revision(stage)}, {took:.1f} s"
                measures += [
                    _told("this version's schema, and how long `trackers migrate` took beneath the old ones", schema),
                    await _kept(stage, counted, "rows, once the old ones had served on"),
                    await _looked(stage, "looks of the old worker on the new schema"),
                ]
                later, address = await _serving(stage, ours)  # both for a moment, as processes are replaced
                await _asked(bot, turn / 4)
                await _end(processes)
            measures += [bot.measure(may_be_away=False), *await _turn(stage, address, rng, key, turn, "the new ones")]
            counted = await _counts(stage)
            await _end(later)
            await _undo(stage, revision)
            processes, address = await _serving(stage, before)
            measures.append(await _kept(stage, counted, "rows, once the migration was undone"))
            measures += await _turn(stage, address, rng, key, turn, "the old ones again")
            await _end(processes)
            return Proof(measures=measures)
        finally:
            close(stage)


async def _turn(stage: Stage, address: str, rng: random.Random, key: str, seconds: float, who: str) -> list[Measure]:
    async with Bot.of(stage, address, rng, key=key) as bot:
        await _asked(bot, seconds)
        return [await _looked(stage, f"looks of {who}"), bot.measure(may_be_away=False)]


async def _serving(stage: Stage, version: dict[str, str]) -> tuple[list[WorkerProcess], str]:
    """An API and a worker of a version; their processes, and the API's address."""
    worker = await stage.ready(stage.worker(**version))
    api, address = await stage.api(**version)
    return [worker, api], address


async def _end(processes: list[WorkerProcess]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        ended = await process.exit_code()
        assert ended in {0, -signal.SIGTERM}, f"{process.log.name} ended with {ended}"


def _sites(stage: Stage) -> dict[str, str]:
    """The settings that lead to the sites beside that of the games."""
    settings = environ_of("", "", stage.sites)
    return {
        **{name: text for name, text in settings.items() if name.startswith(OTHERS)},
        "FENCER_BASE_URL": stage.sites.fencers.url,
        "FENCER_SCRAPE_DELAY_SEC": "0.001",
        "FENCER_SCRAPE_JITTER_SEC": "0",
        "TRACKERS_CONTACT": "proof@example.org",
    }


async def _follow(stage: Stage, address: str, key: str) -> None:
    """People with four players each, registered at the old API; until each was looked at."""
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=30, trust_env=False) as http:
        for start in range(0, len(FOLLOWING), 4):
            links = [f"{PROFILE_PAGE}/{player}/overview" for player in FOLLOWING[start : start + 4]]
            body = {"user_id": f"{281474976710656001 + start}", "urls": links}
            (await http.post("/internal/trackers/register-multiple", json=body)).raise_for_status()
        await _follow_the_rest(http)

    async def fetched_at() -> bool:
        return all(number == of for number, of in (await _completed(stage)).values())

    try:
        await eventually(fetched_at, "everybody was looked at", stage.workers)
    except AssertionError as error:
        raise AssertionError(f"{await _completed(stage)}: {error}") from error


async def _follow_the_rest(http: httpx.AsyncClient) -> None:
    """A person who follows one thing of each other kind; contracts are read for all."""

    async def made(path: str, body: dict[str, Any], **headers: str) -> Any:
        return (await http.post(path, json=body, headers=headers)).raise_for_status().json()

    person = await made("/api/auth/register", {"username": "upgraded", "password": PASSWORD})
    as_them = {"Authorization": f"Bearer {person['access_token']}"}
    await made("/api/players", {"username": "Lynx Titan"}, **as_them)
    await made("/api/fencers", {"fencer": FENCER}, **as_them)
    await made("/api/clubs", {"club": CLUB}, **as_them)
    now = datetime.now(UTC)  # real date: the API is another process
    trip = await made("/api/trips", trip_after(now), **as_them)
    await made("/api/watches", {"trip_id": trip["id"], "target_price": 30000}, **as_them)


async def _completed(stage: Stage, since: datetime | None = None) -> dict[str, tuple[int, int]]:
    """By source: how many targets were looked at, since a moment, and of how many."""
    rows = await stage.rows(
        "SELECT t.source, count(*) AS targets, count(*) FILTER (WHERE EXISTS ("
        "  SELECT FROM scrape_runs r WHERE r.target_id = t.id AND r.status = 'completed'"
        "  AND ($1::timestamptz IS NULL OR r.started_at >= $1))) AS looked"
        " FROM scrape_targets t GROUP BY t.source ORDER BY t.source",
        since,
    )
    return {row["source"]: (row["looked"], row["targets"]) for row in rows}


async def _asked(bot: Bot, seconds: float) -> None:
    await bot.ask_on(asyncio.get_running_loop().time() + seconds)


async def _migrate(stage: Stage, version: dict[str, str]) -> float:
    """`trackers migrate` of a version; the seconds that it took."""
    began = time.monotonic()
    await _command(stage, version, "migrate")
    return time.monotonic() - began


async def _command(stage: Stage, version: dict[str, str], *arguments: str) -> str:
    """A command of a version; what it prints."""
    command = [sys.executable, "-m", stage.program, *arguments]
    environ = {**os.environ, **stage.environ(**version)}
    done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return str(done.stdout)


async def _undo(stage: Stage, revision: str) -> None:
    """Back to a schema, as an operator does who returns to the version before."""
    engine = create_engine(stage.database_url, pool_size=1, application_name="prove")
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrations.downgrade, revision)
            await connection.commit()
    finally:
        await engine.dispose()


async def _revision(stage: Stage) -> str:
    return str(await stage.value("SELECT version_num FROM alembic_version"))


async def _counts(stage: Stage) -> dict[str, int]:
    return {table: int(await stage.value(f"SELECT count(*) FROM {table}")) for table in COUNTED}  # noqa: S608 -- tables of ours


async def _kept(stage: Stage, counted: dict[str, int], what: str) -> Measure:
    """No table has fewer rows than it had."""
    now = await _counts(stage)
    told = ", ".join(f"{table} {counted[table]} to {now[table]}" for table in COUNTED)
    return Measure(what=what, came_out=told, held=all(now[table] >= counted[table] for table in COUNTED))


async def _looked(stage: Stage, what: str) -> Measure:
    """Players play, everybody is due, and what the site serves is what is stored: the process at work does its work."""
    ratings = {
        player: stage.sites.games.play("epic", player, DOUBLES, rating=9)["playlist_states"][str(DOUBLES)]["rating"]
        for player in FOLLOWING
    }
    since = await stage.value("SELECT clock_timestamp()")
    await stage.rows("UPDATE scrape_schedule SET due_at = clock_timestamp()")

    async def stored() -> bool:
        rows = await stage.rows(
            "SELECT a.identifier, g.rating FROM game_playlist_states g JOIN game_accounts a ON a.id = g.account_id"
            " WHERE g.playlist_key = $1",
            str(DOUBLES),
        )
        if {row["identifier"]: row["rating"] for row in rows} != ratings:
            return False
        return all(number == of for number, of in (await _completed(stage, since)).values())

    try:
        await eventually(stored, "what was played is stored", stage.workers)
    except AssertionError as error:
        return Measure(what=what, came_out=str(error)[:1000], held=False)
    others = ", ".join(
        f"{source} {number} of {of}" for source, (number, of) in (await _completed(stage, since)).items()
    )
    told = f"{len(ratings)} of {len(FOLLOWING)} played, and stored as served; targets looked at: {others}"
    return Measure(what=what, came_out=told, held=True)


def _told(what: str, came_out: str) -> Measure:
    return Measure(what=what, came_out=came_out, held=None)
