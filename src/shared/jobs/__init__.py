"""Background work: the queue port, and its arq adapter."""

from shared.jobs.queue import Job, JobQueue

__all__ = ["Job", "JobQueue"]
