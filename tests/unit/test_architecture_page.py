"""docs/architecture.md lists every job with its schedule and limit, and every table with its owner."""

import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Final

from tests.conftest import SECRET

import app.models  # noqa: F401 -- with it, every table is known
from app.container import AppContainer
from app.modules import all_settings
from shared.database import Base
from shared.jobs import Job
from shared.settings import Secret, load

PAGE: Final = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text()
SECONDS_OF_A_MINUTE: Final = 60
SHORTEST_SERIES: Final = 5
"""Fewer are listed one by one."""


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The cells of the first table of a section, without its header."""
    table = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[2:]]


def steps(values: frozenset[int]) -> str:
    """Seconds or minutes in words: `7, 37`, or `every 5 from 1`."""
    ordered = sorted(values)
    gaps = {later - earlier for earlier, later in pairwise(ordered)}
    if len(ordered) >= SHORTEST_SERIES and len(gaps) == 1:
        return f"every {gaps.pop()} from {ordered[0]}"
    return ", ".join(map(str, ordered))


def schedule(job: Job) -> str:
    if job.seconds is None:
        return "when enqueued"
    if len(job.seconds) == SECONDS_OF_A_MINUTE:
        return "every second"
    text = f"second {steps(job.seconds)}"
    return text if job.minutes is None else f"{text} of minute {steps(job.minutes)}"


def test_the_page_lists_every_job_with_its_schedule_and_limit() -> None:
    environ = {"TRACKERS_ENV": "test", "TRACKERS_REDIS_URL": "redis://127.0.0.1:1", "TRACKERS_SECRET_KEY": SECRET}
    environ |= {"TRACKERS_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    container = AppContainer(loaded=load(all_settings(), environ), secret=Secret(SECRET))
    jobs = {job.name: (schedule(job), f"{job.timeout:g}") for job in container.jobs()}
    listed = {name.strip("`"): (when, limit) for name, when, limit, _ in rows("Jobs")}
    assert listed == jobs


def test_the_page_names_the_owner_of_every_table() -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for mapper in Base.registry.mappers:
        package = mapper.class_.__module__.split(".")
        owners["/".join(package[:2])].add(mapper.local_table.name)  # type: ignore[attr-defined]  # a Table
    listed = {
        owner.strip("`"): set(re.findall(r"`(\w+)`", tables)) for owner, tables in rows("Tables and their owners")
    }
    assert listed == owners
