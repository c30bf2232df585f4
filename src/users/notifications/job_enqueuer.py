"""Enqueues jobs after the commit of the open transaction."""

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from shared.database import Database
from shared.jobs import JobQueue

SEND: Final = "notifications.send"
VERIFY: Final = "notifications.verify"


class JobEnqueuer:
    """Enqueues the jobs of notifications after the commit of a session."""

    def __init__(self, *, session: AsyncSession, jobs: JobQueue) -> None:
        self._session = session
        self._jobs = jobs

    def send(self) -> None:
        """Start the sender; repeated calls start it once."""
        self._leave(SEND, job_id=SEND)

    def verify(self, channel_id: object) -> None:
        """Start the job that challenges a channel."""
        self._leave(VERIFY, str(channel_id))

    def _leave(self, job: str, *arguments: Any, job_id: str | None = None) -> None:
        async def leave() -> None:
            await self._jobs.enqueue(job, *arguments, job_id=job_id)

        Database.after_commit(self._session, leave)
