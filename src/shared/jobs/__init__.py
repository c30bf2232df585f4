"""Background work: the queue port, and its arq adapter."""

from shared.jobs.queue import Job, JobQueue, JobTimedOutError

__all__ = ["Job", "JobQueue", "JobTimedOutError"]
