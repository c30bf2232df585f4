"""The command `trackers`."""

import asyncio
import re
import shlex
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import asyncpg
import click
import msgspec
from redis.exceptions import RedisError
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from app.backup import BackupError, back_up, restore
from app.container import AppContainer
from app.doctor import examine
from app.embedded import EmbeddedServersError
from app.listening import CannotListenError, bound
from app.migrations import MigrationError, migrate, require_schema
from app.modules import all_settings
from app.people import create_admin, replace_password
from app.probe import health
from app.runtime import Runtime, runtime
from app.supervisor import end_with_parent, run_everything
from shared.database import connection_was_lost
from shared.errors import Problem
from shared.logging import configure
from shared.scraping.blocking import Blocks, BlockView, NewBlock
from shared.settings import Settings, SettingsError, example, is_text, markdown_table
from shared.storage import full_storage
from users.accounts.schemas import Password
from users.auth.schemas import KnownKey, KnownKeys

R = TypeVar("R")
MAX_INTERVAL: Final = 31_536_000
"""Maximum seconds between two fetches of a target that the command line follows: a year."""


class _TextsOnly(click.Group):
    """Refuses arguments that are not UTF-8 text."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not all(map(is_text, args)):
            raise click.UsageError("an argument is not UTF-8 text", ctx)
        return super().parse_args(ctx, args)


@click.group(cls=_TextsOnly, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="trackers")
def main() -> None:
    """Track game accounts, players, fencers, contracts and flight prices, and notify members of changes."""


@contextmanager
def _runtime(
    *, redis: bool = True, migrated: bool = False, before_start: Callable[[Settings], None] | None = None
) -> Iterator[Runtime]:
    """Settings and servers for a command; with `migrated`, check the schema. Errors become short messages."""
    try:
        with runtime(redis=redis, before_start=before_start) as app_runtime:
            configure(level=app_runtime.settings.log_level, form=app_runtime.settings.log_format)
            if migrated:
                asyncio.run(require_schema(_database_url(app_runtime), pooler=app_runtime.settings.database_pooler))
            yield app_runtime
    except (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, RedisError) as error:
        if (full := full_storage(error)) is not None:
            raise click.ClickException(full) from error
        if _a_server_is_away(error):
            raise click.ClickException(f"a server does not answer: {error}; `trackers doctor` shows more") from error
        if isinstance(error, asyncpg.PostgresError):
            raise click.ClickException(f"the database refuses this: {error}; `trackers doctor` shows more") from error
        if isinstance(error, OSError):
            raise click.ClickException(str(error)) from error
        raise
    except (SettingsError, EmbeddedServersError, MigrationError, CannotListenError, BackupError) as error:
        raise click.ClickException(str(error)) from error
    except Problem as problem:
        raise click.ClickException(problem.detail) from problem


@main.command()
def up() -> None:
    """Run servers, migrations, the API and a worker until Ctrl-C."""

    def begin(settings: Settings) -> None:
        bound(settings.host, settings.port).close()
        missing = {"PostgreSQL": settings.database_url, "Valkey": settings.redis_url}
        if names := " and ".join(name for name, url in missing.items() if url is None):
            click.echo(f"starting {names} under {settings.home.resolve()}", err=True)

    with _runtime(before_start=begin) as app_runtime:
        click.echo("migrating the database, if necessary", err=True)
        before, after = asyncio.run(migrate(_database_url(app_runtime), pooler=app_runtime.settings.database_pooler))
        if before != after:
            click.echo(f"database migrated from {before or 'empty'} to {after}", err=True)
        click.echo("starting the API and a worker", err=True)
        sys.exit(run_everything(app_runtime))


@main.command()
@click.option("--announce", type=click.Path(path_type=Path), help="File to write the address to.")
def api(announce: Path | None) -> None:
    """Serve the HTTP API."""
    from app.server import serve  # noqa: PLC0415 -- the other commands start faster without it

    end_with_parent()
    with _runtime(migrated=True) as app_runtime:
        serve(app_runtime, announce=announce)


@main.command()
@click.option("--burst", is_flag=True, help="Run all due and queued jobs, then stop.")
def worker(*, burst: bool) -> None:
    """Fetch due targets, and run scheduled jobs."""
    from app.server import settle_memory  # noqa: PLC0415 -- the other commands start faster without it
    from app.worker import WorkerProcess, run_worker  # noqa: PLC0415 -- likewise

    end_with_parent()
    with _runtime(migrated=True) as app_runtime:
        container = app_runtime.container("trackers-worker")
        settle_memory()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            if burst:
                raise SystemExit(min(1, runner.run(WorkerProcess(container).burst())))
            runner.run(run_worker(container))


@main.command(name="migrate")
def migrate_command() -> None:
    """Migrate the database to the schema of this version."""
    with _runtime(redis=False) as app_runtime:
        before, after = asyncio.run(migrate(_database_url(app_runtime), pooler=app_runtime.settings.database_pooler))
        click.echo(f"{before or 'empty'} -> {after}" if before != after else f"is at {after} already")


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write the database to FILE, while everything is running."""
    with _runtime(redis=False) as app_runtime:
        _without_pooler(app_runtime)
        held = back_up(_database_url(app_runtime), file)
    click.echo(f"{file}: {held.tables} tables at {held.revision}, {held.bytes:,} bytes")
    where = (
        "TRACKERS_SECRET_KEY"
        if app_runtime.settings.secret_key
        else str(app_runtime.settings.home.resolve() / "secret")
    )
    click.echo(
        f"The secret ({where}) is not in it. Back it up elsewhere: without it, channels, keys and sessions are lost.",
        err=True,
    )


