"""API of tasks for people and bots, and of sources and blocks for admins."""

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
SourceName = Annotated[str, PathParameter(max_length=100, description="Name of a source, as in the list of sources.")]


class TaskController(Controller):
    """Tasks by id. Only the requester gets the id, so it is its own permission; the answer does not name the target."""

    path = "/tasks"
    tags = ("tasks",)

    @get("/{task_id:uuid}", operation_id="get_task", opt=OPEN)
    async def get_task(self, task_id: FromPath[UUID], task_queries: Board) -> TaskState:
        """Get a task.

        Its status is `pending`, `in_progress`, `completed` or `failed`, with the reason of a failure. 404
        `task_not_found`.
        """
        return await task_queries.state(task_id)


class InternalTaskController(Controller):
    path = "/tasks"
    tags = ("tasks",)

    @get("/{task_id:uuid}", operation_id="internal_get_task")
    async def get_task(self, task_id: FromPath[UUID], task_queries: Board) -> Task:
        """Get a task with its target.

        Its status is `pending`, `in_progress`, `completed` or `failed`, with the reason of a failure. 404
        `task_not_found`.
        """
        return await task_queries.task(task_id)


class SourceController(Controller):
    """Sources and their health."""

    path = "/sources"
    tags = ("sources",)

    @get("/", operation_id="list_sources")
    async def list_sources(self, source_queries: Health) -> Sources:
        """List the sources.

        Each comes with its pace, its breaker, the state of its targets, and the runs and requests of the last hour and
        the last day.
        """
        return await source_queries.sources()

    @get("/{name:str}", operation_id="get_source")
    async def get_source(self, name: SourceName, source_queries: Health) -> SourceHealth:
        """Get a source with its health. 404 `unknown_source`."""
        return await source_queries.source(name)

    @post("/{name:str}/pause", operation_id="pause_source", status_code=HTTP_200_OK)
    async def pause(
        self,
        request: Asking,
        name: SourceName,
        source_administration: Administration,
        data: JSONBody[PauseSource | None] = None,
    ) -> SourcePaused:
        """Pause a source until it is resumed, even after restarts.

        Requested runs wait. Runs under way are cancelled within two seconds. 404 `unknown_source`.
        """
        return await source_administration.pause(name, reason=data.reason if data else None, asker=request.auth)

    @post("/{name:str}/resume", operation_id="resume_source", status_code=HTTP_200_OK)
    async def resume(self, request: Asking, name: SourceName, source_administration: Administration) -> SourceResumed:
        """Resume a source.

        Targets that became due meanwhile are due now. 404 `unknown_source`.
        """
        return await source_administration.resume(name, asker=request.auth)

    @post("/{name:str}/redrive", operation_id="redrive_source", status_code=HTTP_200_OK)
    async def redrive(
        self, request: Asking, name: SourceName, source_administration: Administration
    ) -> TargetsRedriven:
        """Re-drive the dead targets of a source.

        Each target that was given up after bugs of ours or lost workers gets a new run. 404 `unknown_source`.
        """
        return await source_administration.redrive(name, asker=request.auth)

    @post("/{name:str}/close-breaker", operation_id="close_source_breaker", status_code=HTTP_200_OK)
    async def close_breaker(
        self, request: Asking, name: SourceName, source_administration: Administration
    ) -> BreakerClosed:
        """Close the breaker of a source's host.

        Use it if you know that the host works again and do not want to wait for the end of the cooldown. 404
        `unknown_source`. 503 while Redis is unreachable.
        """
        return await source_administration.close_breaker(name, asker=request.auth)


class BlockController(Controller):
    """People who asked to be left alone."""

    path = "/blocked"
    tags = ("blocked",)

    @get("/", operation_id="list_blocks")
    async def list_blocks(
        self,
        block_queries: BlocksRead,
        source: Annotated[str | None, QueryParameter(max_length=100, description="Only blocks of this source.")] = None,
        before: Annotated[UUID | None, QueryParameter(description="Only blocks older than this one.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200, description="Blocks per page.")] = 50,
    ) -> Blocks:
        """List the blocks, newest first. Only admins see this list."""
        return await block_queries.blocks(source=source, before=before, limit=limit)

    @post("/", operation_id="block")
    async def block(self, request: Asking, data: JSONBody[NewBlock], blocking: BlocksWritten) -> BlockView:
        """Block a person.

        Everything that is stored about the person is deleted, and they are never followed, stored or shown again.
        Keys: `games` takes a profile link; `hiscores` a player's name; `fencers` a number, a link, or `name:First Last`
        for pages with names only; `contracts` `issuer:` and a number. Followers lose what they followed, without a
        notification. Following the person answers 403 `blocked` from now on. 409 `already_blocked`.
        """
        return await blocking.block(data, asker=request.auth)

    @delete("/{block_id:uuid}", operation_id="lift_block")
    async def lift_block(self, request: Asking, block_id: FromPath[UUID], blocking: BlocksWritten) -> None:
        """Lift a block.

        The person can be followed again. Deleted data does not come back. 404 `block_not_found`.
        """
        await blocking.lift(block_id, asker=request.auth)
