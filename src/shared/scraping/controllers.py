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
    """Tasks by id. Only the requester gets the id, so it is its own permission; no response names the target."""

    path = "/tasks"
    tags = ("tasks",)

    @get("/{task_id:uuid}", operation_id="get_task", opt=OPEN)
    async def get_task(self, task_id: FromPath[UUID], task_queries: Board) -> TaskState:
        """Get a task.

        A task is one fetch. Its `status` is `pending`, `in_progress`, `completed` or `failed`. A failed task has the
        reason for its failure. 404 `task_not_found` if there is no task with this id.
        """
        return await task_queries.state(task_id)


class InternalTaskController(Controller):
    path = "/tasks"
    tags = ("tasks",)

    @get("/{task_id:uuid}", operation_id="internal_get_task")
    async def get_task(self, task_id: FromPath[UUID], task_queries: Board) -> Task:
        """Get a task with its target.

        A task is one fetch. Its `status` is `pending`, `in_progress`, `completed` or `failed`. A failed task has the
        reason for its failure. 404 `task_not_found` if there is no task with this id.
        """
        return await task_queries.task(task_id)


class SourceController(Controller):
    """Sources and their health."""

    path = "/sources"
    tags = ("sources",)

    @get("/", operation_id="list_sources")
    async def list_sources(self, source_queries: Health) -> Sources:
        """List the sources with their health.

        A source is a site, or a part of a site, from which this service fetches data. Each entry has the pace of
        requests, the circuit breaker, the state of the targets, and the runs and requests of the last hour and the last
        day.
        """
        return await source_queries.sources()

    @get("/{name:str}", operation_id="get_source")
    async def get_source(self, name: SourceName, source_queries: Health) -> SourceHealth:
        """Get a source with its health.

        404 `unknown_source` if there is no source with this name.
        """
        return await source_queries.source(name)

    @post("/{name:str}/pause", operation_id="pause_source", status_code=HTTP_200_OK)
    async def pause(
        self,
        request: Asking,
        name: SourceName,
        source_administration: Administration,
        data: JSONBody[PauseSource | None] = None,
    ) -> SourcePaused:
        """Pause a source.

        It stays paused until you resume it, even after a restart. Requested fetches wait. Fetches that are running are
        cancelled within two seconds. 404 `unknown_source` if there is no source with this name.
        """
        return await source_administration.pause(name, reason=data.reason if data else None, asker=request.auth)

    @post("/{name:str}/resume", operation_id="resume_source", status_code=HTTP_200_OK)
    async def resume(self, request: Asking, name: SourceName, source_administration: Administration) -> SourceResumed:
        """Resume a paused source.

        Targets that became due during the pause are fetched now. 404 `unknown_source` if there is no source with this
        name.
        """
        return await source_administration.resume(name, asker=request.auth)

    @post("/{name:str}/redrive", operation_id="redrive_source", status_code=HTTP_200_OK)
    async def redrive(
        self, request: Asking, name: SourceName, source_administration: Administration
    ) -> TargetsRedriven:
        """Retry the dead targets of a source.

        These are the targets that were abandoned because of a bug in this service or a crashed worker. Each gets a new
        run. Targets that guilds have switched off stay off. 404 `unknown_source` if there is no source with this name.
        """
        return await source_administration.redrive(name, asker=request.auth)

    @post("/{name:str}/close-breaker", operation_id="close_source_breaker", status_code=HTTP_200_OK)
    async def close_breaker(
        self, request: Asking, name: SourceName, source_administration: Administration
    ) -> BreakerClosed:
        """Close the circuit breaker of a source's host.

        After repeated failures of a host, its breaker opens and stops all requests until a cooldown ends. Close the
        breaker if you know that the host works again and you do not want to wait. This applies to all sources on the
        host. 404 `unknown_source` if there is no source with this name. 503 if Redis is unreachable.
        """
        return await source_administration.close_breaker(name, asker=request.auth)


class BlockController(Controller):
    """People who asked not to be tracked."""

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
        """List the blocks, newest first.

        Only admins see this list.
        """
        return await block_queries.blocks(source=source, before=before, limit=limit)

    @post("/", operation_id="block")
    async def block(self, request: Asking, data: JSONBody[NewBlock], blocking: BlocksWritten) -> BlockView:
        """Block a person.

        Everything that is stored about the person is deleted, and nobody can follow them again. Set `keys` to:

        - for the source `games`: links to the person's profiles;
        - for `hiscores`: names of the person's players;
        - for `fencers`: numbers or links of fencers or clubs, or `name:First Last` for pages that show only names;
        - for `contracts`: `issuer:` and the number of a character, such as `issuer:90000001`.

        Followers lose what they followed, without a notification. From then on, requests to follow the person get 403
        `blocked`. 409 `already_blocked` if one of the keys is already blocked.
        """
        return await blocking.block(data, asker=request.auth)

    @delete("/{block_id:uuid}", operation_id="lift_block")
    async def lift_block(self, request: Asking, block_id: FromPath[UUID], blocking: BlocksWritten) -> None:
        """Lift a block.

        The person can be followed again. Deleted data does not come back. 404 `block_not_found` if there is no block
        with this id.
        """
        await blocking.lift(block_id, asker=request.auth)