@main.command(name="restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore_command(file: Path) -> None:
    """Fill an empty database from FILE, and migrate it to the schema of this version."""
    with _runtime(redis=False) as app_runtime:
        _without_pooler(app_runtime)
        held = asyncio.run(restore(_database_url(app_runtime), file))
        click.echo(f"restored {held.tables} tables at {held.revision}")
        _, after = asyncio.run(migrate(_database_url(app_runtime)))
        if after != held.revision:
            click.echo(f"{held.revision} -> {after}")


def _without_pooler(app_runtime: Runtime) -> None:
    if app_runtime.settings.database_pooler:
        raise click.ClickException(
            "this command cannot use a pooler: set TRACKERS_DATABASE_URL to the address of the server itself, and "
            "TRACKERS_DATABASE_POOLER=false"
        )


@main.command()
def openapi() -> None:
    """Print the OpenAPI schema."""
    from app.schema import openapi_schema  # noqa: PLC0415 -- the other commands start faster without it

    click.echo(msgspec.json.format(openapi_schema(), indent=2).decode())


@main.command()
def doctor() -> None:
    """Check settings, database, Redis, migrations and each source, and show what to do."""
    sys.exit(examine(Console()))


main.add_command(health)


@main.command()
@click.argument("source")
@click.argument("key")
def scrape(source: str, key: str) -> None:
    """Fetch one target now and show each step. KEY is a key as in the database, or a link if the source reads links."""
    from app.scrape_now import scrape_now  # noqa: PLC0415 -- the other commands start faster without it

    with _runtime(migrated=True) as app_runtime:
        sys.exit(asyncio.run(scrape_now(app_runtime, source, key, Console())))


@main.command(name="follow")
@click.argument("source")
@click.argument("key")
@click.option(
    "--every",
    type=click.IntRange(min=60, max=MAX_INTERVAL),
    default=86_400,
    show_default=True,
    help="Seconds between two fetches.",
)
def follow_command(source: str, key: str, every: int) -> None:
    """Follow a target of a source without registration in the API, such as a plug-in's source."""
    from app.follow import follow  # noqa: PLC0415 -- the other commands start faster without it

    async def step(container: AppContainer) -> tuple[str, UUID]:
        return await follow(container, source, key, every=timedelta(seconds=every))

    followed, task = _in_unit_of_work(step, redis=True)
    click.echo(f"{followed} is followed on {source}; task {task} fetches it for the first time")


@main.command()
@click.option("--example", "as_example", is_flag=True, help="Print the text of .env.example.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table of the README.")
def settings(*, as_example: bool, as_markdown: bool) -> None:
    """Print all settings; secrets are masked."""
    from app.doctor import settings_table  # noqa: PLC0415 -- it imports rich's tables

    if as_example:
        click.echo(example(all_settings()), nl=False)
        return
    if as_markdown:
        click.echo(markdown_table(all_settings()), nl=False)
        return
    try:
        Console().print(settings_table())
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


@main.command(name="block")
@click.argument("source")
@click.argument("keys", nargs=-1, required=True)
@click.option("--reason", help="Reason, shown to other admins.")
def block_command(source: str, keys: tuple[str, ...], reason: str | None) -> None:
    """Block a person or club: delete all data under KEYS, and refuse to follow them again.

    SOURCE is games, hiscores, fencers or contracts. KEYS are links, numbers or names: `name:First Last` if pages show
    only names, `issuer:90000001` for contracts, `player:rocket-league:steam:77` for the number of a player on the site.
    """
    try:
        given = msgspec.convert({"source": source, "keys": list(keys), "reason": reason}, NewBlock)
    except msgspec.ValidationError as error:
        raise click.ClickException(str(error)) from error

    async def block(container: AppContainer) -> BlockView:
        view: BlockView = await container.blocking().block(given)
        return view

    view = _in_unit_of_work(block, redis=True)
    click.echo(f"block {view.id}: {', '.join(view.keys)}")


@main.command(name="unblock")
@click.argument("block_id", type=click.UUID)
def unblock_command(block_id: UUID) -> None:
    """Lift a block, so that its keys can be followed again. `trackers blocked` lists each BLOCK_ID."""

    async def lift(container: AppContainer) -> None:
        await container.blocking().lift(block_id)

    _in_unit_of_work(lift, redis=True)
    click.echo("lifted; deleted data is not restored")


@main.command(name="blocked")
def blocked_command() -> None:
    """List all blocks as `trackers block` commands, so that you can save the list and run it again."""

    async def every(container: AppContainer) -> list[BlockView]:
        blocks: list[BlockView] = []
        before: UUID | None = None
        while True:
            page: Blocks = await container.block_queries().blocks(source=None, before=before, limit=200)
            blocks += page.items
            if page.next_before is None:
                return blocks
            before = page.next_before

    for block in reversed(_in_unit_of_work(every)):
        words = ["trackers", "block", block.source, *block.keys, *(("--reason", block.reason) if block.reason else ())]
        click.echo(f"{shlex.join(words)}  # {block.id} {block.created_at:%Y-%m-%d}")


@main.group()
def keys() -> None:
    """Manage bot keys."""


@keys.command(name="create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=["trackers"],
    show_default=True,
    help="Scope of the key; may be repeated.",
)
@click.option(
    "--guild", "guild_ids", multiple=True, help="Limit the key to this guild and its members; may be repeated."
)
def create_key(name: str, scopes: tuple[str, ...], guild_ids: tuple[str, ...]) -> None:
    """Create a bot key and print it. It is shown only once."""

    async def create(container: AppContainer) -> str:
        key = await container.users.keys().create(name, scopes, guild_ids=guild_ids or None)
        return str(key.text)

    click.echo(_in_unit_of_work(create))


@keys.command(name="list")
def list_keys() -> None:
    """List all keys, without their secret part."""
    from app.doctor import keys_table  # noqa: PLC0415 -- it imports rich's tables

    async def every(container: AppContainer) -> list[KnownKey]:
        known: KnownKeys = await container.users.keys().every_key()
        return known.items

    Console().print(keys_table(_in_unit_of_work(every)))


@keys.command(name="revoke")
@click.argument("prefix")
def revoke_key(prefix: str) -> None:
    """Revoke a bot key. PREFIX is its part between the underscores."""

    async def revoke(container: AppContainer) -> None:
        await container.users.keys().revoke(prefix)

    _in_unit_of_work(revoke)
    click.echo("revoked; it stops working within two seconds")


@main.group()
def secrets() -> None:
    """Manage the installation's secret."""


@secrets.command(name="rotate")
def rotate_secret() -> None:
    """Encrypt channels with the current secret, and show what still needs the previous one."""
    from app.secret_rotation import rotate  # noqa: PLC0415 -- the other commands start faster without it

    for line in _with_container(rotate):
        click.echo(line)


@main.group()
def users() -> None:
    """Manage admins and passwords."""


@users.command(name="create-admin")
@click.option("--email", help="E-mail address to log in with.")
@click.option("--username", help="Username to log in with.")
@click.option("--discord-id", help="Discord id (17 to 20 digits) of a person that a bot has added: they get the login.")
@click.option("--existing", is_flag=True, help="Use an existing account, and replace its password.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
def create_admin_command(
    *, email: str | None, username: str | None, discord_id: str | None, existing: bool, password_stdin: bool
) -> None:
    """Create an admin with a login and a password."""
    if not (email or username):
        raise click.UsageError("give --email or --username to log in with")
    if discord_id and not re.fullmatch(r"[0-9]{17,20}", discord_id):
        raise click.BadParameter("a Discord id has 17 to 20 digits", param_hint="--discord-id")
    password = _password(from_stdin=password_stdin)

    async def create(container: AppContainer) -> UUID:
        return await create_admin(
            container, email=email, username=username, discord_id=discord_id, password=password, existing=existing
        )

    click.echo(f"user {_in_unit_of_work(create, redis=True)} is an admin")


@users.command(name="set-password")
@click.argument("login")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
def set_password(login: str, *, password_stdin: bool) -> None:
    """Set a person's password and end their sessions. LOGIN is their e-mail address or username."""
    password = _password(from_stdin=password_stdin)

    async def change(container: AppContainer) -> None:
        await replace_password(container, login, password)

    _in_unit_of_work(change, redis=True)
    click.echo("the password is set; all sessions of this person have ended")


def _password(*, from_stdin: bool) -> str:
    """Ask for a password twice, or read it from standard input; it must fit the rules of registration."""
    if from_stdin:
        given = sys.stdin.readline().rstrip("\r\n")
    else:
        given = click.prompt("password", hide_input=True, confirmation_prompt=True)
    try:
        return str(msgspec.convert(given, Password))
    except msgspec.ValidationError as error:
        raise click.ClickException("a password must have 10 to 256 characters") from error


def _in_unit_of_work(step: Callable[[AppContainer], Awaitable[R]], *, redis: bool = False) -> R:
    """Run a step in a transaction. The schema must be current; an embedded database is migrated first."""

    async def in_one(container: AppContainer) -> R:
        async with container.database().unit_of_work():
            return await step(container)

    return _with_container(in_one, redis=redis)


def _with_container(step: Callable[[AppContainer], Awaitable[R]], *, redis: bool = False) -> R:
    """Run a step that opens its own transactions. The schema is checked or migrated in the same way."""

    def say_where(settings: Settings) -> None:
        if settings.database_url is None:
            click.echo(f"in the database under {settings.home.resolve()}", err=True)

    with _runtime(redis=redis, before_start=say_where) as app_runtime:

        async def run() -> R:
            bring = migrate if app_runtime.own_database else require_schema
            await bring(_database_url(app_runtime), pooler=app_runtime.settings.database_pooler)
            container = app_runtime.container()
            try:
                return await step(container)
            finally:
                await container.database().close()
                if redis:
                    await container.redis().aclose()

        return asyncio.run(run())


def _a_server_is_away(error: BaseException) -> bool:
    """True if PostgreSQL or Redis cannot be reached; false for errors of files or of this machine."""
    if isinstance(error, OSError) and error.filename is not None:
        return False
    return isinstance(error, RedisError) or connection_was_lost(error)


def _database_url(app_runtime: Runtime) -> str:
    if app_runtime.settings.database_url is None:
        raise click.ClickException("TRACKERS_DATABASE_URL is not set, and no embedded server was started")
    return app_runtime.settings.database_url.reveal()


def _loop_factory() -> Any:
    try:
        import uvloop  # noqa: PLC0415 -- not available on Windows
    except ImportError:
        return None
    return uvloop.new_event_loop
