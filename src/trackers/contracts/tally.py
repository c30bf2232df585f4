"""What a run did, counted while it does it."""

from typing import Any

from msgspec import Struct, field


class Tally(Struct, kw_only=True):
    """The sums of a run."""

    regions: int = 0
    regions_failed: list[int] = field(default_factory=list)
    regions_incomplete: list[int] = field(default_factory=list)
    pages: int = 0
    pages_unchanged: int = 0
    """Answered with 304: the ETag hit."""
    listings: int = 0
    """Contracts on the pages that had changed."""
    contracts_new: int = 0
    contracts_changed: int = 0
    contracts_gone: int = 0
    contracts_expired: int = 0
    rejected: int = 0
    items_read: int = 0
    """Contracts whose items were read."""
    items_gone: int = 0
    """Contracts that were gone when their items were asked for."""
    items: int = 0
    bids: int = 0
    auctions_read: int = 0
    ships: int = 0
    types_new: int = 0
    types_refreshed: int = 0
    types_failed: int = 0
    alerts: int = 0
    requests: int = 0
    by_status: dict[str, int] = field(default_factory=dict)
    budget_left: int | None = None
    """Errors that the API still allowed when it last said so."""
    seconds: dict[str, float] = field(default_factory=dict)
    """By phase; regions are looked at together, so phases may add up to more than the run lasted."""

    def answered(self, status: int | None) -> None:
        self.requests += 1
        name = str(status) if status else "no answer"
        self.by_status[name] = self.by_status.get(name, 0) + 1

    def took(self, phase: str, seconds: float) -> None:
        self.seconds[phase] = round(self.seconds.get(phase, 0.0) + seconds, 3)

    def summary(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__struct_fields__}
