"""What a part of the proof stands on: servers that may be killed, simulated sites, the product's own processes."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tests.integration.faults.harness import Servers, Stage
from tests.upstreams.client import SimulatedSites

from app.embedded import embedded_servers
from app.migrations import migrate

EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})
INDOORS: Final = "tests.prove.indoors"
"""`trackers`, but connected to nothing outside this machine."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """One part's own."""

    servers: Servers
    sites: SimulatedSites
    folder: Path

    async def stage(self, *, migrated: bool = True) -> Stage:
        """A database of the part's own, at this version's schema unless it is to be something else."""
        await self.servers.run("CREATE DATABASE proof")
        url = self.servers.url_of("proof")
        if migrated:
            await migrate(url)
        return Stage(self.servers, url, self.sites, self.folder, program=INDOORS)


@contextmanager
def ground(
    seed: int, *, games: Mapping[str, Any], hiscores: Mapping[str, Any] = EMPTY, fencers: Mapping[str, Any] = EMPTY
) -> Iterator[Ground]:
    """Durable servers, in memory where there is such a folder, and the sites with these `options`."""
    memory = Path("/dev/shm")  # noqa: S108 -- a folder of our own in it
    base = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="trackers-prove-", dir=base))
    folder.chmod(0o711)  # the servers' user must pass through
    try:
        with (
            embedded_servers(folder / "home", durable=True) as endpoints,
            SimulatedSites.started(seed=seed, games=games, hiscores=hiscores, fencers=fencers) as sites,
        ):
            yield Ground(servers=Servers(folder / "home", endpoints), sites=sites, folder=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def close(stage: Stage) -> None:
    """End every process of a stage."""
    for process in stage.workers:
        process.kill()
