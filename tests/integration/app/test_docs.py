"""Every command that pages show works: run where it can be, otherwise read word by word."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest
import yaml
from click import Command, Context, Group
from tests.conftest import environ_of
from tests.demo.product import Product
from tests.docs_commands import Block, blocks
from tests.upstreams.client import SimulatedSites

from app.cli import main
from app.embedded import Endpoints
from app.modules import all_settings
from app.schema import openapi_schema
from shared.secret_files import IN_FILE
from shared.settings import Settings, load, variables

ROOT = Path(__file__).parents[3]
OPERATIONS = ROOT / "docs" / "operations.md"
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
RUN_ELSEWHERE = {"api.md"}
"""By `tests/integration/docs`."""
PATIENCE = 600.0
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
SITES = ("TRACKERS_GAMES_", "TRACKERS_HISCORES_", "TRACKERS_CONTRACTS_", "TRACKERS_FLIGHTS_")


@pytest.fixture(scope="module")
def product(sites_on_machine_time: SimulatedSites) -> Iterator[Product]:
    """`trackers up`, on the simulated sites."""
    sites = {name: text for name, text in environ_of("", "", sites_on_machine_time).items() if name.startswith(SITES)}
    with Product.started(sites) as started:
        started.wait_until_ready()
        yield started


@pytest.mark.slow
def test_an_operators_commands_do_what_the_page_says(product: Product) -> None:
    here = product.home / "operator"
    here.mkdir(mode=0o711)
    environ = {**product.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    told = {}
    for block in blocks(OPERATIONS):
        if block.needs:
            continue
        script = block.filled({"localhost:8000": urlsplit(product.address).netloc})
        done = subprocess.run(  # noqa: S603 -- the commands of our own page
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=here,
            env=environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}\n{product.log_tail()}"
        told[block.line] = done.stdout
    everything = "\n".join(told.values())
    assert re.search(r"trk_\w+", everything)
    assert "is an admin" in everything
    assert "restored " in everything
    assert "my-bot" in everything  # in the list of the restored keys

    secrets = {name: str(here / "secrets" / name.lower()) for name in ("SECRET_KEY", "DATABASE_URL", "METRICS_TOKEN")}
    given = {f"TRACKERS_{name}{IN_FILE}": path for name, path in secrets.items()}
    made = load(all_settings(), {**given, "TRACKERS_ENV": "production", "TRACKERS_CONTACT": "ops@example.org"})
    assert made[Settings].database_url
    assert {Path(source["file"]).name for source in COMPOSE["secrets"].values()} == {
        path.name for path in (here / "secrets").iterdir()
    }


async def test_what_the_role_is_told_behind_a_pooler_holds(servers: Endpoints) -> None:
    assert servers.database_url
    address = servers.database_url.replace("+asyncpg", "")
    connection = await asyncpg.connect(address)
    try:
        for block in blocks(OPERATIONS, "sql"):
            await connection.execute(block.text)
        other = await asyncpg.connect(address)
        assert await other.fetchval("SHOW statement_timeout") == "15s"
        assert await other.fetchval("SHOW idle_in_transaction_session_timeout") == "30s"
        await other.close()
    finally:
        await connection.execute("ALTER ROLE trackers RESET ALL")
        await connection.close()


@pytest.mark.parametrize(
    "block", [block for page in PAGES if page.name not in RUN_ELSEWHERE for block in blocks(page)], ids=str
)
def test_what_is_not_run_is_spelt_right(block: Block) -> None:
    read = list(block.commands())
    assert read
    for program, *words in read:
        match Path(program).name:
            case "trackers":
                understands(words)
            case "docker":
                composes(words)
            case "make":
                assert all(re.search(rf"^{target}:", MAKEFILE, re.MULTILINE) for target in words if "=" not in target)
            case "curl":
                asks(words)
            case other:
                assert other in {
                    "cat",
                    "chmod",
                    "df",
                    "du",
                    "echo",
                    "grep",
                    "install",
                    "ls",
                    "mv",
                    "openssl",
                    "printf",
                    "rm",
                    "tr",
                }


def understands(words: list[str]) -> None:
    """Whether our own command takes these words; nothing is run."""
    command: Command = main
    context = Context(main)
    while isinstance(command, Group):
        name, *words = words
        command = command.commands[name]
        if isinstance(command, Group):
            context = Context(command, parent=context)
    # What files are named exists only on the operator's machine.
    for parameter in command.params:
        if hasattr(parameter.type, "exists"):
            parameter.type.exists = False
    command.make_context(name, words, parent=context)


def composes(words: list[str]) -> None:
    """Whether compose.yaml has the services, profiles and files that are named."""
    assert words.pop(0) == "compose"
    profiles = {profile for service in COMPOSE["services"].values() for profile in service.get("profiles", ())}
    while words[0].startswith("-"):
        option, value = words.pop(0), words.pop(0)
        assert value in profiles if option == "--profile" else (option == "-f" and (ROOT / value).is_file())
    action, *rest = words
    assert action in {"build", "exec", "logs", "ps", "run", "stop", "up"}
    if action == "stop":
        assert set(rest) <= set(COMPOSE["services"])
    scaled = [rest[place + 1].partition("=")[0] for place, word in enumerate(rest) if word == "--scale"]
    assert set(scaled) <= {"api", "worker"}
    if action in {"exec", "run"}:
        service, *inner = [word for word in rest if word not in {"-it", "-T", "--rm"}]
        assert service in COMPOSE["services"]
        if inner[:1] == ["trackers"]:
            understands(inner[1:])


@cache
def paths() -> dict[str, Any]:
    """The operations of every path."""
    return dict(msgspec.json.decode(openapi_schema())["paths"])


def asks(words: list[str]) -> None:
    """Whether the API has the operation that curl asks for."""
    with_a_body = {"-d", "--data-urlencode", "--json"} & set(words)
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if with_a_body else "GET"
    (address,) = [word for word in words if word.startswith("localhost:8000")]
    path = urlsplit(f"http://{address}").path
    for template, operations in paths().items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path) and method.lower() in operations:
            return
    raise AssertionError(f"there is no {method} {path}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_settings_that_there_are_and_link_to_what_is_there(page: Path) -> None:
    text = page.read_text()
    every = [variable for struct in all_settings() for variable in variables(struct)]
    known = {variable.env for variable in every} | {f"{variable.env}{IN_FILE}" for variable in every if variable.secret}
    named = set(re.findall(r"(?<![\w$])TRACKERS_[A-Z_]+[A-Z]\b", text))
    assert named <= known
    for link in re.findall(r"\]\(([^)#: ]+)(?:#[^)]*)?\)", text):
        assert (page.parent / link).exists(), link


def test_the_lines_to_look_for_are_written() -> None:
    _, _, section = OPERATIONS.read_text().partition("## Lines to look for")
    events = {
        name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    source = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    assert len(events) > 10
    assert {event for event in events if f'"{event}"' not in source} == set()
