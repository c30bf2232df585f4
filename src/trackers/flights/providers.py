"""Where prices come from, by name: what a watch may name as its provider."""

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from trackers.flights.errors import ProviderIsOff, UnknownProvider
from trackers.flights.google_query import search_url
from trackers.flights.search import ScrapeQuery

GOOGLE_FLIGHTS: Final = "google_flights"
MANUAL: Final = "manual"


class Provider(Struct, frozen=True, kw_only=True):
    """One of them, as the rules know it."""

    name: str
    scraped: bool
    """Whether a source fetches it; else prices are typed in or pushed, each trip for itself."""
    enabled: bool = True
    disabled_because: str = ""
    link: Callable[[ScrapeQuery], str] | None = None
    """A search as people open it themselves."""


class ProviderRegistry:
    """Every provider of the house."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        self._providers = {provider.name: provider for provider in providers}

    def __getitem__(self, name: str) -> Provider:
        """Raises UnknownProvider, naming those that there are."""
        if name not in self._providers:
            known = sorted(self._providers)
            raise UnknownProvider(
                f"There is no provider {name[:50]!r}. There are: {', '.join(known)}.",
                extra={"field": "provider", "known": known},
            )
        return self._providers[name]

    def is_on(self, name: str) -> bool:
        """Whether prices of it can come in; those of a provider that is gone cannot."""
        return name in self._providers and self._providers[name].enabled

    def scraped(self, name: str) -> Provider:
        """One that can be asked now. Raises UnknownProvider or ProviderIsOff."""
        provider = self[name]
        if not provider.enabled:
            raise ProviderIsOff(f"{name} is off on this server: {provider.disabled_because}.")
        return provider

    def link(self, query: ScrapeQuery) -> str | None:
        """Where people look at a search themselves; None where there is no such place."""
        provider = self._providers.get(query.provider)
        return provider.link(query) if provider and provider.link else None


def providers(*, google_enabled: bool, google_off_because: str) -> ProviderRegistry:
    """Those that we know."""
    return ProviderRegistry(
        [
            Provider(
                name=GOOGLE_FLIGHTS,
                scraped=True,
                enabled=google_enabled,
                disabled_because=google_off_because,
                link=search_url,
            ),
            Provider(name=MANUAL, scraped=False),
        ]
    )
