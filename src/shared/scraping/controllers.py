"""Where people and bots ask what became of a task that they were given; and the sources, for admins."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation
from litestar.status_codes import HTTP_200_OK

from shared.scraping.admin import BreakerClosed, PauseSource, SourceAdministration, SourceResumed, TargetsRedriven
from shared.scraping.health import SourceHealth, SourceQueries, Sources
from shared.scraping.repository import SourcePaused
from shared.scraping.targets import Task, TaskBoard, TaskState
from shared.web.guards import OPEN
from shared.web.identity import PersonIdentity

Board = NamedDependency[SkipValidation[TaskBoard]]
Health = NamedDependency[SkipValidation[SourceQueries]]
Administration = NamedDependency[SkipValidation[SourceAdministration]]
Asking = Request[Any, PersonIdentity, Any]


class TaskController(Controller):
    """A task id is known only to who was given it, so it is its own permission; what it was about is not told."""

    path = "/tasks"
    tags = ("tasks",)

    @get("/{task_id:uuid}", operation_id="get_task", opt=OPEN)
    async def get_task(self, task_id: FromPath[UUID], task_board: Board) -> TaskState:
        """How a task stands: pending, in_progress, completed or failed, and why."""
        return await task_board.state(task_id)


class InternalTaskController(Controller):
    path = "/tasks"
    tags = ("tasks",)

    @get("/{task_id:uuid}", operation_id="internal_get_task")
    async def get_task(self, task_id: FromPath[UUID], task_board: Board) -> Task:
        """How a task stands: pending, in_progress, completed or failed, and why."""
        return await task_board.task(task_id)


class SourceController(Controller):
    """The sites that are looked at."""

    path = "/sources"
    tags = ("sources",)

    @get("/", operation_id="list_sources")
    async def list_sources(self, source_queries: Health) -> Sources:
        """Every source: its pace, its breaker, how its targets stand, and what was asked of it lately."""
        return await source_queries.sources()

    @get("/{name:str}", operation_id="get_source")
    async def get_source(self, name: FromPath[str], source_queries: Health) -> SourceHealth:
        """One source. 404 `unknown_source`."""
        return await source_queries.source(name)

    @post("/{name:str}/pause", operation_id="pause_source", status_code=HTTP_200_OK)
    async def pause(
        self,
        request: Asking,
        name: FromPath[str],
        source_administration: Administration,
        data: JSONBody[PauseSource | None] = None,
    ) -> SourcePaused:
        """Have nothing of a source looked at until it is resumed, whatever restarts. What is asked for waits.

        What is under way is broken off within two seconds.
        """
        return await source_administration.pause(name, reason=data.reason if data else None, asker=request.auth)

    @post("/{name:str}/resume", operation_id="resume_source", status_code=HTTP_200_OK)
    async def resume(
        self, request: Asking, name: FromPath[str], source_administration: Administration
    ) -> SourceResumed:
        """Have a source looked at again; what was due meanwhile is due now."""
        return await source_administration.resume(name, asker=request.auth)

    @post("/{name:str}/redrive", operation_id="redrive_source", status_code=HTTP_200_OK)
    async def redrive(
        self, request: Asking, name: FromPath[str], source_administration: Administration
    ) -> TargetsRedriven:
        """Try every target again that was given up, after a bug of ours or lost workers."""
        return await source_administration.redrive(name, asker=request.auth)

    @post("/{name:str}/close-breaker", operation_id="close_source_breaker", status_code=HTTP_200_OK)
    async def close_breaker(
        self, request: Asking, name: FromPath[str], source_administration: Administration
    ) -> BreakerClosed:
        """Trust a host again at once, rather than after its rest: when its failures are known to be over."""
        return await source_administration.close_breaker(name, asker=request.auth)
