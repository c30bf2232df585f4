"""Tide tables of harbours, as a third party would add them: one source, its own table, no change to the house."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import text

from shared.scraping.failures import PageChanged
from shared.scraping.fetch_context import FetchContext
from shared.scraping.observation import Observation
from shared.scraping.plugins import SourceContext
from shared.scraping.policy import Policy
from shared.scraping.source import Source
from shared.scraping.target import Target


class Tide(msgspec.Struct, frozen=True):
    """The next high water of a harbour."""

    harbour: str
    high_water: str


class TideSource(Source[Tide]):
    """Asks a harbour's page, keeps the next high water."""

    name = "tides"

    def __init__(self, context: SourceContext) -> None:
        self._context = context
        self.base_url = context.environ.get("TIDES_BASE_URL")
        self.enabled = self.base_url is not None
        self.disabled_because = "" if self.enabled else "set TIDES_BASE_URL"
        self.policy = Policy(host="tides", delay=0.0, obey_robots=False, operator_configured=True)

    async def collect(self, target: Target, context: FetchContext) -> Tide:
        answer = await context.get(f"{self.base_url}/{target.address}.json", conditional=True)
        try:
            return msgspec.json.decode(answer.body, type=Tide)
        except msgspec.DecodeError as error:
            raise PageChanged(f"the tide table is not what it was: {error}") from error

    async def record(self, observations: Sequence[Observation[Tide]]) -> set[UUID]:
        changed: set[UUID] = set()
        for observation in observations:
            result = await self._context.session().execute(
                text(
                    "INSERT INTO tides AS t (harbour, high_water) VALUES (:harbour, :high_water)"
                    " ON CONFLICT (harbour) DO UPDATE SET high_water = excluded.high_water"
                    " WHERE t.high_water <> excluded.high_water RETURNING harbour"
                ),
                {"harbour": observation.value.harbour, "high_water": observation.value.high_water},
            )
            if result.first() is not None:
                changed.add(observation.target.id)
        return changed


def tides(context: SourceContext) -> TideSource:
    """What the entry point names."""
    return TideSource(context)
