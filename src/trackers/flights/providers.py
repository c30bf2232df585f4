"""Providers of prices by name; a watch names one of them."""

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from trackers.flights.errors import ProviderIsOff, UnknownProvider
from trackers.flights.google_query import search_url
from trackers.flights.search import ScrapeQuery

GOOGLE_FLIGHTS: Final = "google_flights"
MANUAL: Final = "manual"


class Provider(Struct, frozen=True, kw_only=True):
    """A provider of prices."""

    name: str
    scraped: bool
    """True if a source fetches its prices; otherwise they are entered or pushed, separately for each trip."""
    enabled: bool = True
    disabled_because: str = ""
    link: Callable[[ScrapeQuery], str] | None = None
    """Makes the address at which people can open a search."""


class ProviderRegistry:
    """All providers of the app."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        self._providers = {provider.name: provider for provider in providers}

    def __getitem__(self, name: str) -> Provider:
        """Return a provider. Raises UnknownProvider, which lists the known providers."""
        if name not in self._providers:
            known = sorted(self._providers)
            raise UnknownProvider(
                f"There is no provider {name[:50]!r}. Known providers: {', '.join(known)}.",
                extra={"field": "provider", "known": known},
            )
        return self._providers[name]

    def is_on(self, name: str) -> bool:
        """True if the provider exists and is turned on, so that prices can come in."""
        return name in self._providers and self._providers[name].enabled

    def scraped(self, name: str) -> Provider:
        """Return a provider that is turned on. Raises UnknownProvider or ProviderIsOff."""
        provider = self[name]
        if not provider.enabled:
            raise ProviderIsOff(f"{name} is turned off on this server: {provider.disabled_because}.")
        return provider

    def link(self, query: ScrapeQuery) -> str | None:
        """Return the address at which people can open a search; None if the provider has no such page."""
        provider = self._providers.get(query.provider)
        return provider.link(query) if provider and provider.link else None


def providers(*, google_enabled: bool, google_off_because: str) -> ProviderRegistry:
    """Build the registry of all providers."""
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
