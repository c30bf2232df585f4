"""Jobs that leave once the open transaction is in."""

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from shared.database import Database
from shared.jobs import JobQueue

SEND: Final = "notifications.send"
VERIFY: Final = "notifications.verify"


class JobEnqueuer:
    """On the request's or the job's session."""

    def __init__(self, *, session: AsyncSession, jobs: JobQueue) -> None:
        self._session = session
        self._jobs = jobs

    def send(self) -> None:
        """Have what is due sent; asked for often, it is done once."""
        self._leave(SEND, job_id=SEND)

    def verify(self, channel_id: object) -> None:
        """Have a channel challenged."""
        self._leave(VERIFY, str(channel_id))

    def _leave(self, job: str, *arguments: Any, job_id: str | None = None) -> None:
        async def leave() -> None:
            await self._jobs.enqueue(job, *arguments, job_id=job_id)

        Database.after_commit(self._session, leave)
