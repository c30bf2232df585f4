"""Stores profiles: compares them with stored states, writes differences in bulk and publishes events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

import msgspec

from shared.ids import new_id
from shared.scraping.block_repository import BlockRepository
from shared.scraping.failures import Reason
from shared.scraping.observation import FailedFetch, Observation
from trackers.games.links import SOURCE, AccountIdentity, player_key, site_profile_url
from trackers.games.messages import AccountUpdate, PlaylistChange
from trackers.games.parser import PlaylistState, Profile
from trackers.games.playlist_state_repository import (
    AccountRow,
    Fingerprint,
    MovedRow,
    PlaylistStateRepository,
    SeasonRow,
    SnapshotRow,
    StoredAccount,
)
from trackers.games.repository import TrackerRepository

TELLING: Final = frozenset({Reason.NOT_FOUND, Reason.PRIVATE})
"""Failures that followers of an account can act on."""
TOLD_AFTER: Final = 3
"""Consecutive failures before followers are notified."""


class News(Protocol):
    """Publishes events of accounts, on the same session."""

    async def notify_tracker_update(self, updates: Sequence[AccountUpdate], *, keys: Mapping[UUID, str]) -> None: ...

    async def notify_unreachable(self, updates: Sequence[AccountUpdate], *, keys: Mapping[UUID, str]) -> None: ...


class Ratings(Protocol):
    """Recomputes what depends on playlist states, on the same session."""

    async def recompute_accounts(self, accounts: Sequence[UUID]) -> None: ...


@dataclass(slots=True)
class ProfileChanges:
    """Differences between a batch of profiles and the stored accounts."""

    accounts: list[AccountRow] = field(default_factory=list)
    seasons: list[SeasonRow] = field(default_factory=list)
    moved: list[MovedRow] = field(default_factory=list)
    snapshots: list[SnapshotRow] = field(default_factory=list)
    changed: set[UUID] = field(default_factory=set)
    """Targets with a changed playlist state."""
    recomputed: set[UUID] = field(default_factory=set)
    """Accounts whose scores change."""

    def take(self, known: StoredAccount, observation: Observation[Profile]) -> None:
        """Compare a profile with its stored account and add the differences."""
        profile = observation.value
        self.accounts.append(_account_row(known, profile))
        if _has_new_seasons(known, profile):
            self.seasons += _season_rows(known, profile)
        for season, playlist_states in _moved(known, profile).items():
            snapshot = _snapshot_row(known, observation, season)
            self.snapshots.append(snapshot)
            self.moved += [_moved_row(known, snapshot, state) for state in playlist_states]
            self.changed.add(observation.target.id)
            self.recomputed.add(known.account_id)
        if profile.current_season != known.current_season:
            self.recomputed.add(known.account_id)


class ProfileRecorder:
    """Compares profiles with stored accounts and writes the differences of a whole batch at once."""

    def __init__(
        self,
        *,
        playlist_states: PlaylistStateRepository,
        trackers: TrackerRepository,
        blocks: BlockRepository,
        ratings: Ratings,
        news: News,
    ) -> None:
        self._blocks = blocks
        self._playlist_states = playlist_states
        self._trackers = trackers
        self._ratings = ratings
        self._news = news

    async def record(self, observations: Sequence[Observation[Profile]]) -> set[UUID]:
        """Record profiles; return the targets with a changed rating, tier, division, match count or streak.

        Each of these targets gets a new snapshot for every season with a change.
        """
        await self._playlist_states.begin()
        seasons = {state.season_key for o in observations for state in o.value.playlists}
        stored = await self._playlist_states.stored_accounts([o.target.id for o in observations], seasons=seasons)
        stored = await self._allowed(observations, stored)
        batch = ProfileChanges()
        for observation in observations:
            known = stored.get(observation.target.id)
            if known is not None:  # else blocked, or erased while the page was fetched
                batch.take(known, observation)
        if batch.accounts:
            await self._playlist_states.update_accounts(batch.accounts)
        if batch.seasons:
            await self._playlist_states.add_seasons(batch.seasons)
        if batch.moved:
            await self._playlist_states.move_playlist_states(batch.moved, batch.snapshots)
        if batch.recomputed:
            await self._ratings.recompute_accounts(sorted(batch.recomputed))
        if batch.snapshots:
            await self._notify(observations, stored, batch)
        return batch.changed

    async def _allowed(
        self, observations: Sequence[Observation[Profile]], stored: Mapping[UUID, StoredAccount]
    ) -> dict[UUID, StoredAccount]:
        """Return the accounts without those of blocked players, and block the keys of these from now on.

        A job deletes these accounts later: trackers are changed only under locks of their owners, and these locks come
        before the locks of a recording.
        """
        players = {
            observation.target.id: player_key(known.game, known.platform, observation.value.upstream_player_id)
            for observation in observations
            if observation.value.upstream_player_id is not None
            and (known := stored.get(observation.target.id)) is not None
        }
        blocked = await self._blocks.among(SOURCE, set(players.values())) if players else set()
        refused = {target_id: player for target_id, player in players.items() if player in blocked}
        if refused:
            await self._blocks.found(SOURCE, {stored[target_id].key: player for target_id, player in refused.items()})
        return {target_id: known for target_id, known in stored.items() if target_id not in refused}

    async def record_failures(self, failures: Sequence[FailedFetch]) -> None:
        """Publish accounts that are missing or private, once per series of failures."""
        gone = {
            failure.target.id: failure
            for failure in failures
            if failure.failure.reason in TELLING and failure.target.failures + 1 == TOLD_AFTER
        }
        if not gone:
            return
        accounts = await self._trackers.accounts_of(list(gone))
        updates = [
            (target_id, _update_of(account_id, account, reason=gone[target_id].failure.reason.value))
            for target_id, (account_id, account) in accounts.items()
        ]
        keys = {update.account_id: f"unreachable:{gone[target_id].target.run_id}" for target_id, update in updates}
        await self._news.notify_unreachable([update for _, update in updates], keys=keys)

    async def _notify(
        self,
        observations: Sequence[Observation[Profile]],
        stored: Mapping[UUID, StoredAccount],
        batch: ProfileChanges,
    ) -> None:
        """Publish changes of accounts that were fetched before; a first fetch publishes nothing."""
        current = {
            stored[o.target.id].account_id: o.value.current_season
            for o in observations
            if o.target.id in stored and stored[o.target.id].playlist_states
        }
        before = {known.account_id: known.playlist_states for known in stored.values()}
        changes: dict[UUID, list[PlaylistChange]] = {}
        for row in batch.moved:
            was = before[row.account_id].get((row.season_key, row.playlist_key))
            if was is not None and row.season_key == current.get(row.account_id) and not row.estimated:
                changes.setdefault(row.account_id, []).append(_change(row, was))
        if not changes:
            return
        targets = [o.target.id for o in observations if o.target.id in stored]
        accounts = await self._trackers.accounts_of([t for t in targets if stored[t].account_id in changes])
        schedules = await self._trackers.schedules_of([o.target.run_id for o in observations])
        batches = {
            stored[o.target.id].account_id: str(schedules[o.target.run_id])
            for o in observations
            if o.target.id in stored and o.target.run_id in schedules
        }
        await self._news.notify_tracker_update(
            [
                msgspec.structs.replace(
                    _update_of(account_id, account, season=current[account_id], changes=changes[account_id]),
                    batch=batches.get(account_id),
                )
                for account_id, account in accounts.values()
            ],
            keys={row.account_id: f"snapshot:{row.id}" for row in batch.snapshots},
        )


def _update_of(
    account_id: UUID,
    account: AccountIdentity,
    *,
    season: str | None = None,
    changes: Sequence[PlaylistChange] = (),
    reason: str | None = None,
) -> AccountUpdate:
    return AccountUpdate(
        account_id=account_id,
        game=account.game,
        platform=account.platform,
        name=account.display,
        url=site_profile_url(account),
        season=season,
        changes=changes,
        reason=reason,
    )


def _change(row: MovedRow, was: Fingerprint) -> PlaylistChange:
    rating, tier, _, matches, *_ = was
    return PlaylistChange(
        playlist=row.playlist_key,
        name=row.name,
        rating_before=rating,
        rating=row.rating,
        tier_before=tier,
        tier=row.tier,
        tier_name=row.tier_name,
        division_name=row.division_name,
        matches=max(0, row.matches_played - matches),
        win_streak=row.win_streak,
        new_peak=row.rating > rating and row.peak_rating is not None and row.rating >= row.peak_rating,
    )


def fingerprint(state: PlaylistState) -> Fingerprint:
    """Return the fields whose change makes a snapshot."""
    return (
        state.rating,
        state.tier,
        state.division,
        state.matches_played,
        state.win_streak,
        state.estimated,
    )


def _moved(known: StoredAccount, profile: Profile) -> dict[str, list[PlaylistState]]:
    """Return new and changed playlist states, by season."""
    moved: dict[str, list[PlaylistState]] = {}
    for state in profile.playlists:
        if known.playlist_states.get((state.season_key, state.playlist_key)) != fingerprint(state):
            moved.setdefault(state.season_key, []).append(state)
    return moved


def _snapshot_row(known: StoredAccount, observation: Observation[Profile], season: str) -> SnapshotRow:
    return SnapshotRow(
        id=new_id(at=observation.at),
        account_id=known.account_id,
        season_key=season,
        captured_at=observation.at,
        run_id=observation.target.run_id,
    )


def _moved_row(known: StoredAccount, snapshot: SnapshotRow, state: PlaylistState) -> MovedRow:
    before = known.playlist_states.get((state.season_key, state.playlist_key))
    return MovedRow(
        **msgspec.structs.asdict(state),
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
    return not {state.season_key for state in profile.playlists} <= {season for season, _ in known.playlist_states}


def _season_rows(known: StoredAccount, profile: Profile) -> list[SeasonRow]:
    return [
        SeasonRow(account_id=known.account_id, key=season.key, name=season.name, number=season.number)
        for season in profile.seasons
    ]
