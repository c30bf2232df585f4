"""The command `trackers`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click
import msgspec
from rich.console import Console

from app.container import AppContainer
from app.doctor import examine
from app.embedded import EmbeddedServersError
from app.migrations import MigrationError, migrate, require_schema
from app.modules import all_settings
from app.runtime import Runtime, runtime
from app.supervisor import end_with_parent, run_everything
from shared.errors import Problem
from shared.logging import configure
from shared.settings import SettingsError, example, markdown_table

R = TypeVar("R")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="trackers")
def main() -> None:
    """Follows things on other people's sites for a community, and tells people when they change."""


@contextmanager
def _runtime(*, redis: bool = True, migrated: bool = False) -> Iterator[Runtime]:
    """Settings and servers, and with `migrated` the schema; what is wrong with them is told in words."""
    try:
        with runtime(redis=redis) as made:
            configure(level=made.settings.log_level, form=made.settings.log_format)
            if migrated:
                asyncio.run(require_schema(_database_url(made)))
            yield made
    except OSError as error:
        raise click.ClickException(f"a server does not answer: {error}; `trackers doctor` says more") from error
    except (SettingsError, EmbeddedServersError, MigrationError) as error:
        raise click.ClickException(str(error)) from error
    except Problem as problem:
        raise click.ClickException(problem.detail) from problem


@main.command()
def up() -> None:
    """Servers, migrations, API and worker in one command, until Ctrl-C."""
    with _runtime() as made:
        before, after = asyncio.run(migrate(_database_url(made)))
        if before != after:
            click.echo(f"database migrated to {after}", err=True)
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
        before, after = asyncio.run(migrate(_database_url(made)))
        click.echo(f"{before or 'empty'} -> {after}" if before != after else f"is at {after} already")


@main.command()
def openapi() -> None:
    """Print the OpenAPI schema."""
    from app.schema import openapi_schema  # noqa: PLC0415 -- the other commands start faster without it

    click.echo(msgspec.json.format(openapi_schema(), indent=2).decode())


@main.command()
def doctor() -> None:
    """Check settings, database, Redis, migrations and each source; say what to do."""
    sys.exit(examine(Console()))


@main.command()
@click.argument("source")
@click.argument("key")
def scrape(source: str, key: str) -> None:
    """Look at one target now, told step by step. KEY as in the database, or a link where the source reads links."""
    from app.scrape_now import scrape_now  # noqa: PLC0415 -- the other commands start faster without it

    with _runtime(migrated=True) as made:
        sys.exit(asyncio.run(scrape_now(made, source, key, Console())))


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


@main.group()
def keys() -> None:
    """Bot keys."""


@keys.command(name="create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, default=["trackers"], show_default=True, help="May be repeated.")
def create_key(name: str, scopes: tuple[str, ...]) -> None:
    """Make a bot's key and print it: the only time that it is shown."""

    async def create(container: AppContainer) -> str:
        return str(container.users.keys().create(name, scopes).text)

    click.echo(_in_unit_of_work(create))


@keys.command(name="revoke")
@click.argument("prefix")
def revoke_key(prefix: str) -> None:
    """End a bot's key; PREFIX is its part between the underscores."""

    async def revoke(container: AppContainer) -> None:
        await container.users.keys().revoke(prefix)

    _in_unit_of_work(revoke)
    click.echo("revoked; it stops working within two seconds")


@main.group()
def users() -> None:
    """People."""


@users.command(name="create-admin")
@click.option("--discord-id", required=True, help="The person's Discord id: 17 to 20 digits.")
def create_admin(discord_id: str) -> None:
    """Make a person an admin, whether they were seen before or not."""
    if not (discord_id.isascii() and discord_id.isdigit() and 17 <= len(discord_id) <= 20):  # noqa: PLR2004 -- a snowflake
        raise click.BadParameter("a Discord id has 17 to 20 digits", param_hint="--discord-id")

    async def create(container: AppContainer) -> UUID:
        made: UUID = await container.users.accounts().make_admin("discord", discord_id)
        return made

    click.echo(f"user {_in_unit_of_work(create)} is an admin")


def _in_unit_of_work(step: Callable[[AppContainer], Awaitable[R]]) -> R:
    """One step in one transaction, on a database that is at this version's schema."""
    with _runtime(redis=False) as made:

        async def run() -> R:
            await migrate(_database_url(made))
            container = made.container()
            try:
                async with container.database().unit_of_work():
                    return await step(container)
            finally:
                await container.database().close()

        return asyncio.run(run())


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
