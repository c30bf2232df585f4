"""Where people and bots ask what became of a task that they were given; sources and blocks, for admins."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter, SkipValidation
from litestar.status_codes import HTTP_200_OK

from shared.scraping.admin import BreakerClosed, PauseSource, SourceAdministration, SourceResumed, TargetsRedriven
from shared.scraping.blocking import Blocking, BlockQueries, Blocks, BlockView, NewBlock
from shared.scraping.health import SourceHealth, SourceQueries, Sources
from shared.scraping.repository import SourcePaused
from shared.scraping.targets import Task, TaskQueries, TaskState
from shared.web.guards import OPEN
from shared.web.identity import PersonIdentity

Board = NamedDependency[SkipValidation[TaskQueries]]
Health = NamedDependency[SkipValidation[SourceQueries]]
Administration = NamedDependency[SkipValidation[SourceAdministration]]
BlocksRead = NamedDependency[SkipValidation[BlockQueries]]
BlocksWritten = NamedDependency[SkipValidation[Blocking]]
Asking = Request[Any, PersonIdentity, Any]
SourceName = Annotated[str, PathParameter(max_length=100, description="A source, as the list names it.")]


class TaskController(Controller):
    """A task id is known only to who was given it, so it is its own permission; what it was about is not told."""

    path = "/tasks"
    tags = ("tasks",)

    @get("/{task_id:uuid}", operation_id="get_task", opt=OPEN)
    async def get_task(self, task_id: FromPath[UUID], task_queries: Board) -> TaskState:
        """How a task stands: pending, in_progress, completed or failed, and why."""
        return await task_queries.state(task_id)


class InternalTaskController(Controller):
    path = "/tasks"
    tags = ("tasks",)

    @get("/{task_id:uuid}", operation_id="internal_get_task")
    async def get_task(self, task_id: FromPath[UUID], task_queries: Board) -> Task:
        """How a task stands: pending, in_progress, completed or failed, and why."""
        return await task_queries.task(task_id)


class SourceController(Controller):
    """The sites that are looked at."""

    path = "/sources"
    tags = ("sources",)

    @get("/", operation_id="list_sources")
    async def list_sources(self, source_queries: Health) -> Sources:
        """Every source: its pace, its breaker, how its targets stand, and what was asked of it lately."""
        return await source_queries.sources()

    @get("/{name:str}", operation_id="get_source")
    async def get_source(self, name: SourceName, source_queries: Health) -> SourceHealth:
        """One source. 404 `unknown_source`."""
        return await source_queries.source(name)

    @post("/{name:str}/pause", operation_id="pause_source", status_code=HTTP_200_OK)
    async def pause(
        self,
        request: Asking,
        name: SourceName,
        source_administration: Administration,
        data: JSONBody[PauseSource | None] = None,
    ) -> SourcePaused:
        """Have nothing of a source looked at until it is resumed, whatever restarts. What is asked for waits.

        What is under way is broken off within two seconds.
        """
        return await source_administration.pause(name, reason=data.reason if data else None, asker=request.auth)

    @post("/{name:str}/resume", operation_id="resume_source", status_code=HTTP_200_OK)
    async def resume(self, request: Asking, name: SourceName, source_administration: Administration) -> SourceResumed:
        """Have a source looked at again; what was due meanwhile is due now."""
        return await source_administration.resume(name, asker=request.auth)

    @post("/{name:str}/redrive", operation_id="redrive_source", status_code=HTTP_200_OK)
    async def redrive(
        self, request: Asking, name: SourceName, source_administration: Administration
    ) -> TargetsRedriven:
        """Try every target again that was given up, after a bug of ours or lost workers."""
        return await source_administration.redrive(name, asker=request.auth)

    @post("/{name:str}/close-breaker", operation_id="close_source_breaker", status_code=HTTP_200_OK)
    async def close_breaker(
        self, request: Asking, name: SourceName, source_administration: Administration
    ) -> BreakerClosed:
        """Trust a host again at once, rather than after its rest: when its failures are known to be over."""
        return await source_administration.close_breaker(name, asker=request.auth)


class BlockController(Controller):
    """People who are left alone, because they asked for it."""

    path = "/blocked"
    tags = ("blocked",)

    @get("/", operation_id="list_blocks")
    async def list_blocks(
        self,
        block_queries: BlocksRead,
        source: Annotated[str | None, QueryParameter(max_length=100, description="Only blocks of this source.")] = None,
        before: Annotated[UUID | None, QueryParameter(description="Only blocks older than this one.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Blocks to a page.")] = 50,
    ) -> Blocks:
        """Who is blocked, the newest first. Only admins see this list."""
        return await block_queries.blocks(source=source, before=before, limit=limit)

    @post("/", operation_id="block")
    async def block(self, request: Asking, data: JSONBody[NewBlock], blocking: BlocksWritten) -> BlockView:
        """Leave somebody alone: delete all that is stored of them, and neither follow, store nor show them again.

        Keys: `games` a profile link; `hiscores` a player's name; `fencers` a number, a link, or `name:First Last` for
        pages that give names only; `contracts` `issuer:` and a number. Followers lose what they followed and are not
        told. Following it answers 403 `blocked` from now on. 409 `already_blocked`.
        """
        return await blocking.block(data, asker=request.auth)

    @delete("/{block_id:uuid}", operation_id="lift_block")
    async def lift_block(self, request: Asking, block_id: FromPath[UUID], blocking: BlocksWritten) -> None:
        """Let people follow it again. What was deleted does not come back."""
        await blocking.lift(block_id, asker=request.auth)
