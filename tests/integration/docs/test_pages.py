"""docs/api.md and the client's README say what is so: what they show is done, on the product and simulated sites."""

import ast
import asyncio
import inspect
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from tests.demo.postbox import postbox
from tests.demo.product import Product
from tests.docs_commands import blocks
from tests.features.receiver import receiving
from tests.integration.docs.reader import BLANK, HERE, Command, PooledQueries, commands
from tests.upstreams.client import SimulatedSites
from tests.waiting import LIMIT_S, eventually_sync

from users.notifications.transports.webhook import signature

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = ROOT / "docs/api.md"
README: Final = ROOT / "clients/python/README.md"
LISTED: Final = 100_000_900
"""The club of the page."""


@pytest.fixture(scope="module")
def reader() -> Iterator[PooledQueries]:
    """Somebody at a machine where the product runs, and whom webhooks reach."""
    with SimulatedSites.started(games={"auto_players": True}) as sites, receiving() as receiver, postbox() as mails:
        sites.hiscores.add_player("Lynx Titan", xp={"Slayer": 13_034_431})
        sites.hiscores.add_player("Quiet Lynx")
        sites.fencers.add_club(LISTED, "Example")
        sites.fencers.add_fencer(100_000_007, "Cleo Carver", LISTED)
        sites.contracts.configure(sizes={"10000002": 20})
        settings = {
            "TRACKERS_CONTACT": "docs@example.org",
            "TRACKERS_GAMES_BASE_URL": sites.games.url,
            "TRACKERS_GAMES_DELAY": "0",
            "TRACKERS_HISCORES_BASE_URL": sites.hiscores.url,
            "TRACKERS_HISCORES_DELAY": "0",
            "TRACKERS_CONTRACTS_BASE_URL": sites.contracts.url,
            "TRACKERS_CONTRACTS_DOWNTIME": "none",
            "TRACKERS_CONTRACTS_REGION_IDS": "10000002",
            "TRACKERS_FLIGHTS_ENABLED": "true",
            "TRACKERS_FLIGHTS_GOOGLE_URL": sites.flights.url,
            "TRACKERS_FLIGHTS_DELAY": "0",
            "FENCER_BASE_URL": sites.fencers.url,
            "FENCER_SCRAPE_DELAY_SEC": "0.1",
            "FENCER_SCRAPE_JITTER_SEC": "0",
            "TRACKERS_NOTIFY_ALLOW_PRIVATE": "true",
            **mails.settings,
        }
        with Product.started(settings) as product:
            product.wait_until_ready()
            wait_for_contracts(product)
            yield PooledQueries(
                home=product.home,
                environ=product.environ,
                mails=mails,
                instead={
                    "localhost:8000": product.address.removeprefix("http://"),
                    "https://bot.example.org": receiver.url,
                    **HERE,
                },
                known={"DAY": str((datetime.now(UTC) + timedelta(days=200)).date())},  # real date: a started product
            )


def wait_for_contracts(product: Product) -> None:
    """Until the market was looked at, as workers do by themselves: the page speaks of a service that runs a while."""
    somebody = product.ask(
        "POST", "/api/auth/register", {"username": "waiter", "password": "waits for a while"}, expect=201
    )
    token = somebody["access_token"]
    eventually_sync(
        lambda: product.ask("GET", "/api/contracts?per_page=1", token=token)["total"] > 0,
        what="the market",
        within=2 * LIMIT_S,
        poll=1.0,
    )


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_every_command_of_the_page_does_what_it_says(reader: PooledQueries) -> None:
    reader.known.pop("BOT_KEY", None)
    for command in commands(PAGE):
        reader.run(command)


def test_no_word_in_capitals_is_left_to_be_guessed() -> None:
    """What looks like something to fill in is told by an answer before it is used."""
    known = {"DAY"}
    for command in commands(PAGE):
        used = {word for word in BLANK.findall(command.text) if "_" in word or word == "DAY"}
        assert used <= known, f"line {command.line}: {used - known}"
        known |= {note.split()[0] for note in command.notes if note.split()[0].isupper()}


@pytest.mark.slow
def test_the_clients_five_minutes_are_as_its_readme_shows_them(
    reader: PooledQueries, capsys: pytest.CaptureFixture[str]
) -> None:
    """One block after another, in one namespace, as somebody types them."""
    reader.known.pop("BOT_KEY", None)
    scopes = "--scope trackers --scope events --scope players"
    text = f".venv/bin/trackers keys create readme {scopes}"
    reader.run(Command(text=text, notes=("BOT_KEY is the last line",), line=0))
    names: dict[str, Any] = {}
    for block in blocks(README, "python"):
        code = compile(reader.filled(block.text), str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        made = eval(code, names)  # noqa: S307 -- our own page, held to what it says
        if inspect.iscoroutine(made):
            asyncio.run(made)
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["Quiet Comet completed ", "Quiet Comet completed"]
    assert any(line.startswith("player_not_found ") for line in said)
    assert any(line.startswith("tracker.registered tracker:") for line in said)
    assert any(line.startswith("PlayerView(") for line in said)
    assert "True" in said

    body = b'{"type": "verification", "challenge": "say this"}'
    now = int(time.time())  # real date: the page's code compares with the machine's clock, as bots will
    signed = {"Trackers-Timestamp": str(now), "Trackers-Signature": f"v1={signature('a secret', now, body)}"}
    assert names["receive"]("a secret", signed, body) == (200, "say this")
    assert names["receive"]("another", signed, body)[0] == 400
