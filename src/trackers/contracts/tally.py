"""Counters of an aggregation run."""

from typing import Any

from msgspec import Struct, field


class Tally(Struct, kw_only=True):
    """The totals of a run."""

    regions: int = 0
    regions_failed: list[int] = field(default_factory=list)
    regions_incomplete: list[int] = field(default_factory=list)
    pages: int = 0
    pages_unchanged: int = 0
    """Pages that were answered with 304, because the ETag matched."""
    listings: int = 0
    """Contracts on the changed pages."""
    contracts_new: int = 0
    contracts_changed: int = 0
    contracts_gone: int = 0
    contracts_expired: int = 0
    rejected: int = 0
    items_read: int = 0
    """Contracts whose items were read."""
    items_gone: int = 0
    """Contracts that had ended when their items were requested."""
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
    """Errors left in the API's budget, by its last answer that says so."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds by phase; regions are fetched concurrently, so the sum may exceed the duration of the run."""

    def answered(self, status: int | None) -> None:
        """Count a request by the status of its answer; None: no answer."""
        self.requests += 1
        name = str(status) if status else "no answer"
        self.by_status[name] = self.by_status.get(name, 0) + 1

    def took(self, phase: str, seconds: float) -> None:
        """Add seconds to a phase."""
        self.seconds[phase] = round(self.seconds.get(phase, 0.0) + seconds, 3)

    def summary(self) -> dict[str, Any]:
        """Totals by name, as stored with the run."""
        return {name: getattr(self, name) for name in self.__struct_fields__}
