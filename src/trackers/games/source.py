"""Tracker Network as the engine sees it: how to ask for a profile, and how what came is stored."""

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from shared.ids import new_id
from shared.scraping.source import Observation, Policy, Source, Target
from shared.scraping.visit import Visit
from trackers.games.adapters import ADAPTERS
from trackers.games.links import SOURCE, address_of, identity, parse_link, profile_path
from trackers.games.parser import PlaylistStanding, Profile
from trackers.games.refusals import raise_for_answer
from trackers.games.repository import (
    AccountRow,
    Fingerprint,
    MovedRow,
    SeasonRow,
    SnapshotRow,
    StoredAccount,
    TrackerRepository,
)
from trackers.games.settings import GamesSettings


class Recorder(Protocol):
    """Stores profiles, on the session of the unit of work that is open."""

    async def record(self, observations: Sequence[Observation[Profile]]) -> set[UUID]: ...


class GamesSource(Source[Profile]):
    """Profiles of every game that has an adapter, from one site."""

    name = SOURCE
    followed_by_hand = False

    def __init__(self, *, settings: GamesSettings, recorder: Callable[[], Recorder]) -> None:
        self.base_url = settings.base_url
        self._recorder = recorder
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
            operator_configured=True,
            headers={"TRN-Api-Key": settings.api_key.reveal()} if settings.api_key else {},
        )

    def read(self, typed: str) -> tuple[str, str]:
        """A profile link, or a key as it is stored (game:platform:identifier)."""
        game, _, rest = typed.partition(":")
        platform, _, name = rest.partition(":")
        if game in ADAPTERS and name:
            account = identity(game=game, platform=platform, display=name)
        else:
            account = parse_link(typed)
        return account.key, address_of(account)

    async def collect(self, target: Target, visit: Visit) -> Profile:
        game, platform, display = target.address.split(":", 2)
        account = identity(game=game, platform=platform, display=display)
        answer = await visit.get(f"{self.base_url}{profile_path(account)}", conditional=True)
        raise_for_answer(answer.status, answer.content_type, answer.body)
        return ADAPTERS[game].parse_profile(answer.body)

    async def record(self, observations: Sequence[Observation[Profile]]) -> set[UUID]:
        return await self._recorder().record(observations)


class ProfileRecorder:
    """Compares profiles with what is stored and writes what moved, a whole batch at once."""

    def __init__(self, *, trackers: TrackerRepository) -> None:
        self._trackers = trackers

    async def record(self, observations: Sequence[Observation[Profile]]) -> set[UUID]:
        """Targets of which a rating, tier, division, matches or streak moved.

        Each of these has a new snapshot for every season that moved.
        """
        stored = await self._trackers.stored_accounts([o.target.id for o in observations])
        accounts: list[AccountRow] = []
        seasons: list[SeasonRow] = []
        moved: list[MovedRow] = []
        snapshots: list[SnapshotRow] = []
        changed: set[UUID] = set()
        for observation in observations:
            known = stored.get(observation.target.id)
            if known is None:  # nobody's account any more: erased while the page was fetched
                continue
            profile = observation.value
            accounts.append(_account_row(known, profile))
            if _has_new_seasons(known, profile):
                seasons += _season_rows(known, profile)
            for season, standings in _moved(known, profile).items():
                snapshot = _snapshot_row(known, observation, season)
                snapshots.append(snapshot)
                moved += [_moved_row(known, snapshot, standing) for standing in standings]
                changed.add(observation.target.id)
        if accounts:
            await self._trackers.update_accounts(accounts)
        if seasons:
            await self._trackers.add_seasons(seasons)
        if moved:
            await self._trackers.move_standings(moved, snapshots)
        return changed


def fingerprint(standing: PlaylistStanding) -> Fingerprint:
    """What makes a snapshot when it differs."""
    return (
        standing.rating,
        standing.tier,
        standing.division,
        standing.matches_played,
        standing.win_streak,
        standing.estimated,
    )


def _moved(known: StoredAccount, profile: Profile) -> dict[str, list[PlaylistStanding]]:
    """Standings that are new or have moved, by season."""
    moved: dict[str, list[PlaylistStanding]] = {}
    for standing in profile.playlists:
        if known.standings.get((standing.season_key, standing.playlist_key)) != fingerprint(standing):
            moved.setdefault(standing.season_key, []).append(standing)
    return moved


def _snapshot_row(known: StoredAccount, observation: Observation[Profile], season: str) -> SnapshotRow:
    return SnapshotRow(
        id=new_id(),
        account_id=known.account_id,
        season_key=season,
        captured_at=observation.at,
        run_id=observation.target.run_id,
    )


def _moved_row(known: StoredAccount, snapshot: SnapshotRow, standing: PlaylistStanding) -> MovedRow:
    before = known.standings.get((standing.season_key, standing.playlist_key))
    return MovedRow(
        **msgspec.structs.asdict(standing),
        account_id=known.account_id,
        snapshot_id=snapshot.id,
        rating_before=before[0] if before else None,
        changed_at=snapshot.captured_at,
    )


def _account_row(known: StoredAccount, profile: Profile) -> AccountRow:
    return AccountRow(
        id=known.account_id,
        handle=profile.handle,
        avatar_url=profile.avatar_url,
        upstream_player_id=profile.upstream_player_id,
        current_season=profile.current_season,
        upstream_updated_at=profile.updated_at,
        lifetime=profile.lifetime,
        peaks=list(profile.peaks),
        seasons_known=len(profile.seasons),
    )


def _has_new_seasons(known: StoredAccount, profile: Profile) -> bool:
    if profile.current_season != known.current_season or len(profile.seasons) != known.seasons_known:
        return True
    return not {standing.season_key for standing in profile.playlists} <= {season for season, _ in known.standings}


def _season_rows(known: StoredAccount, profile: Profile) -> list[SeasonRow]:
    return [
        SeasonRow(account_id=known.account_id, key=season.key, name=season.name, number=season.number)
        for season in profile.seasons
    ]
