"""The rules of snapshots that are typed in: what a site does not say, people may, with their name and a note."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from shared.audit.activity import ActivityLog
from shared.clock import Clock
from shared.database import Questions
from shared.ids import new_id
from shared.scraping.targets import Targets
from shared.web.identity import BotIdentity, Identity
from trackers.games import catalogue
from trackers.games.admin_errors import InMotion
from trackers.games.errors import ImpossibleSnapshot
from trackers.games.queries import SnapshotQueries
from trackers.games.repository import TrackerRepository
from trackers.games.schemas import SnapshotMade, TypedRating, TypeSnapshot
from trackers.games.services.ratings import RatingService
from trackers.games.standing_repository import StandingRepository, TypedRatingRow, TypedSnapshotRow
from users.access import AccessPolicy

SKEW: Final = timedelta(minutes=5)
"""How far ahead the clock of who types may be."""
OLDEST: Final = timedelta(days=3650)


class TrackerSnapshotService(SnapshotQueries):
    """Taking snapshots by hand; and, as SnapshotQueries, reading all of them."""

    def __init__(
        self,
        questions: Questions,
        *,
        access: AccessPolicy,
        trackers: TrackerRepository,
        standings: StandingRepository,
        targets: Targets,
        ratings: RatingService,
        activity: ActivityLog,
        clock: Clock,
    ) -> None:
        super().__init__(questions, access=access)
        self._trackers = trackers
        self._standings = standings
        self._targets = targets
        self._ratings = ratings
        self._activity = activity
        self._clock = clock

    async def create_snapshot(self, asker: Identity, tracker_id: UUID, given: TypeSnapshot) -> SnapshotMade:
        """Keep what somebody read of a tracker's account. It becomes the standing of now where nothing newer is known.

        Raises TrackerNotFound, Forbidden, or ImpossibleSnapshot for a season that is not known, a moment that is not
        past, or a playlist named twice; InMotion where its account was merged into another at this moment.
        """
        tracker = await self._trackers.followed(tracker_id)
        await self._access.check_write(asker, tracker.user_id)
        now = self._clock.now()
        captured_at = given.captured_at or now
        if not now - OLDEST < captured_at < now + SKEW:
            raise ImpossibleSnapshot("captured_at must lie in the past ten years.", extra={"field": "captured_at"})
        season = given.season or tracker.current_season
        if season is None or not (season.isascii() and season.isdigit()):
            raise ImpossibleSnapshot(
                "Say which season by its number; no look at this tracker has told it yet.", extra={"field": "season"}
            )
        if len({rating.playlist for rating in given.playlists}) < len(given.playlists):
            raise ImpossibleSnapshot("A playlist is named twice.", extra={"field": "playlists"})
        await self._targets.hold([tracker.target_id])
        if not await self._standings.stored_accounts([tracker.target_id], seasons=()):  # held, as a scrape holds it
            raise InMotion
        stands = await self._standings.season_stands(tracker.account_id, season)
        snapshot_id = new_id()
        await self._standings.add_typed_snapshot(
            TypedSnapshotRow(
                id=snapshot_id,
                account_id=tracker.account_id,
                season=season,
                season_name=catalogue.season_name(int(season)),
                number=int(season),
                captured_at=min(captured_at, now),
                entered_by=asker.key_id if isinstance(asker, BotIdentity) else asker.user_id,
                note=given.note.strip(),
                evidence_url=given.evidence_url,
            ),
            [
                _row(rating, before=stands[rating.playlist][0] if rating.playlist in stands else None,
                     stands=rating.playlist not in stands or stands[rating.playlist][1] <= captured_at)
                for rating in given.playlists
            ],
        )  # fmt: skip
        await self._ratings.restate_accounts([tracker.account_id])
        await self._targets.read_anew([tracker.target_id])  # the site's word goes before, also where it repeats itself
        await self._activity.record(
            "tracker.snapshot_typed",
            subject="tracker",
            subject_id=tracker_id,
            user_id=tracker.user_id,
            actor=asker,
            details={"snapshot_id": str(snapshot_id), "season": season, "note": given.note},
        )
        return SnapshotMade(id=snapshot_id, season=season, captured_at=min(captured_at, now))


def _row(rating: TypedRating, *, before: int | None, stands: bool) -> TypedRatingRow:
    return TypedRatingRow(
        playlist_key=rating.playlist,
        name=catalogue.playlist_name(int(rating.playlist)),
        rating=rating.rating,
        rating_before=before if stands else None,
        tier=rating.tier,
        tier_name=None if rating.tier is None else catalogue.tier_name(rating.tier),
        division=rating.division,
        division_name=None if rating.division is None else catalogue.division_name(rating.division),
        matches_played=rating.matches_played,
        win_streak=rating.win_streak,
        stands=stands,
    )
