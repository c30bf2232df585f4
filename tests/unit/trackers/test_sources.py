"""What holds for the sources of every module."""

from typing import Any

from app.container import AppContainer
from app.modules import all_settings
from shared.scraping.source import Source
from shared.settings import Secret, load

SECRET = "a secret for tests, long enough to be one"
SERVERS = {
    "TRACKERS_ENV": "test",
    "TRACKERS_DATABASE_URL": "postgresql+asyncpg://nobody@127.0.0.1:9/none",
    "TRACKERS_REDIS_URL": "redis://127.0.0.1:9/0",
}
"""Nobody connects to them."""
HERE = "http://127.0.0.1:9"
ADDRESSES = (
    "TRACKERS_CONTRACTS_BASE_URL",
    "FENCER_BASE_URL",
    "TRACKERS_FLIGHTS_GOOGLE_URL",
    "TRACKERS_GAMES_BASE_URL",
    "TRACKERS_HISCORES_BASE_URL",
)


def sources(**environ: str) -> list[Source[Any]]:
    container = AppContainer(loaded=load(all_settings(), {**SERVERS, **environ}), secret=Secret(SECRET))
    made: list[Source[Any]] = container.sources().all()
    return made


def test_only_an_address_that_the_operator_set_may_be_private() -> None:
    """The sites of the defaults are asked through PublicResolver."""
    by_default = {source.name: source.policy.operator_configured for source in sources()}
    assert by_default.keys() == {"contracts", "fencers", "games", "google_flights", "hiscores"}
    assert not any(by_default.values()), by_default
    by_the_operator = {
        source.name: source.policy.operator_configured for source in sources(**dict.fromkeys(ADDRESSES, HERE))
    }
    assert all(by_the_operator.values()), by_the_operator
