"""Results of a run, as the engine passes them to a source to be recorded."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from shared.scraping.failures import ScrapeFailure
from shared.scraping.target import Target

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation(Generic[T]):
    """New state of a target from one run, not yet compared with the old one."""

    target: Target
    value: T
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedFetch:
    """A run without new state, as the engine passes it to the source."""

    target: Target
    failure: ScrapeFailure
    at: datetime
