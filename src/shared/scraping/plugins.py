"""Sources from third parties: a package adds a site by an entry point in the group `trackers.sources`.

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
    """Dependencies of a source from a third party."""

    environ: Mapping[str, str]
    """Environment of the process, including a `.env` file."""
    session: Callable[[], AsyncSession]
    """Returns the session of the unit of work that is open while `record` runs."""
    targets: Callable[[], Targets]
    """Returns the targets on that session: `track` follows a target, `request_run` requests a run.

    `trackers follow` does the same by hand.
    """
    clock: Clock


class PluginError(RuntimeError):
    """The entry point of a package does not return a source; the message names the entry point."""


@cache
def _installed() -> EntryPoints:
    """Entry points of all installed packages; read once per process, because there may be hundreds of packages."""
    return entry_points(group=GROUP)


def load_plugins(context: SourceContext) -> Iterator[Source[Any]]:
    """Yield the sources of all installed packages. Raises PluginError."""
    for point in _installed():
        try:
            source = point.load()(context)
        except Exception as error:
            raise PluginError(f"the source {point.name!r} ({point.value}) cannot be loaded: {error}") from error
        if not isinstance(source, Source):
            raise PluginError(
                f"the entry point {point.name!r} ({point.value}) does not return a shared.scraping.source.Source"
            )
        yield source
