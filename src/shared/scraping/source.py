"""What a foreign site must say about itself so that the engine can follow things on it.

A source is a plug-in: the engine knows this page and nothing of any site.
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
    """A site, or a part of one, that targets live on."""

    name: str
    """Unique and stable: it stands in the database beside every target."""
    policy: Policy
    parser_version: int = 1
    """Raise it when the parser reads more than before: bodies seen already are then read again."""
    enabled: bool = True
    """Off until the operator has turned it on, where the site's terms ask for that."""
    disabled_because: str = ""
    """What the operator is told to do about it."""

    followed_by_hand: bool = True
    """Whether `trackers follow` may follow a target; off where targets belong to people who register them."""
    base_url: str | None = None
    """Scheme and host of the site, where there is one; what `trackers doctor` knocks at."""

    def read(self, entered: str) -> tuple[str, str]:
        """(key, address) of a target as a person types it: a key, or a link where the source reads links.

        Raises a Problem for what names nothing on the site.
        """
        return entered, entered

    @abstractmethod
    async def collect(self, target: Target, context: FetchContext) -> T:
        """Ask the site for a target's state and parse it. Outside any transaction.

        Raises a ScrapeFailure; `context.get` raises Unchanged where the site says, or the body shows, that nothing moved.
        """

    @abstractmethod
    async def record(self, observations: Sequence[Observation[T]]) -> set[UUID]:
        """Compare with what is stored and write what changed, in the unit of work that is open.

        Returns the ids of the targets that changed. Must be one bulk write: batches have up to `policy.batch_size`.
        """

    async def record_failures(self, failures: Sequence[FailedFetch]) -> None:
        """Note failed visits in the domain, in the unit of work that is open; most sources need not."""
