"""`trackers doctor`: checks settings, servers and sources, and shows what to do about problems."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from time import perf_counter
from typing import Any, Final

import asyncpg
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.checks import disks_have_room, migrations_are_in, queue_has_room, revisions, workers_are_alive
from app.container import AppContainer
from app.embedded import EmbeddedServersError
from app.migrations import MINIMUM_POSTGRES, MigrationError
from app.modules import all_settings
from app.runtime import Runtime, environment, runtime
from app.supervisor import PARENT
from shared.database import connection_was_lost
from shared.redaction import redacted_text
from shared.scraping.failures import ScrapeFailure
from shared.scraping.pacing import HostCoolingDownError, PacerUnreachableError
from shared.scraping.repository import SourcePaused
from shared.scraping.source import Source
from shared.settings import SettingsError, load, unread, variables
from shared.storage import full_storage
from shared.web.health import NotWell
from users.auth.schemas import KnownKey
from users.notifications.field_encryption import Unsealable

ANSWER_TIMEOUT_S: Final = 5.0
"""Seconds to wait for a host's next slot, and then for its response."""
MAX_CHECK_S: Final = 15.0
OK_MARK: Final = "[green]ok[/green]"
NOTE_MARK: Final = "[yellow]note[/yellow]"
NOT_OK_MARK: Final = "[red]!![/red]"
SERVERS: Final = {
    "database": ("PostgreSQL", "TRACKERS_DATABASE_URL"),
    "migrations": ("PostgreSQL", "TRACKERS_DATABASE_URL"),
    "disk": ("PostgreSQL", "TRACKERS_DATABASE_URL"),
    "redis": ("Valkey (or Redis)", "TRACKERS_REDIS_URL"),
    "secret": ("PostgreSQL", "TRACKERS_DATABASE_URL"),
    "workers": ("Valkey (or Redis)", "TRACKERS_REDIS_URL"),
}

_SEALED_LAST: Final = text("SELECT id, target FROM notification_channels ORDER BY id DESC LIMIT 1")


class Finding(NotWell):
    """A problem; the message says what to do. Only the operator reads it, so it may hold addresses."""


class Remark(Exception):  # noqa: N818 -- the result of a check, not a program error
    """A note; the check has passed."""


async def _database(container: AppContainer) -> str:
    async with container.engine().connect() as connection:
        version = int((await connection.execute(text("SHOW server_version_num"))).scalar_one())
    if version < MINIMUM_POSTGRES:
        raise Finding(f"PostgreSQL {version // 10_000} is too old; 18 or newer is needed")
    return f"PostgreSQL {version // 10_000}.{version % 10_000}"


async def _workers(container: AppContainer) -> str:
    try:
        return ", ".join(await workers_are_alive(container.heartbeats()))
    except NotWell as alone:
        raise Remark(str(alone)) from alone


async def _redis(container: AppContainer) -> str:
    info = await container.redis().info()
    await queue_has_room(container.redis())
    valkey = info.get("valkey_version")  # Valkey also reports a redis_version for compatibility
    server = f"Valkey {valkey}" if valkey else f"Redis {info['redis_version']}"
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        raise Finding(f"maxmemory-policy is {policy}: set it to noeviction, or queued jobs may be lost")
    if not info.get("aof_enabled"):
        raise Remark(
            f"{server}: appendonly is off, so a restart delays queued jobs and loses the cooldowns of "
            "sites and the state of rate limits: set appendonly to yes"
        )
    return f"{server}, append-only file on"


async def _secret(container: AppContainer) -> str:
    """Decrypt the newest channel, which fails if a database was restored with the wrong secret."""
    async with container.engine().connect() as connection:
        sealed = (await connection.execute(_SEALED_LAST)).first()
    try:
        if sealed is not None:
            container.notifications.encryption().open(sealed.id, sealed.target)
    except Unsealable as error:
        raise Finding(
            "channels are encrypted with another secret, and keys and sessions were made with it: set the old "
            "TRACKERS_SECRET_KEY again (docs/operations.md)"
        ) from error
    if container.installation_secret().replaces_another:
        raise Remark("a previous secret is still accepted: `trackers secrets rotate` shows what needs it")
    return "no channels are stored yet" if sealed is None else "decrypts the stored channels"


async def _source(container: AppContainer, source: Source[Any]) -> str:
    """Fetch robots.txt of the site, which every agent may, with our User-Agent, pace and cooldowns."""
    if not source.enabled:
        return f"off: {source.disabled_because}"
    if paused := await _pause_of(container, source):
        return f"paused since {_minute(paused.since)}{f': {paused.reason}' if paused.reason else ''}"
    if not source.base_url:
        return "on"
    address = f"{source.base_url}/robots.txt"
    context = container.runner().context_of(source, key="robots.txt", address=address)
    context.policy = replace(context.policy, obey_robots=False)  # robots.txt itself is always allowed
    context.max_wait = context.longest_answer = ANSWER_TIMEOUT_S
    try:
        answer = await context.get(address)
    except ScrapeFailure as failure:
        await context.report(failure)
        raise Finding(f"{source.base_url}: {failure}; is the address right, and is the site up?") from failure
    except HostCoolingDownError as cooldown:
        raise Finding(
            f"{source.base_url} is in cooldown for another {cooldown.seconds:.0f} s: wait, then try again"
        ) from cooldown
    except PacerUnreachableError as error:
        raise Finding("not fetched: the pace of requests to the site is kept in Redis, which is unreachable") from error
    await context.confirm()
    return f"on: {source.base_url} answers {answer.status}"


