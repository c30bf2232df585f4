"""Scores and leaderboards of guild members, recomputed per person."""

from collections.abc import Sequence
from uuid import UUID

from shared.clock import Clock
from trackers.games.rating_repository import LeaderboardRank, RatingRepository, RatingRow, ScoreRow
from trackers.games.ratings import RatedTracker, best, in_guild, rate, rests_on_manual


class RatingService:
    """Keeps leaderboards up to date; two transactions never recompute the same person at the same time."""

    def __init__(self, *, ratings: RatingRepository, clock: Clock) -> None:
        self._ratings = ratings
        self._clock = clock

    async def recompute_accounts(self, accounts: Sequence[UUID]) -> None:
        """Recompute the followers of changed accounts, in the transaction of the change.

        Takes one statement if no follower is in a guild, else five for any number of followers.
        """
        if people := await self._ratings.lock_followers(accounts):
            await self._recompute(people)

    async def recompute_people(self, people: Sequence[UUID]) -> None:
        """Recompute people whose trackers or guilds have changed."""
        if people:
            await self._recompute(await self._ratings.lock_people(people))

    async def outdated(self, *, limit: int) -> list[UUID]:
        """Return people whose rows on leaderboards are outdated."""
        return await self._ratings.outdated(limit=limit)

    async def forget(self, user_id: UUID) -> None:
        """Remove a person from all leaderboards."""
        people = await self._ratings.lock_people([user_id])
        await self._ratings.recompute(people, scores=[], ratings=[], now=self._clock.now())

    async def _recompute(self, people: Sequence[UUID]) -> None:
        """Recompute locked people. Statements must start after the locks are held, to see rows of the last holder."""
        places = await self._ratings.places(people)
        tracked: dict[UUID, list[RatedTracker]] = {}
        for tracker in await self._ratings.tracked(people):
            tracked.setdefault(tracker.user_id, []).append(tracker)
        scores: list[ScoreRow] = []
        ratings: list[RatingRow] = []
        for person, trackers in tracked.items():
            for place in places.get(person, ()):
                guild_view = [in_guild(tracker, place.guild_id, place.manual) for tracker in trackers]
                scores += _scores(place, guild_view)
                ratings += _ratings(place, guild_view)
        await self._ratings.recompute(people, scores=scores, ratings=ratings, now=self._clock.now())


def _scores(place: LeaderboardRank, trackers: Sequence[RatedTracker]) -> list[ScoreRow]:
    """Return the score of each tracker of a person by a guild's formula."""
    rated = [(tracker, rate(place.formula, tracker.current, tracker.previous)) for tracker in trackers]
    chosen = best(rated)
    return [
        ScoreRow(
            guild_id=place.guild_id,
            tracker_id=tracker.tracker_id,
            user_id=tracker.user_id,
            account_id=tracker.account_id,
            score=rating.score,
            salary=rating.salary,
            games=rating.games,
            formula=place.digest,
            season=tracker.season,
            best=chosen is not None and chosen[0] is tracker,
            manual=rests_on_manual(place.formula, tracker),
            fetched_at=tracker.fetched_at if tracker.uses_manual else None,
        )
        for tracker, rating in rated
    ]


def _ratings(place: LeaderboardRank, trackers: Sequence[RatedTracker]) -> list[RatingRow]:
    """Return a person's ratings of this season by playlist; the best tracker of each playlist is marked."""
    rows: list[RatingRow] = []
    for playlist in sorted({playlist for tracker in trackers for playlist in tracker.current}):
        played = [
            (tracker, tracker.current[playlist])
            for tracker in trackers
            if playlist in tracker.current and not tracker.current[playlist].estimated
        ]
        chosen = min(played, key=lambda row: (-row[0].season, -row[1].rating, row[0].tracker_id), default=None)
        rows += [
            RatingRow(
                guild_id=place.guild_id,
                tracker_id=tracker.tracker_id,
                user_id=tracker.user_id,
                playlist_key=playlist,
                season=tracker.season,
                rating=state.rating,
                best=chosen is not None and chosen[0] is tracker,
                manual_id=state.manual_id,
                vouched=state.vouched,
            )
            for tracker, state in played
        ]
    return rows
