"""Interface of a source: everything that the engine needs from a foreign site.

A source is a plug-in: the engine depends on this interface and on no site.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar
from uuid import UUID

from shared.scraping.fetch_context import FetchContext
from shared.scraping.observation import FailedFetch, Observation
from shared.scraping.policy import Policy
from shared.scraping.target import Target

T = TypeVar("T")


class Source(ABC, Generic[T]):
    """A foreign site, or a part of one, that has targets."""

    name: str
    """Unique and stable: it is stored in the database with every target."""
    policy: Policy
    parser_version: int = 1
    """Raise it when the parser reads more than before: known bodies are then parsed again."""
    enabled: bool = True
    """False until the operator enables the source, if the site's terms require that."""
    disabled_because: str = ""
    """Instruction to the operator for enabling it."""

    followed_by_hand: bool = True
    """True if `trackers follow` may follow a target; False if targets belong to the people who register them."""
    base_url: str | None = None
    """Scheme and host of the site, if it has one; `trackers doctor` sends a request to it."""

    def read(self, entered: str) -> tuple[str, str]:
        """(key, address) of a target that a person typed: a key, or a link if the source reads links.

        Raises a Problem if the text names nothing on the site.
        """
        return entered, entered

    @abstractmethod
    async def collect(self, target: Target, context: FetchContext) -> T:
        """Fetch a target and parse the answer, outside any transaction.

        Raises a ScrapeFailure; `context.get` raises Unchanged if the site or the body shows that nothing changed.
        """

    @abstractmethod
    async def record(self, observations: Sequence[Observation[T]]) -> set[UUID]:
        """Compare with what is stored and write the changes, in the open unit of work.

        Returns the ids of the targets that changed. Must be one bulk write: batches have up to `policy.batch_size`
        targets.
        """

    async def record_failures(self, failures: Sequence[FailedFetch]) -> None:
        """Record failed runs in the domain, in the open unit of work; most sources do not need it."""
