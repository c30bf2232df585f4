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
"""Seconds between two fetches of a target that the command line follows: a year."""


class _TextsOnly(click.Group):
    """Refuses arguments that are no text, before anything is done with them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not all(map(is_text, args)):
            raise click.UsageError("an argument is no text in UTF-8", ctx)
        return super().parse_args(ctx, args)


@click.group(cls=_TextsOnly, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="trackers")
def main() -> None:
    """Follows things on other people's sites for a community, and tells people when they change."""


@contextmanager
def _runtime(
    *, redis: bool = True, migrated: bool = False, before_start: Callable[[Settings], None] | None = None
) -> Iterator[Runtime]:
    """Settings and servers, and with `migrated` the schema; what is wrong with them is told in words."""
    try:
        with runtime(redis=redis, before_start=before_start) as made:
            configure(level=made.settings.log_level, form=made.settings.log_format)
            if migrated:
                asyncio.run(require_schema(_database_url(made), pooler=made.settings.database_pooler))
            yield made
    except (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, RedisError) as error:
        if (full := full_storage(error)) is not None:
            raise click.ClickException(full) from error
        if _a_server_is_away(error):
            raise click.ClickException(f"a server does not answer: {error}; `trackers doctor` says more") from error
        if isinstance(error, asyncpg.PostgresError):
            raise click.ClickException(f"the database refuses: {error}; `trackers doctor` says more") from error
        if isinstance(error, OSError):
            raise click.ClickException(str(error)) from error
        raise
    except (SettingsError, EmbeddedServersError, MigrationError, CannotListenError, BackupError) as error:
        raise click.ClickException(str(error)) from error
    except Problem as problem:
        raise click.ClickException(problem.detail) from problem


@main.command()
def up() -> None:
    """Servers, migrations, API and worker in one command, until Ctrl-C."""

    def begin(settings: Settings) -> None:
        bound(settings.host, settings.port).close()
        missing = {"PostgreSQL": settings.database_url, "Valkey": settings.redis_url}
        if names := " and ".join(name for name, url in missing.items() if url is None):
            click.echo(f"starting {names} under {settings.home.resolve()}", err=True)

    with _runtime(before_start=begin) as made:
        click.echo("bringing the database to this version's schema", err=True)
        before, after = asyncio.run(migrate(_database_url(made), pooler=made.settings.database_pooler))
        if before != after:
            click.echo(f"database migrated from {before or 'empty'} to {after}", err=True)
        click.echo("starting the API and a worker", err=True)
        sys.exit(run_everything(made))


@main.command()
@click.option("--announce", type=click.Path(path_type=Path), help="File that the address is written to.")
def api(announce: Path | None) -> None:
    """Serve the HTTP API."""
    from app.server import serve  # noqa: PLC0415 -- the other commands start faster without it

    end_with_parent()
    with _runtime(migrated=True) as made:
        serve(made, announce=announce)


@main.command()
@click.option("--burst", is_flag=True, help="Run what waits in the queue, then stop.")
def worker(*, burst: bool) -> None:
    """Fetch what is due, and run scheduled jobs."""
    from app.server import settle_memory  # noqa: PLC0415 -- the other commands start faster without it
    from app.worker import WorkerProcess, run_worker  # noqa: PLC0415 -- likewise

    end_with_parent()
    with _runtime(migrated=True) as made:
        container = made.container("trackers-worker")
        settle_memory()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            if burst:
                raise SystemExit(min(1, runner.run(WorkerProcess(container).burst())))
            runner.run(run_worker(container))


@main.command(name="migrate")
def migrate_command() -> None:
    """Bring the database to the schema of this version."""
    with _runtime(redis=False) as made:
        before, after = asyncio.run(migrate(_database_url(made), pooler=made.settings.database_pooler))
        click.echo(f"{before or 'empty'} -> {after}" if before != after else f"is at {after} already")


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write the database into FILE, while everything runs."""
    with _runtime(redis=False) as made:
        _without_pooler(made)
        held = back_up(_database_url(made), file)
    click.echo(f"{file}: {held.tables} tables at {held.revision}, {held.bytes:,} bytes")
    where = "TRACKERS_SECRET_KEY" if made.settings.secret_key else str(made.settings.home.resolve() / "secret")
    click.echo(
        f"The secret ({where}) is not in it. Keep it too, elsewhere: without it no channel, key or session comes back.",
        err=True,
    )


@main.command(name="restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore_command(file: Path) -> None:
    """Fill an empty database from FILE, and bring it to this version's schema."""
    with _runtime(redis=False) as made:
        _without_pooler(made)
        held = asyncio.run(restore(_database_url(made), file))
        click.echo(f"restored {held.tables} tables at {held.revision}")
        _, after = asyncio.run(migrate(_database_url(made)))
        if after != held.revision:
            click.echo(f"{held.revision} -> {after}")


