"""`python -m tests.prove [part ...]`: proves what the tests claim on the running product, within ten minutes.

Writes docs/proof.md when all parts ran (elsewhere with --report). Exits 1 where something that must hold does not.
SEED=n repeats a run; SECONDS=n shortens or lengthens it as a whole.
"""

import argparse
import importlib
import logging
import os
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog
import uvloop
from tests.prove.report import ROOT, VERDICT, Measure, Proof, Told, report

PARTS: Final = {"schema": 240.0, "chaos": 110.0, "soak": 75.0, "load": 30.0, "upgrade": 25.0}
"""Seconds that each is given to ask; starting and looking at what came of it take more."""
SEED: Final = 20261122


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"which ones; all: {' '.join(PARTS)}")
    parser.add_argument("--report", type=Path, help="where to write it; by default docs/proof.md, once all parts ran")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    seed = int(os.environ.get("SEED", str(SEED)))
    scale = float(os.environ.get("SECONDS", "0")) / sum(PARTS.values()) or 1.0
    began, load = datetime.now(UTC), os.getloadavg()[0]
    say(f"seed {seed}")
    told = [prove(name, PARTS[name] * scale, seed) for name in arguments.parts or PARTS]
    where = arguments.report or (None if arguments.parts else ROOT / "docs" / "proof.md")
    if where is not None:
        where.write_text(report(told, seed=seed, load=(load, os.getloadavg()[0]), now=began), encoding="utf-8")
        say(f"written: {where}")
    return 0 if all(part.proof.holds for part in told) else 1


def prove(name: str, seconds: float, seed: int) -> Told:
    """Run one part; one that breaks off is broken, and the others are run all the same."""
    module = importlib.import_module(f"tests.prove.{name}")
    began = time.monotonic()
    try:
        proof = uvloop.run(module.run(seconds, seed))
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
