"""Errors of schedules: ScheduleNotFound 404, ScheduleBegan 409, ScheduleOver 409, InvalidSchedule 422."""

from uuid import UUID

from shared.errors import Conflict, Invalid, NotFound


class ScheduleNotFound(NotFound):
    """A schedule that does not exist, or of a guild that the caller may not see; both get the same words."""

    code = "schedule_not_found"

    def __init__(self, schedule_id: UUID) -> None:
        super().__init__(f"There is no schedule {schedule_id}, or you may not see it.")


class ScheduleBegan(Conflict):
    code = "schedule_began"
    title = "Started already"

    def __init__(self, schedule_id: UUID) -> None:
        super().__init__(f"The processing of schedule {schedule_id} has started; it can no longer be cancelled.")


class ScheduleOver(Conflict):
    code = "schedule_over"
    title = "Finished already"

    def __init__(self, schedule_id: UUID, *, status: str) -> None:
        super().__init__(f"Schedule {schedule_id} is {status}; there is nothing left to cancel.")


class InvalidSchedule(Invalid):
    code = "invalid_schedule"
    title = "Not a valid schedule"

    def __init__(self, detail: str, *, field: str) -> None:
        super().__init__(detail, extra={"field": field})
