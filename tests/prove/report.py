"""What a run of the proof says: `docs/proof.md`, every figure from the run itself."""

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct, field

ROOT: Final = Path(__file__).parents[2]
VERDICT: Final = {True: "held", False: "**broken**", None: ""}


class Measure(Struct, frozen=True, kw_only=True):
    """One thing that was asked, and what came out; `held` is None where it is only told."""

    what: str
    came_out: str
    held: bool | None


class Proof(Struct, frozen=True, kw_only=True):
    """What came of one part."""

    measures: list[Measure]
    notes: list[str] = field(default_factory=list)
    """What an operator needs to see for themselves what broke."""
    skipped: str = ""
    """Why the part could not be run here."""

    @property
    def holds(self) -> bool:
        return all(measure.held is not False for measure in self.measures)


class Told(Struct, frozen=True, kw_only=True):
    """A part of the report."""

    name: str
    asked: str
    seconds: float
    proof: Proof


def machine() -> str:
    """Where it ran: processors, memory, system."""
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return (
        f"{os.cpu_count()} processors, {pages / 2**30:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )


def commit() -> str:
    """What ran: the commit, and whether files differed from it."""
    try:
        name = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/proof.md")
    except (OSError, subprocess.CalledProcessError):
        return "not in a git checkout"
    return f"{name}, with {len(changed.splitlines())} files changed since" if changed else name


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 -- git, on our own folder


def report(parts: Sequence[Told], *, seed: int, load: tuple[float, float], now: datetime) -> str:
    """The page."""
    seconds = sum(part.seconds for part in parts)
    lines = [
        "# Proof",
        "",
        "Written by `make prove`, which runs the real processes against simulated sites and exits 1 where something",
        "that must hold does not. Nothing here is typed in.",
        "",
        f"- when: {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, {seconds:.0f} s in all",
        f"- what: {commit()}",
        f"- where: {machine()}; load average {load[0]:.1f} before, {load[1]:.1f} after",
        f"- seed: {seed} (`SEED={seed} make prove` asks the same)",
        "",
        "| part | seconds | verdict |",
        "|---|---|---|",
        *(f"| [{part.name}](#{part.name}) | {part.seconds:.0f} | {_verdict(part.proof)} |" for part in parts),
    ]
    for part in parts:
        lines += ["", f"## {part.name}", "", *part.asked.strip().splitlines(), ""]
        if part.proof.skipped:
            lines.append(f"Skipped: {part.proof.skipped}")
            continue
        lines += ["| asked | came out | |", "|---|---|---|"]
        lines += [f"| {_cell(one.what)} | {_cell(one.came_out)} | {VERDICT[one.held]} |" for one in part.proof.measures]
        for note in part.proof.notes:
            lines += ["", "```text", *note.replace("```", "'''").splitlines(), "```"]
    return "\n".join(lines) + "\n"


def _verdict(proof: Proof) -> str:
    if proof.skipped:
        return "skipped"
    return VERDICT[proof.holds]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
