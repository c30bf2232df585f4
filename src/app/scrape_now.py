"""`trackers scrape`: fetches one target now and shows each step."""

from collections.abc import Callable
from time import perf_counter
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.pretty import Pretty
from rich.text import Text
from sqlalchemy import text

from app.container import AppContainer, running_app
from app.runtime import Runtime
from shared.errors import Problem
from shared.redaction import redacted_text
from shared.scraping.failures import ScrapeFailure
from shared.scraping.fetch_context import Unchanged
from shared.scraping.pacing import HostCoolingDownError, PacerUnreachableError
from shared.scraping.source import Source
from shared.scraping.target import Status
from shared.scraping.targets import Task


async def scrape_now(app_runtime: Runtime, name: str, entered: str, console: Console) -> int:
    """Fetch one target; return the exit code: 0 for success. A target without followers is parsed, but not stored."""
    container = app_runtime.container("trackers-scrape")
    async with running_app(container):
        try:
            source = container.sources()[name]
            if not source.enabled:
                console.print(f"[red]The source {name} is off:[/red] {source.disabled_because}")
                return 2
            if (paused := await container.source_queries().pause_of(name)) is not None:
                message = f"The source {name} is paused{f': {paused.reason}' if paused.reason else ''}"
                console.print(Text(f"{message}; an admin can resume it.", style="red"))
                return 2
            key, address = source.read(entered)
            if await container.block_queries().is_blocked(name, key):
                console.print(Text("This is blocked: somebody asked to be left alone.", style="red"))
                return 2
        except Problem as problem:
            console.print(Text(problem.detail, style="red"))
            return 2
        _say(console, "target", f"{name} / {key}")
        target_id = await container.reader().value(
            text("SELECT id FROM scrape_targets WHERE source = :source AND key = :key"), {"source": name, "key": key}
        )
        if target_id is None:
            console.print("nobody follows this target: it is fetched and parsed, but nothing is stored")
            return await _fetch(container, source, key, address, console)
        return await _run(container, source, target_id, console)


async def _fetch(container: AppContainer, source: Source[Any], key: str, address: str, console: Console) -> int:
    started = perf_counter()
    context = container.runner().context_of(source, key=key, address=address, on_step=_steps(console))
    _say(console, "fetching", _pace(source))
    try:
        value = await source.collect(context.target, context)
    except (ScrapeFailure, HostCoolingDownError, PacerUnreachableError, Unchanged) as failure:
        if isinstance(failure, ScrapeFailure):
            await context.report(failure)
        reason = getattr(failure, "reason", "waiting")
        message = f"{reason}: {failure}  (HTTP {context.http_status}, {context.requests} requests)"
        _say(console, "outcome", message, style="red")
        return 1
    await context.confirm()
    _say(
        console,
        "fetched",
        f"{context.requests} requests, {context.received:,} bytes in {perf_counter() - started:.2f} s",
    )
    console.print("parsed  ", Pretty(value, max_length=5, max_depth=3))
    return 0


async def _run(container: AppContainer, source: Source[Any], target_id: UUID, console: Console) -> int:
    inline_fetch = container.inline_fetch()
    async with container.database().unit_of_work():
        request = await inline_fetch.ask(source.name, target_id)
    if request is None:
        _say(console, "outcome", "nobody follows this target any more", style="red")
        return 1
    _say(console, "task", str(request.task_id))
    if request.claim is not None:
        _say(console, "fetching", _pace(source))
    elif (until := await inline_fetch.leased_until(target_id)) is not None:
        _say(console, "leased", f"by a worker, until {until:%H:%M:%S} UTC at most; waiting for it")
    task = await inline_fetch.carry_out(request, on_step=_steps(console))
    if task.status in {Status.PENDING, Status.IN_PROGRESS}:
        message = "the worker with the lease has ended; a running worker reclaims it: start one (`trackers worker`)"
        _say(console, "outcome", message, style="red")
        return 1
    return _outcome(task, console)


def _outcome(task: Task, console: Console) -> int:
    completed = task.status is Status.COMPLETED
    if completed:
        _say(console, "recorded", "changed: yes, a snapshot was stored" if task.changed else "changed: no")
    style = {Status.COMPLETED: "green", Status.FAILED: "red"}.get(task.status, "yellow")
    _say(console, "outcome", " ".join(filter(None, (task.status, task.reason, task.error))), style=style)
    if task.next_fetch_at:
        _say(console, "next", f"{task.next_fetch_at:%Y-%m-%d %H:%M:%S} UTC")
    return 0 if completed else 1


def _pace(source: Source[Any]) -> str:
    return f"{source.policy.host}, one request per {source.policy.delay:g} s at most"


def _steps(console: Console) -> Callable[[str], None]:
    return lambda step: _say(console, "", step)


def _say(console: Console, step: str, what: str, *, style: str = "") -> None:
    """Print one line without secrets; text of sites and people is never read as markup."""
    console.print(Text(f"{step:<9}").append(redacted_text(what), style=style))
