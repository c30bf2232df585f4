"""`python -m benchmarks [names...]`: measures, prints the table, writes `benchmarks/results.json`."""

import argparse
import asyncio
import importlib
import logging
import sys
import time
import traceback
from pathlib import Path
from typing import Final

import structlog
import uvloop
from rich.console import Console

from app.server import settle_memory
from benchmarks.common import Result, encoded, show
from benchmarks.house import House, private_house

NAMES: Final = (
    "scrape_pipeline",
    "api_read",
    "auth_read",
    "login",
    "dispatch_claim",
    "gauges",
    "list_trackers",
    "hiscore_layouts",
    "hiscore_reads",
    "outbox_relay",
    "fan_out",
    "digests",
    "pacing",
    "memory",
    "contracts_writes",
    "contracts_sweep",
    "contracts_list",
    "price_history",
    "due_watches",
    "watch_pipeline",
)
LONGEST: Final = 180.0
"""Seconds that one benchmark may take."""
RESULTS: Final = Path(__file__).parent / "results.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which ones; all: {' '.join(NAMES)}")
    parser.add_argument("--check", action="store_true", help="exit 1 where a target is missed")
    parser.add_argument("--keep", action="store_true", help="keep the run's folder, with the logs of its processes")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console(width=None if sys.stdout.isatty() else 200)
    results: list[Result] = []
    broken: list[str] = []
    with private_house(keep=arguments.keep) as house:
        console.print(f"[dim]in {house.folder}[/]")
        for name in arguments.names or NAMES:
            started = time.perf_counter()
            try:
                results += uvloop.run(_bounded(name, house))
            except Exception:  # noqa: BLE001 -- one that breaks must not keep the others from being measured
                broken.append(name)
                console.print(f"[bold red]{name} broke[/]")
                traceback.print_exc()
            console.print(f"[dim]{name}: {time.perf_counter() - started:.0f} s[/]")
    show(results, console)
    if not arguments.names and not broken:
        RESULTS.write_bytes(encoded(results))
    missed = any(result.ok is False for result in results)
    return 1 if broken or (arguments.check and missed) else 0


async def _bounded(name: str, house: House) -> list[Result]:
    """One benchmark, which may not take for ever."""
    async with asyncio.timeout(LONGEST):
        module = importlib.import_module(f"benchmarks.{name}")
        settle_memory()  # as the product's processes do: else a full collection, 200 ms long, hits a round now and then
        made: list[Result] = await module.run(house)
        return made


if __name__ == "__main__":
    sys.exit(main())
