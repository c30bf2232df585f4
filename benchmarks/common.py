"""What every benchmark shares: results and their table, taking turns, and processes that end with the run."""

import os
import select
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

ROOT: Final = Path(__file__).parents[1]
STOP_PATIENCE: Final = 15.0
TICKS: Final = os.sysconf("SC_CLK_TCK")
T = TypeVar("T")


# ---- results ----


class Result(Struct, frozen=True, kw_only=True):
    """One value beside its floor; `ratio` is value / floor, `ok` is None where no target is set."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None
    target: str = ""
    ok: bool | None = None
    note: str = ""


def compared(
    name: str,
    value: float,
    unit: str,
    floor: float,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    note: str = "",
) -> Result:
    """A result whose ratio to its floor has a target: `at_least` or `at_most`, or neither."""
    ratio = value / floor if floor else float("inf")
    target, ok = "", None
    if at_least is not None:
        target, ok = f">= {at_least:g}", ratio >= at_least
    elif at_most is not None:
        target, ok = f"<= {at_most:g}", ratio <= at_most
    return Result(
        name=name, value=rounded(value), unit=unit, floor=rounded(floor), ratio=rounded(ratio),
        target=target, ok=ok, note=note,
    )  # fmt: skip


def rounded(value: float, digits: int = 4) -> float:
    """To so many digits that count."""
    return float(f"{value:.{digits}g}")


def median(values: Iterable[float]) -> float:
    """Of an even number the mean of the middle two."""
    return statistics.median(values)


def spread(values: Sequence[float], floors: Sequence[float]) -> str:
    """The ratios of the single rounds, lowest to highest: how much of a ratio is noise."""
    ratios = sorted(value / floor for value, floor in zip(values, floors, strict=True))
    return f"rounds {ratios[0]:.2f}-{ratios[-1]:.2f}"


def encoded(results: Sequence[Result]) -> bytes:
    """The text of `results.json`."""
    return msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n"


def show(results: Sequence[Result], console: Console) -> None:
    """The table that a run ends with."""
    table = Table("benchmark", box=None, pad_edge=False, header_style="bold")
    for column in ("value", "floor", "ratio", "target"):
        table.add_column(column, justify="right")
    table.add_column("")
    table.add_column("note", style="dim")
    for result in results:
        verdict = {True: "[green]ok[/]", False: "[bold red]miss[/]", None: ""}[result.ok]
        table.add_row(
            result.name,
            f"{result.value:g} {result.unit}",
            "" if result.floor is None else f"{result.floor:g}",
            "" if result.ratio is None else f"{result.ratio:.3g}",
            result.target,
            verdict,
            result.note,
        )
    console.print(table)


# ---- taking turns ----


async def interleaved(
    contenders: Mapping[str, Callable[[], Awaitable[T]]], *, rounds: int, within: float = float("inf")
) -> dict[str, list[T]]:
    """What each contender measured in each round, in turns; every other round in reverse, so that drift harms all.

    No round begins after `within` seconds, but one is always made.
    """
    started = time.monotonic()
    measured: dict[str, list[T]] = {name: [] for name in contenders}
    for number in range(rounds):
        if number and time.monotonic() - started > within:
            break
        for name in list(contenders)[:: 1 if number % 2 == 0 else -1]:
            measured[name].append(await contenders[name]())
    return measured


# ---- processes ----


@contextmanager
def child(
    arguments: Sequence[str], *, environ: Mapping[str, str] | None = None, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m arguments...` for as long as the block runs; its stdin closes with it, or with our death."""
    with (
        log.open("ab") as output,
        subprocess.Popen(  # noqa: S603 -- our own modules
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=dict(environ) if environ is not None else None,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def ask(process: subprocess.Popen[bytes], question: Any, *, patience: float = 90.0) -> Any:
    """One line of JSON to a child's stdin, one back from its stdout."""
    tell(process, question)
    return hear(process, patience=patience)


def tell(process: subprocess.Popen[bytes], order: Any) -> None:
    """One line of JSON to a child's stdin."""
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(order) + b"\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[bytes], *, patience: float = 30.0) -> Any:
    """The next line of JSON that a child says; raises RuntimeError where it ends or takes too long."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], patience)[0]:
        raise RuntimeError(f"no answer from {process.args!r} within {patience:g} s")
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError(f"{process.args!r} ended with {process.wait(STOP_PATIENCE)}; --keep keeps its log")
    return msgspec.json.decode(answer)


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_seconds_of_family(pid: int) -> float:
    """CPU time of a process, its children that live, and those that it has waited for."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = _stat(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(entry.name) == pid:
            total += sum(int(field) for field in fields[11:15]) / TICKS
        elif int(fields[1]) == pid:
            total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def resident_bytes(pid: int) -> int:
    """Memory that a process holds (VmRSS)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} has ended")


def own_child(name: str) -> int | None:
    """The process that this one started and whose command line has a name in it."""
    for entry in Path("/proc").iterdir():
        try:
            if (
                entry.name.isdecimal()
                and int(_stat(int(entry.name))[1]) == os.getpid()
                and name in (entry / "cmdline").read_text(errors="replace")
            ):
                return int(entry.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return None


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the third on: the second, the name, may have spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
