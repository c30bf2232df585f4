"""How the demo looks: colours and a moving bar in a terminal, plain lines anywhere else."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Final

import plotext
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from tests.demo.product import Process
from tests.demo.story import DELAY, JITTER, PEOPLE, SPELLED_ANEW, STAR, Change, Followed, Look, Pace, Tracker

WIDEST: Final = 100
CHART_HEIGHT: Final = 12
LINK: Final = 58
LINK_HEAD: Final = 22
ESCAPES: Final = re.compile(r"\x1b\[[0-9;]*m")
MILLISECONDS: Final = 1000
MEGABYTE: Final = 1024 * 1024


class Screen:
    """Where the demo is told."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = min(WIDEST, console.width) if console.is_terminal else WIDEST
        if not console.is_terminal:
            console.width = WIDEST

    def chapter(self, title: str, subtitle: str = "") -> None:
        line = Text(f"\n{title}", style="bold cyan")
        if subtitle:
            line.append(f"  {subtitle}", style="dim")
        self.console.print(line)

    def say(self, words: str) -> None:
        self.console.print(Text(f"  {words}"))

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """A spinner while something takes a moment; a plain line elsewhere."""
        if not self.console.is_terminal:
            self.say(f"{what} ...")
            yield
            return
        with self.console.status(Text(what, style="dim")):
            yield

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int, str], None]]:
        """A bar; the function moves it to a count and says what is under way."""
        if not self.console.is_terminal:
            said: set[str] = set()

            def move_plainly(_: int, now: str) -> None:
                if now not in said:
                    said.add(now)
                    self.say(now)

            yield move_plainly
            return
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=36),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as bar:
            task = bar.add_task(what, total=total)

            def move(count: int, now: str) -> None:
                bar.update(task, completed=count, description=now)

            yield move

    def registered(self, trackers: Sequence[Tracker], refusal: str) -> None:
        table = self._table(expand=True)
        table.add_column("person")
        table.add_column("what was pasted", style="dim", no_wrap=True, ratio=1)
        table.add_column("who that is", style="bold", no_wrap=True)
        table.add_column("platform")
        seen = ""
        for tracker in trackers:
            name = tracker.person if tracker.person != seen else ""
            seen = tracker.person
            table.add_row(name, _shortened(_without_scheme(tracker.pasted)), tracker.display, tracker.platform)
        self.console.print(table, width=self.width)
        self._refused(_without_scheme(SPELLED_ANEW), refusal)

    def followed(self, trackers: Sequence[Followed], refusal: str) -> None:
        table = self._table(expand=False)
        table.add_column("account", style="bold", no_wrap=True)
        table.add_column("platform", no_wrap=True)
        table.add_column("status", no_wrap=True)
        for tracker in trackers:
            table.add_row(tracker.display, tracker.platform, tracker.status)
        self.console.print(table, width=self.width)
        self._refused(f"a look at {PEOPLE[0].name}'s", refusal)

    def changes(self, changes: Sequence[Change]) -> None:
        table = self._table(expand=False)
        table.add_column("player", style="bold", no_wrap=True)
        table.add_column("playlist", no_wrap=True)
        for number in ("before", "after", "change"):
            table.add_column(number, justify="right", no_wrap=True)
        table.add_column("rank", no_wrap=True)
        table.add_column("scraped (UTC)", style="dim", no_wrap=True)
        seen = ""
        for change in changes:
            name = change.player if change.player != seen else ""
            seen = change.player
            moved = change.after - change.before
            table.add_row(
                name,
                change.playlist.removeprefix("Ranked "),
                str(change.before),
                str(change.after),
                Text(f"{moved:+d}", style="green" if moved > 0 else "red"),
                change.rank,
                f"{change.scraped_at:%H:%M:%S}",
            )
        self.console.print(table, width=self.width)

    def chart(self, ratings: Sequence[int]) -> None:
        """The star's rating, a point for every look that found it moved."""
        figure = plotext.figure
        figure.clear()
        figure.theme("colorless")
        figure.plot_size(self.width - 4, CHART_HEIGHT)
        places = list(range(1, len(ratings) + 1))
        line = figure.signal(places, list(ratings), marker="braille")
        line.lines(True)
        figure.draw(line)
        figure.ruler("x").ticks(places, [str(place) for place in places])
        low, high = min(ratings), max(ratings)
        heights = sorted({low, high, round(low + (high - low) / 3), round(low + (high - low) * 2 / 3)})
        figure.ruler("y").ticks(heights, [str(height) for height in heights])
        for row in ESCAPES.sub("", str(figure.build())).rstrip().splitlines():
            self.console.print(Text(f"  {row.rstrip()}", style="green"))
        self.console.print(
            Text(f"  {STAR.identifier}, {ratings[0]} -> {ratings[-1]}; one point for each stored change", style="dim")
        )

    def numbers(self, pace: Pace, looks: Sequence[Look], processes: Sequence[Process]) -> None:
        table = Table(box=None, show_header=False, padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(ratio=1)
        changed = sum(look.changed for look in looks)
        table.add_row("looks", f"{len(looks)} completed, {changed} found something new, {len(looks) - changed} did not")
        waits = [look.seconds for look in looks]
        table.add_row(
            "asked to stored",
            f"median {median(waits):.2f} s, longest {max(waits):.2f} s; most of it is the pace, {DELAY:g} s a request",
        )
        table.add_row("requests upstream", f"{pace.profiles} profiles, robots.txt {times(pace.robots)}")
        table.add_row(
            "pace set",
            f"one request in {DELAY * MILLISECONDS:.0f} ms, give or take {JITTER * MILLISECONDS:.0f} ms, over all "
            "processes",
        )
        table.add_row(
            "pace seen by site",
            f"gaps: smallest {pace.smallest * MILLISECONDS:.0f} ms, median {pace.median * MILLISECONDS:.0f} ms",
        )
        if processes:
            total = sum(process.bytes for process in processes) / MEGABYTE
            parts = ", ".join(f"{process.name} {process.bytes / MEGABYTE:.0f}" for process in processes)
            table.add_row("memory", f"{total:.0f} MB in all: {parts} MB")
        self.console.print(table, width=self.width)

    def addresses(self, rows: Sequence[tuple[str, str]]) -> None:
        """One below the other, never broken by us: they are there to be copied."""
        for name, address in rows:
            self.console.print(Text(f"  {name}", style="dim"))
            self.console.print(Text(f"    {address}"), soft_wrap=True)

    def failed(self, what: str, log: str) -> None:
        self.console.print(Text(f"\nThe demo failed: {what}", style="bold red"))
        if log:
            self.console.print(Text("the last lines of the log:", style="dim"))
            self.console.print(Text(log), soft_wrap=True)

    def _refused(self, what: str, refusal: str) -> None:
        words = Text("  refused ", style="yellow")
        words.append(what, style="dim")
        self.console.print(words)
        self.console.print(Text(f"          {refusal}"))

    def _table(self, *, expand: bool) -> Table:
        return Table(box=box.SIMPLE_HEAD, header_style="bold", expand=expand, padding=(0, 1, 0, 0))


def _shortened(link: str) -> str:
    """A long link without its middle: how it begins and whose it is are what matters."""
    return link if len(link) <= LINK else f"{link[:LINK_HEAD]}…{link[1 + LINK_HEAD - LINK :]}"


def times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _without_scheme(link: str) -> str:
    return link.replace("https://", "").replace("http://", "")
