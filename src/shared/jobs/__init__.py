"""Background jobs: the interface of the queue, and its arq implementation."""

from shared.jobs.queue import Job, JobQueue

__all__ = ["Job", "JobQueue"]
