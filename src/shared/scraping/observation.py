"""The result of a visit, as the engine hands it to a source to be recorded."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from shared.scraping.failures import ScrapeFailure
from shared.scraping.target import Target

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation(Generic[T]):
    """What a visit brought: a new state of a target, not yet compared with the old one."""

    target: Target
    value: T
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedFetch:
    """A visit that brought no state, as the source is told of it."""

    target: Target
    failure: ScrapeFailure
    at: datetime
