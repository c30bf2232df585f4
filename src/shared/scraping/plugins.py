"""Sources of third parties: a package adds a site by an entry point of the group `trackers.sources`.

The entry point names a callable that takes a SourceContext and returns a Source.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.scraping.source import Source
from shared.scraping.targets import Targets

GROUP: Final = "trackers.sources"


@dataclass(frozen=True, kw_only=True)
class SourceContext:
    """What a source from outside is given."""

    environ: Mapping[str, str]
    """The process's environment, a `.env` file included."""
    session: Callable[[], AsyncSession]
    """The session of the unit of work that is open while `record` runs."""
    targets: Callable[[], Targets]
    """Targets on that session: `track` follows something, `request_run` hurries it. `trackers follow` does it by hand."""
    clock: Clock


class PluginError(RuntimeError):
    """A package's entry point does not give a source; the message names the package."""


@cache
def _installed() -> EntryPoints:
    """Of all installed packages, which are read once per process: there may be hundreds."""
    return entry_points(group=GROUP)


def load_plugins(context: SourceContext) -> Iterator[Source[Any]]:
    """The sources of all installed packages."""
    for point in _installed():
        try:
            source = point.load()(context)
        except Exception as error:
            raise PluginError(f"the source {point.name!r} ({point.value}) cannot be loaded: {error}") from error
        if not isinstance(source, Source):
            raise PluginError(f"the entry point {point.name!r} ({point.value}) gives no shared.scraping.source.Source")
        yield source
