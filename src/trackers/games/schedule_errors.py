"""What can be wrong with a schedule: ScheduleNotFound 404, ScheduleBegan 409, ScheduleOver 409, InvalidSchedule 422."""

from uuid import UUID

from shared.errors import Conflict, Invalid, NotFound


class ScheduleNotFound(NotFound):
    """The same words for one that is not there and one of a guild that the asker may not know of."""

    code = "schedule_not_found"

    def __init__(self, schedule_id: UUID) -> None:
        super().__init__(f"There is no schedule {schedule_id}, or none that you may know of.")


class ScheduleBegan(Conflict):
    code = "schedule_began"
    title = "Begun already"

    def __init__(self, schedule_id: UUID) -> None:
        super().__init__(f"The processing of schedule {schedule_id} has begun; it can no longer be cancelled.")


class ScheduleOver(Conflict):
    code = "schedule_over"
    title = "Over already"

    def __init__(self, schedule_id: UUID, *, status: str) -> None:
        super().__init__(f"Schedule {schedule_id} is {status}; there is nothing left to cancel.")


class InvalidSchedule(Invalid):
    code = "invalid_schedule"
    title = "Not a time to process at"

    def __init__(self, detail: str, *, field: str) -> None:
        super().__init__(detail, extra={"field": field})