def _without_pooler(made: Runtime) -> None:
    if made.settings.database_pooler:
        raise click.ClickException(
            "this needs a session of its own: give TRACKERS_DATABASE_URL of the server itself, and "
            "TRACKERS_DATABASE_POOLER=false"
        )


@main.command()
def openapi() -> None:
    """Print the OpenAPI schema."""
    from app.schema import openapi_schema  # noqa: PLC0415 -- the other commands start faster without it

    click.echo(msgspec.json.format(openapi_schema(), indent=2).decode())


@main.command()
def doctor() -> None:
    """Check settings, database, Redis, migrations and each source; say what to do."""
    sys.exit(examine(Console()))


main.add_command(health)


@main.command()
@click.argument("source")
@click.argument("key")
def scrape(source: str, key: str) -> None:
    """Look at one target now, told step by step. KEY as in the database, or a link where the source reads links."""
    from app.scrape_now import scrape_now  # noqa: PLC0415 -- the other commands start faster without it

    with _runtime(migrated=True) as made:
        sys.exit(asyncio.run(scrape_now(made, source, key, Console())))


@main.command(name="follow")
@click.argument("source")
@click.argument("key")
@click.option(
    "--every",
    type=click.IntRange(min=60, max=MAX_INTERVAL),
    default=86_400,
    show_default=True,
    help="Seconds between looks.",
)
def follow_command(source: str, key: str, every: int) -> None:
    """Follow a target of a source that nobody registers through the API; a plug-in's, say."""
    from app.follow import follow  # noqa: PLC0415 -- the other commands start faster without it

    async def step(container: AppContainer) -> tuple[str, UUID]:
        return await follow(container, source, key, every=timedelta(seconds=every))

    followed, task = _in_unit_of_work(step, redis=True)
    click.echo(f"{followed} is followed on {source}; task {task} looks at it first")


@main.command()
@click.option("--example", "as_example", is_flag=True, help="Print the text of .env.example.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table of the README.")
def settings(*, as_example: bool, as_markdown: bool) -> None:
    """Print every setting; secrets are masked."""
    from app.doctor import settings_table  # noqa: PLC0415 -- it loads rich's tables

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
@click.option("--reason", help="For other admins.")
def block_command(source: str, keys: tuple[str, ...], reason: str | None) -> None:
    """Leave somebody alone: delete all that is stored under KEYS, and let nobody follow them again.

    SOURCE is games, hiscores, fencers or contracts. KEYS are links, numbers or names; `name:First Last` where pages
    give names only, `issuer:90000001` for contracts, `player:rocket-league:steam:77` for the site's number of a player.
    """
    try:
        given = msgspec.convert({"source": source, "keys": list(keys), "reason": reason}, NewBlock)
    except msgspec.ValidationError as error:
        raise click.ClickException(str(error)) from error

    async def block(container: AppContainer) -> BlockView:
        made: BlockView = await container.blocking().block(given)
        return made

    made = _in_unit_of_work(block, redis=True)
    click.echo(f"block {made.id}: {', '.join(made.keys)}")


@main.command(name="unblock")
@click.argument("block_id", type=click.UUID)
def unblock_command(block_id: UUID) -> None:
    """Let people follow again what a block holds; BLOCK_ID as `trackers blocked` lists it."""

    async def lift(container: AppContainer) -> None:
        await container.blocking().lift(block_id)

    _in_unit_of_work(lift, redis=True)
    click.echo("lifted; what was deleted does not come back")


@main.command(name="blocked")
def blocked_command() -> None:
    """Every block as a line of `trackers block`, so that the list can be kept and typed in again."""

    async def every(container: AppContainer) -> list[BlockView]:
        found: list[BlockView] = []
        before: UUID | None = None
        while True:
            page: Blocks = await container.block_queries().blocks(source=None, before=before, limit=200)
            found += page.items
            if page.next_before is None:
                return found
            before = page.next_before

    for block in reversed(_in_unit_of_work(every)):
        words = ["trackers", "block", block.source, *block.keys, *(("--reason", block.reason) if block.reason else ())]
        click.echo(f"{shlex.join(words)}  # {block.id} {block.created_at:%Y-%m-%d}")


@main.group()
def keys() -> None:
    """Bot keys."""


