"""Bodies of requests about formulas, leaderboards and histories, and of their answers."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from users.guilds.guild_settings import RatingFormula


class ValidateFormula(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A draft of a formula."""

    formula: Annotated[
        dict[str, Any],
        Meta(
            max_length=20,
            description="Like a guild's `rating_formula`; the response lists its errors.",
            examples=[{"kind": "custom", "expression": "(twos * 2 + threesPeak) / 3"}],
        ),
    ]


class PreviewFormula(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A formula to try on the members of a guild."""

    formula: RatingFormula
    limit: Annotated[int, Meta(ge=1, le=200, description="Maximum number of members to return, best first.")] = 50


class FormulaProblem(Struct, frozen=True, kw_only=True):
    """A problem of a formula."""

    field: str
    message: str
    position: int | None
    """The index of the character in a custom expression, from 0."""


class Trial(Struct, frozen=True, kw_only=True):
    """Result of a formula for a made-up player whose figures are all different."""

    score: int
    salary: int
    figures: dict[str, int]


class FormulaVerdict(Struct, frozen=True, kw_only=True):
    """The problems of a formula, or its result for a trial player if there are none."""

    ok: bool
    errors: list[FormulaProblem]
    trial: Trial | None


class PreviewRow(Struct, frozen=True, kw_only=True):
    """A member's rank by the new formula next to the current one; null if the current one does not rate the member."""

    rank: int
    user_id: UUID
    display_name: str | None
    handle: str
    tracker_id: UUID
    score: int
    salary: int
    rank_today: int | None
    score_today: int | None
    salary_today: int | None


class FormulaPreview(Struct, frozen=True, kw_only=True):
    """The best members by a formula; `total` is the number of rated members."""

    items: list[PreviewRow]
    total: int


class LeaderboardRow(Struct, frozen=True, kw_only=True):
    """A person by their best tracker; equal values share a rank.

    With a playlist: rating to peak_rating, of the current season. Without: score and salary.
    """

    rank: int
    user_id: UUID
    display_name: str | None
    tracker_id: UUID
    handle: str
    """The name of the account on its platform."""
    rating: int | None = None
    tier: int | None = None
    division: int | None = None
    matches_played: int | None = None
    peak_rating: int | None = None
    score: int | None = None
    salary: int | None = None
    manual: bool = False
    """True if the rating or score is based on a manual snapshot that the guild counts."""


class GuildLeaderboard(Struct, frozen=True, kw_only=True):
    """Members of a guild, the best first."""

    items: list[LeaderboardRow]
    playlist: str | None
    """None: by the score of the guild's formula."""
    season: str | None
    """With a playlist: the newest season that members have played."""
    page: int
    per_page: int
    total: int


class PastPoint(Struct, frozen=True, kw_only=True):
    """A rating, valid from a moment on."""

    at: datetime
    season: str
    rating: int
    tier: int | None
    division: int | None
    manual: bool
    """True if the person entered it; false if it was fetched."""


class Series(Struct, frozen=True, kw_only=True):
    """The history of the rating in a playlist, the oldest first."""

    playlist: str
    name: str
    seen: int
    """Number of points before the series was thinned."""
    points: list[PastPoint]


class TrackerHistory(Struct, frozen=True, kw_only=True):
    """A series for every played playlist."""

    items: list[Series]