async def _pause_of(container: AppContainer, source: Source[Any]) -> SourcePaused | None:
    """The pause of a source, if any. Errors of the database are ignored here: another check reports them."""
    with suppress(OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return await container.source_queries().pause_of(source.name)
    return None


def examine(console: Console) -> int:
    """Run all checks and print a table; return 0 if all have passed, else 1."""
    try:
        with runtime() as app_runtime:
            return asyncio.run(_examine(app_runtime, console))
    except Exception as error:  # noqa: BLE001 -- every error becomes a message
        named = isinstance(error, SettingsError | EmbeddedServersError)
        console.print(Text(str(error) if named else _advice(error), style="red"))
        return 1


async def _examine(app_runtime: Runtime, console: Console) -> int:
    container = app_runtime.container("trackers-doctor")
    table = Table("check", "", "finding", "ms")
    table.add_row(
        "settings", OK_MARK, Text(f"profile {app_runtime.settings.env}, home {app_runtime.settings.home.resolve()}"), ""
    )
    if names := _unread_variables():
        table.add_row("settings", NOTE_MARK, Text(f"unknown variables, perhaps misspelt: {', '.join(names)}"), "")
    well = True
    try:
        for name, check in _checks(container):
            started = perf_counter()
            try:
                async with asyncio.timeout(MAX_CHECK_S):
                    finding, mark = await check(), OK_MARK
            except Remark as remark:
                finding, mark = str(remark), NOTE_MARK
            except Exception as error:  # noqa: BLE001 -- every error is a finding
                finding, mark, well = _advice(error, name), NOT_OK_MARK, False
            table.add_row(name, mark, Text(finding), f"{(perf_counter() - started) * 1000:.0f}")
    finally:
        for close in (container.database().close, container.redis().aclose, container.clients().close):
            with suppress(Exception):
                await close()
    console.print(table)
    return 0 if well else 1


def _checks(container: AppContainer) -> Iterator[tuple[str, Callable[[], Awaitable[str]]]]:
    yield "database", lambda: _database(container)
    yield "migrations", lambda: _migrations(container)
    yield "disk", lambda: _disk(container)
    yield "redis", lambda: _redis(container)
    yield "secret", lambda: _secret(container)
    yield "workers", lambda: _workers(container)
    try:
        sources = container.sources().all()
    except Exception as error:  # noqa: BLE001 -- a plug-in may raise anything

        async def broken(error: Exception = error) -> str:
            raise Finding(f"a source cannot be built: {type(error).__name__}: {error}") from error

        yield "sources", broken
        return
    for source in sources:
        yield f"source {source.name}", lambda source=source: _source(container, source)  # type: ignore[misc]  # bound in each iteration


async def _disk(container: AppContainer) -> str:
    await disks_have_room(container.engine(), container.settings().home)
    return "PostgreSQL can write, and there is enough room"


async def _migrations(container: AppContainer) -> str:
    return migrations_are_in(await revisions(container.engine()))


def _unread_variables() -> list[str]:
    return [name for name in unread(all_settings(), environment()) if name != PARENT]


def _advice(error: Exception, check: str = "") -> str:
    """The problem and what to do about it, for any error of a check."""
    message = redacted_text(str(error)) or type(error).__name__
    if isinstance(error, NotWell | MigrationError):
        return message
    if (full := full_storage(error)) is not None:
        return full
    if isinstance(error, PermissionError) or (isinstance(error, OSError) and error.filename):
        return f"{message}: make it writable, or set TRACKERS_HOME to another directory"
    if isinstance(error, asyncpg.PostgresError):
        return f"the database refuses this: {message}; correct user, password or name in TRACKERS_DATABASE_URL"
    if check in SERVERS and (isinstance(error, OSError | RedisError) or connection_was_lost(error)):
        server, variable = SERVERS[check]
        return f"{server} does not answer ({message}): start it or correct {variable} (empty: use the embedded server)"
    return f"{type(error).__name__}: {message}"


def settings_table() -> Table:
    """Table of all settings with their values; secrets are masked."""
    environ = environment()
    loaded = load(all_settings(), environ)
    table = Table("variable", "value", "meaning")
    for struct in all_settings():
        for variable in variables(struct):
            value = Text(str(getattr(loaded[struct], variable.field)))
            table.add_row(variable.env, value, Text(variable.description))
    return table


def keys_table(keys: Sequence[KnownKey]) -> Table:
    """Table of all keys with their last use and revocation."""
    table = Table("prefix", "name", "scopes", "guilds", "created", "last used", "revoked")
    for key in keys:
        times = [_minute(at) for at in (key.created_at, key.last_used_at, key.revoked_at)]
        table.add_row(key.prefix, Text(key.name), ", ".join(key.scopes), ", ".join(key.guild_ids or ["all"]), *times)
    return table


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""