@keys.command(name="create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, default=["trackers"], show_default=True, help="May be repeated.")
@click.option("--guild", "guild_ids", multiple=True, help="Only for this guild's people; may be repeated.")
def create_key(name: str, scopes: tuple[str, ...], guild_ids: tuple[str, ...]) -> None:
    """Make a bot's key and print it: the only time that it is shown."""

    async def create(container: AppContainer) -> str:
        made = await container.users.keys().create(name, scopes, guild_ids=guild_ids or None)
        return str(made.text)

    click.echo(_in_unit_of_work(create))


@keys.command(name="list")
def list_keys() -> None:
    """Every key, without what makes it a key."""
    from app.doctor import keys_table  # noqa: PLC0415 -- it loads rich's tables

    async def every(container: AppContainer) -> list[KnownKey]:
        known: KnownKeys = await container.users.keys().every_key()
        return known.items

    Console().print(keys_table(_in_unit_of_work(every)))


@keys.command(name="revoke")
@click.argument("prefix")
def revoke_key(prefix: str) -> None:
    """End a bot's key; PREFIX is its part between the underscores."""

    async def revoke(container: AppContainer) -> None:
        await container.users.keys().revoke(prefix)

    _in_unit_of_work(revoke)
    click.echo("revoked; it stops working within two seconds")


@main.group()
def secrets() -> None:
    """The installation's secret."""


@secrets.command(name="rotate")
def rotate_secret() -> None:
    """Bring what the previous secret made under the current one, and say what still needs the previous one."""
    from app.secret_rotation import rotate  # noqa: PLC0415 -- the other commands start faster without it

    for line in _with_container(rotate):
        click.echo(line)


@main.group()
def users() -> None:
    """People."""


@users.command(name="create-admin")
@click.option("--email", help="The admin's e-mail address, to log in with.")
@click.option("--username", help="Or a name to log in with.")
@click.option("--discord-id", help="The person whom a bot knows by this id, 17 to 20 digits, gets the login.")
@click.option("--existing", is_flag=True, help="The account is there already: it gets this password.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
def create_admin_command(
    *, email: str | None, username: str | None, discord_id: str | None, existing: bool, password_stdin: bool
) -> None:
    """Make an admin, with a login and a password."""
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
    """Give a person another password, and end their sessions; LOGIN is their e-mail address or username."""
    password = _password(from_stdin=password_stdin)

    async def change(container: AppContainer) -> None:
        await replace_password(container, login, password)

    _in_unit_of_work(change, redis=True)
    click.echo("the password is set; every session of this person has ended")


def _password(*, from_stdin: bool) -> str:
    """Typed twice, or a line from elsewhere; held to what registration asks for."""
    if from_stdin:
        given = sys.stdin.readline().rstrip("\r\n")
    else:
        given = click.prompt("password", hide_input=True, confirmation_prompt=True)
    try:
        return str(msgspec.convert(given, Password))
    except msgspec.ValidationError as error:
        raise click.ClickException("a password has 10 to 256 characters") from error


def _in_unit_of_work(step: Callable[[AppContainer], Awaitable[R]], *, redis: bool = False) -> R:
    """One step in one transaction, on a database at this version's schema; the embedded one is brought there."""

    async def in_one(container: AppContainer) -> R:
        async with container.database().unit_of_work():
            return await step(container)

    return _with_container(in_one, redis=redis)


def _with_container(step: Callable[[AppContainer], Awaitable[R]], *, redis: bool = False) -> R:
    """The same, where the step opens its own transactions."""

    def say_where(settings: Settings) -> None:
        if settings.database_url is None:
            click.echo(f"in the database under {settings.home.resolve()}", err=True)

    with _runtime(redis=redis, before_start=say_where) as made:

        async def run() -> R:
            bring = migrate if made.own_database else require_schema
            await bring(_database_url(made), pooler=made.settings.database_pooler)
            container = made.container()
            try:
                return await step(container)
            finally:
                await container.database().close()
                if redis:
                    await container.redis().aclose()

        return asyncio.run(run())


def _a_server_is_away(error: BaseException) -> bool:
    """Whether PostgreSQL or Redis cannot be reached, rather than a file or this machine being the trouble."""
    if isinstance(error, OSError) and error.filename is not None:
        return False
    return isinstance(error, RedisError) or connection_was_lost(error)


def _database_url(made: Runtime) -> str:
    if made.settings.database_url is None:
        raise click.ClickException("TRACKERS_DATABASE_URL is not set, and no embedded server was started")
    return made.settings.database_url.reveal()


def _loop_factory() -> Any:
    try:
        import uvloop  # noqa: PLC0415 -- not there on Windows
    except ImportError:
        return None
    return uvloop.new_event_loop
