"""Where people and bots ask what became of a task that they were given."""

from uuid import UUID

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation

from shared.scraping.targets import Task, TaskBoard, TaskState
from shared.web.guards import OPEN

Board = NamedDependency[SkipValidation[TaskBoard]]


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
