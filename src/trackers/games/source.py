"""The source of game profiles on Tracker Network."""

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from shared.scraping.fetch_context import FetchContext
from shared.scraping.observation import FailedFetch, Observation
from shared.scraping.policy import Policy
from shared.scraping.source import Source
from shared.scraping.target import Target
from trackers.games.adapters import ADAPTERS
from trackers.games.error_answers import raise_for_answer
from trackers.games.links import (
    SOURCE,
    AccountIdentity,
    address_of,
    identity,
    parse_link,
    profile_path,
    season_path,
)
from trackers.games.parser import PlaylistState, Profile
from trackers.games.settings import GamesSettings


class GamesRecorder(Protocol):
    """Stores profiles on the session of the open unit of work."""

    async def record(self, observations: Sequence[Observation[Profile]]) -> set[UUID]: ...

    async def record_failures(self, failures: Sequence[FailedFetch]) -> None: ...


class GamesSource(Source[Profile]):
    """Profiles of all games with an adapter, from one site."""

    name = SOURCE
    followed_by_hand = False

    def __init__(self, *, settings: GamesSettings, recorder: Callable[[], GamesRecorder]) -> None:
        self.base_url = settings.base_url
        self._recorder = recorder
        self._first_seasons = settings.first_seasons
        self.enabled = settings.base_url is not None
        self.disabled_because = "" if self.enabled else "set TRACKERS_GAMES_BASE_URL once you may fetch from the site"
        self.policy = Policy(
            host=(settings.base_url or "").partition("://")[2] or "tracker-network",
            delay=settings.delay,
            jitter=min(settings.jitter, settings.delay),
            interval=settings.interval,
            concurrency=settings.concurrency,
            batch_size=1 if settings.delay >= 1 else 100,
            timeout=settings.timeout,
            obey_robots=True,
            operator_configured=settings.base_url is not None,
            headers={"TRN-Api-Key": settings.api_key.reveal()} if settings.api_key else {},
        )

    def read(self, entered: str) -> tuple[str, str]:
        """Return key and address of the account of a profile link, or of a stored key (game:platform:identifier)."""
        game, _, rest = entered.partition(":")
        platform, _, name = rest.partition(":")
        if game in ADAPTERS and name:
            account = identity(game=game, platform=platform, display=name)
        else:
            account = parse_link(entered)
        return account.key, address_of(account)

    async def collect(self, target: Target, context: FetchContext) -> Profile:
        game, platform, display = target.address.split(":", 2)
        account = identity(game=game, platform=platform, display=display)
        answer = await context.get(f"{self.base_url}{profile_path(account)}", conditional=True)
        raise_for_answer(answer.status, answer.content_type, answer.body)
        profile = ADAPTERS[game].parse_profile(answer.body)
        if target.content_hash is None:  # the first fetch
            older = [
                state
                for season in past_seasons(profile, self._first_seasons)
                for state in await self._season(account, season, context)
            ]
            return msgspec.structs.replace(profile, playlists=[*profile.playlists, *older])
        return profile

    async def _season(self, account: AccountIdentity, season: str, context: FetchContext) -> list[PlaylistState]:
        answer = await context.get(f"{self.base_url}{season_path(account, season)}")
        raise_for_answer(answer.status, answer.content_type, answer.body)
        return ADAPTERS[account.game].parse_season(answer.body, season)

    async def record(self, observations: Sequence[Observation[Profile]]) -> set[UUID]:
        return await self._recorder().record(observations)

    async def record_failures(self, failures: Sequence[FailedFetch]) -> None:
        await self._recorder().record_failures(failures)


def past_seasons(profile: Profile, most: int) -> list[str]:
    """Return the keys of seasons before the current one, the newest first, at most `most`."""
    numbers = {season.key: season.number for season in profile.seasons if season.number is not None}
    current = numbers.get(profile.current_season)
    if current is None:
        return []
    past = sorted((number, key) for key, number in numbers.items() if number < current)
    return [key for _, key in reversed(past[-most:])] if most else []
