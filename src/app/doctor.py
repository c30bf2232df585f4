"""`trackers doctor`: what is well, what is not, and what to do about it."""

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
"""Seconds that a host's next slot, and then its answer, may take."""
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
    """Something that needs a hand; the message says what to do. Only the operator reads it."""


class Remark(Exception):  # noqa: N818 -- what a doctor says
    """Something to know; all is well all the same."""


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
    valkey = info.get("valkey_version")  # beside it, redis_version is the one that clients may take it for
    server = f"Valkey {valkey}" if valkey else f"Redis {info['redis_version']}"
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        raise Finding(f"maxmemory-policy is {policy}: set it to noeviction, or queued work may vanish")
    if not info.get("aof_enabled"):
        raise Remark(
            f"{server}: appendonly is off, so a restart delays what was queued and forgets which "
            "sites rest and who spent their requests: set appendonly to yes"
        )
    return f"{server}, append-only file on"


async def _secret(container: AppContainer) -> str:
    """Whether what was sealed last opens: after a restore, under the wrong secret, nothing does."""
    async with container.engine().connect() as connection:
        sealed = (await connection.execute(_SEALED_LAST)).first()
    try:
        if sealed is not None:
            container.notifications.encryption().open(sealed.id, sealed.target)
    except Unsealable as error:
        raise Finding(
            "channels are sealed under another secret, and keys and sessions were made under it: give the old "
            "TRACKERS_SECRET_KEY back (docs/operations.md)"
        ) from error
    if container.installation_secret().replaces_another:
        raise Remark("a previous secret is still accepted: `trackers secrets rotate` says what needs it")
    return "nothing is sealed yet" if sealed is None else "opens what is sealed"


async def _source(container: AppContainer, source: Source[Any]) -> str:
    """Asks for robots.txt, which every agent may, as the product asks: by its name, in its pace, heeding rests."""
    if not source.enabled:
        return f"off: {source.disabled_because}"
    if paused := await _pause_of(container, source):
        return f"paused since {_minute(paused.since)}{f': {paused.reason}' if paused.reason else ''}"
    if not source.base_url:
        return "on"
    address = f"{source.base_url}/robots.txt"
    context = container.runner().context_of(source, key="robots.txt", address=address)
    context.policy = replace(context.policy, obey_robots=False)  # it is robots.txt itself that is asked for
    context.max_wait = context.longest_answer = ANSWER_TIMEOUT_S
    try:
        answer = await context.get(address)
    except ScrapeFailure as failure:
        await context.report(failure)
        raise Finding(f"{source.base_url}: {failure}; is the address right, is the site up?") from failure
    except HostCoolingDownError as rest:
        raise Finding(
            f"{source.base_url} is left alone for another {rest.seconds:.0f} s: wait, then ask again"
        ) from rest
    except PacerUnreachableError as error:
        raise Finding("not asked: without Redis the pace is unknown") from error
    await context.confirm()
    return f"on: {source.base_url} answers {answer.status}"


async def _pause_of(container: AppContainer, source: Source[Any]) -> SourcePaused | None:
    """What is wrong with the database is a finding of its own."""
    with suppress(OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return await container.source_queries().pause_of(source.name)
    return None


def examine(console: Console) -> int:
    """Run every check and print a table; 0 when all is well."""
    try:
        with runtime() as made:
            return asyncio.run(_examine(made, console))
    except Exception as error:  # noqa: BLE001 -- a doctor has words for everything
        named = isinstance(error, SettingsError | EmbeddedServersError)
        console.print(Text(str(error) if named else _advice(error), style="red"))
        return 1


async def _examine(made: Runtime, console: Console) -> int:
    container = made.container("trackers-doctor")
    table = Table("check", "", "finding", "ms")
    table.add_row("settings", OK_MARK, Text(f"profile {made.settings.env}, home {made.settings.home.resolve()}"), "")
    if names := _unread_variables():
        table.add_row("settings", NOTE_MARK, Text(f"read by no setting, perhaps misspelt: {', '.join(names)}"), "")
    well = True
    try:
        for name, check in _checks(container):
            started = perf_counter()
            try:
                async with asyncio.timeout(MAX_CHECK_S):
                    finding, mark = await check(), OK_MARK
            except Remark as remark:
                finding, mark = str(remark), NOTE_MARK
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is a finding
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
        yield f"source {source.name}", lambda source=source: _source(container, source)  # type: ignore[misc]  # bound per turn


async def _disk(container: AppContainer) -> str:
    await disks_have_room(container.engine(), container.settings().home)
    return "PostgreSQL can write, and there is room"


async def _migrations(container: AppContainer) -> str:
    return migrations_are_in(await revisions(container.engine()))


def _unread_variables() -> list[str]:
    return [name for name in unread(all_settings(), environment()) if name != PARENT]


def _advice(error: Exception, check: str = "") -> str:
    """What is wrong, and what to do about it."""
    said = redacted_text(str(error)) or type(error).__name__
    if isinstance(error, NotWell | MigrationError):
        return said
    if (full := full_storage(error)) is not None:
        return full
    if isinstance(error, PermissionError) or (isinstance(error, OSError) and error.filename):
        return f"{said}: make it writable, or set TRACKERS_HOME to another directory"
    if isinstance(error, asyncpg.PostgresError):
        return f"the database refuses: {said}; correct user, password or name in TRACKERS_DATABASE_URL"
    if check in SERVERS and (isinstance(error, OSError | RedisError) or connection_was_lost(error)):
        server, variable = SERVERS[check]
        return f"{server} does not answer ({said}): start it or correct {variable}; left empty, an embedded one runs"
    return f"{type(error).__name__}: {said}"


def settings_table() -> Table:
    """Every setting with its value; secrets masked."""
    environ = environment()
    loaded = load(all_settings(), environ)
    table = Table("variable", "value", "meaning")
    for struct in all_settings():
        for variable in variables(struct):
            value = Text(str(getattr(loaded[struct], variable.field)))
            table.add_row(variable.env, value, Text(variable.description))
    return table


def keys_table(keys: Sequence[KnownKey]) -> Table:
    """Every key with its use and its end."""
    table = Table("prefix", "name", "scopes", "guilds", "created", "last used", "revoked")
    for key in keys:
        times = [_minute(at) for at in (key.created_at, key.last_used_at, key.revoked_at)]
        table.add_row(key.prefix, Text(key.name), ", ".join(key.scopes), ", ".join(key.guild_ids or ["all"]), *times)
    return table


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""
