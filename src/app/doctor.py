"""`trackers doctor`: what is well, what is not, and what to do about it."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, Final

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from app.container import AppContainer
from app.embedded import EmbeddedServersError
from app.migrations import MINIMUM_POSTGRES, current, head
from app.modules import all_settings
from app.runtime import Runtime, environment, runtime
from shared.scraping.source import Source
from shared.settings import SettingsError, load, variables

PATIENCE: Final = 5.0
SERVER_ERROR: Final = 500


class Finding(Exception):  # noqa: N818 -- what a doctor says
    """Something that needs a hand; the message says what to do."""


async def _database(container: AppContainer) -> str:
    async with container.engine().connect() as connection:
        version = int((await connection.execute(text("SHOW server_version_num"))).scalar_one())
    if version < MINIMUM_POSTGRES:
        raise Finding(f"PostgreSQL {version // 10_000} is too old; 18 or newer is needed")
    return f"PostgreSQL {version // 10_000}.{version % 10_000}"


async def _migrations(container: AppContainer) -> str:
    async with container.engine().connect() as connection:
        at = await connection.run_sync(current)
    if at != head():
        raise Finding(f"the database is at {at or 'nothing'}, this version needs {head()}: run `trackers migrate`")
    return head()


async def _redis(container: AppContainer) -> str:
    info = await container.redis().info()
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        raise Finding(f"maxmemory-policy is {policy}: set it to noeviction, or queued work may vanish")
    if not info.get("aof_enabled"):
        return f"Redis {info['redis_version']}; appendonly is off, so a restart delays what was queued"
    return f"Redis {info['redis_version']}, append-only file on"


async def _source(source: Source[Any]) -> str:
    if not source.enabled:
        return f"off: {source.disabled_because}"
    if not source.base_url:
        return "on"
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        try:
            answer = await client.get(f"{source.base_url}/robots.txt")
        except httpx.HTTPError as error:
            raise Finding(
                f"{source.base_url} does not answer ({type(error).__name__}); is the address right?"
            ) from error
    if answer.status_code >= SERVER_ERROR:
        raise Finding(f"{source.base_url} answers {answer.status_code}; it may be down")
    return f"on: {source.base_url} answers"


def examine(console: Console) -> int:
    """Run every check and print a table; 0 when all is well."""
    try:
        with runtime() as made:
            return asyncio.run(_examine(made, console))
    except (SettingsError, EmbeddedServersError) as error:
        console.print(f"[red]{error}[/red]")
        return 1


async def _examine(made: Runtime, console: Console) -> int:
    container = made.container("trackers-doctor")
    checks: dict[str, Callable[[], Awaitable[str]]] = {
        "database": lambda: _database(container),
        "migrations": lambda: _migrations(container),
        "redis": lambda: _redis(container),
    }
    for source in container.sources().all():
        checks[f"source {source.name}"] = lambda source=source: _source(source)  # type: ignore[misc]  # bound per turn
    table = Table("check", "", "finding", "ms")
    table.add_row("settings", "[green]ok[/green]", f"profile {made.settings.env}, home {made.settings.home}", "")
    well = True
    for name, check in checks.items():
        started = perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                finding, mark = await check(), "[green]ok[/green]"
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is a finding
            finding, mark, well = str(error) or type(error).__name__, "[red]!![/red]", False
        table.add_row(name, mark, finding, f"{(perf_counter() - started) * 1000:.0f}")
    console.print(table)
    await container.database().close()
    await container.redis().aclose()
    return 0 if well else 1


def settings_table() -> Table:
    """Every setting with its value; secrets masked."""
    environ = environment()
    loaded = load(all_settings(), environ)
    table = Table("variable", "value", "meaning")
    for struct in all_settings():
        for variable in variables(struct):
            table.add_row(variable.env, str(getattr(loaded[struct], variable.field)), variable.description)
    return table
