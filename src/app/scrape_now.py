"""`trackers scrape`: one target now, told step by step."""

import asyncio
from time import perf_counter
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.pretty import Pretty
from sqlalchemy import text

from app.container import AppContainer, running_app
from app.runtime import Runtime
from shared.errors import Problem
from shared.scraping.failures import ScrapeFailure
from shared.scraping.pacing import GateUnreachableError, HostRestsError
from shared.scraping.repository import ScrapingRepository
from shared.scraping.source import Source, Status
from shared.scraping.visit import Unchanged


async def scrape_now(made: Runtime, name: str, typed: str, console: Console) -> int:
    """Look at one target; 0 when that went well. What nobody follows is fetched and parsed, and not stored."""
    container = made.container("trackers-scrape")
    async with running_app(container):
        sources = container.sources()
        if name not in sources:
            console.print(
                f"[red]There is no source {name!r}.[/red] There are: {', '.join(s.name for s in sources.all())}"
            )
            return 2
        source = sources[name]
        if not source.enabled:
            console.print(f"[red]The source {name} is off:[/red] {source.disabled_because}")
            return 2
        try:
            key, address = source.read(typed)
        except Problem as problem:
            console.print(f"[red]{problem.detail}[/red]")
            return 2
        console.print(f"target   {name} / {key}")
        target_id = await container.reader().value(
            text("SELECT id FROM scrape_targets WHERE source = :source AND key = :key"), {"source": name, "key": key}
        )
        if target_id is None:
            console.print("followed by nobody: it is fetched and parsed, and nothing is stored")
            return await _look(container, source, key, address, console)
        return await _run(container, source, target_id, console)


async def _look(container: AppContainer, source: Source[Any], key: str, address: str, console: Console) -> int:
    started = perf_counter()
    visit = container.runner().visit_of(source, key=key, address=address)
    console.print(f"asking   {source.policy.host}, one request per {source.policy.delay:g} s at most")
    try:
        value = await source.collect(visit.target, visit)
    except (ScrapeFailure, HostRestsError, GateUnreachableError, Unchanged) as failure:
        if isinstance(failure, ScrapeFailure):
            await visit.report(failure)
        reason = getattr(failure, "reason", "waiting")
        console.print(f"[red]{reason}[/red]  {failure}  (HTTP {visit.http_status}, {visit.requests} requests)")
        return 1
    await visit.confirm()
    console.print(f"answered HTTP {visit.http_status}, {visit.received:,} bytes in {perf_counter() - started:.2f} s")
    console.print("parsed  ", Pretty(value, max_length=5, max_depth=3))
    return 0


async def _run(container: AppContainer, source: Source[Any], target_id: UUID, console: Console) -> int:
    clock = container.clock()
    async with container.database().unit_of_work() as session:
        repository = ScrapingRepository(session)
        tasks = await container.targets().look_now(source.name, [target_id])
        now = clock.now()
        claim = await repository.claim_one(target_id, now=now, lease_until=now + container.dispatcher().lease)
    task_id = tasks.get(target_id)
    if task_id is None:
        console.print("[red]nobody follows it any more[/red]")
        return 1
    console.print(f"task     {task_id}")
    if claim is not None:
        console.print(f"asking   {source.policy.host}, one request per {source.policy.delay:g} s at most")
        await container.runner().run(source.name, [claim])
    else:
        console.print("a worker is at it already; waiting for it")
    task = await container.task_board().task(task_id)
    while task.status in {Status.PENDING, Status.IN_PROGRESS} and claim is None:
        await asyncio.sleep(0.2)
        task = await container.task_board().task(task_id)
    colour = {Status.COMPLETED: "green", Status.FAILED: "red"}.get(task.status, "yellow")
    console.print(f"outcome  [{colour}]{task.status}[/{colour}] {task.reason or ''} {task.error or ''}")
    if task.status is Status.COMPLETED:
        console.print("changed  yes, a snapshot was stored" if task.changed else "changed  no")
    if task.next_attempt_at:
        console.print(f"next     {task.next_attempt_at:%Y-%m-%d %H:%M:%S} UTC")
    return 0 if task.status is Status.COMPLETED else 1
