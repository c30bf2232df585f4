"""`python -m tests.prove [part ...]`: proves on the running product what the tests claim, within nine minutes.

Writes docs/proof.md when all parts ran (elsewhere with --report). Exits 1 where something that must hold does not.
SEED=n repeats a run; SECONDS=n has all ask for shorter, or longer.
"""

import argparse
import asyncio
import importlib
import logging
import os
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog
import uvloop
from tests.prove.report import ROOT, VERDICT, Measure, Proof, Told, report


@dataclass(frozen=True, kw_only=True)
class Share:
    """A part's seconds: to ask, and to start and look at what came of it, on a machine with nothing else to do."""

    asking: float
    around: float


PARTS: Final = {
    "schema": Share(asking=250, around=20),
    "chaos": Share(asking=60, around=35),
    "soak": Share(asking=45, around=40),
    "load": Share(asking=20, around=15),
    "upgrade": Share(asking=15, around=40),
}
WHOLE: Final = 540.0
SEED: Final = 20261122
LEAST: Final = 2.0
"""Seconds of asking that a part is given however late it is."""
BUSIEST: Final = 3.0
"""Times that starting takes longer at most, where others want the processors, too."""
PATIENCE: Final = 40.0
"""Times its seconds that a part may take before it counts as hung: on no machine does it take so long."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The time that all parts have together; on a busy machine the later ones ask for shorter."""

    whole: float
    parts: Sequence[str]
    busy: float = 1.0
    """Times that everything but asking takes longer."""
    began: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        return self.began + self.whole - time.monotonic()

    def asking(self, name: str) -> float:
        """Seconds that a part may ask, so that those after it come to their turn."""
        ahead = [PARTS[one] for one in self.parts[self.parts.index(name) :]]
        around = sum(one.around for one in ahead) * self.busy
        share = (self.left() - around) / sum(one.asking for one in ahead)
        return max(LEAST, PARTS[name].asking * min(1.0, share))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"which ones; all: {' '.join(PARTS)}")
    parser.add_argument("--report", type=Path, help="where to write it; by default docs/proof.md, once all parts ran")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    seed = int(os.environ.get("SEED") or SEED)
    parts = arguments.parts or list(PARTS)
    began, load = datetime.now(UTC), os.getloadavg()[0]  # real date: the report says when it was made
    busy = min(BUSIEST, max(1.0, load / (os.cpu_count() or 1)))
    budget = Budget(whole=float(os.environ.get("SECONDS") or WHOLE), parts=parts, busy=busy)
    say(f"seed {seed}, {budget.whole:g} s")
    told = [prove(name, budget, seed) for name in parts]
    where = arguments.report or (None if arguments.parts else ROOT / "docs" / "proof.md")
    if where is not None:
        where.write_text(report(told, seed=seed, load=(load, os.getloadavg()[0]), now=began), encoding="utf-8")
        say(f"written: {where}")
    return 0 if all(part.proof.holds for part in told) else 1


async def _bounded(name: str, budget: Budget, seed: int) -> Proof:
    """One part, which may not go on for ever."""
    asking = budget.asking(name)
    async with asyncio.timeout(asking + PARTS[name].around * PATIENCE):
        proof: Proof = await importlib.import_module(f"tests.prove.{name}").run(asking, seed)
        return proof


def prove(name: str, budget: Budget, seed: int) -> Told:
    """Run one part; one that breaks off is broken, and the others are run all the same."""
    module = importlib.import_module(f"tests.prove.{name}")
    began = time.monotonic()
    try:
        proof = uvloop.run(_bounded(name, budget, seed))
    except Exception as error:  # noqa: BLE001 -- told in the report, with its trace
        measure = Measure(
            what="the part came to its end", came_out=f"{type(error).__name__}: {error}"[:500], held=False
        )
        proof = Proof(measures=[measure], notes=[traceback.format_exc()[-3000:]])
    took = time.monotonic() - began
    say(f"{name}: {'skipped' if proof.skipped else 'held' if proof.holds else 'BROKEN'} after {took:.0f} s")
    for measure in proof.measures:
        say(f"  {VERDICT[measure.held].strip('*') or '-':7} {measure.what}: {measure.came_out}")
    for note in proof.notes:
        say("  " + note.replace("\n", "\n  "))
    return Told(name=name, asked=module.__doc__ or "", seconds=took, proof=proof)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
