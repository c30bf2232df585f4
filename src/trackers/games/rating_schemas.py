"""What is asked of formulas, leaderboards and histories, and what is answered."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from users.guilds.guild_settings import RatingFormula


class ValidateFormula(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A formula that somebody still writes."""

    formula: Annotated[
        dict[str, Any],
        Meta(
            max_length=20,
            description="As a guild's `rating_formula`; what is wrong with it is the answer.",
            examples=[{"kind": "custom", "expression": "(twos * 2 + threesPeak) / 3"}],
        ),
    ]


class PreviewFormula(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A formula to try on the members of a guild."""

    formula: RatingFormula
    limit: Annotated[int, Meta(ge=1, le=200, description="Members to show, the best first.")] = 50


class FormulaProblem(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a formula."""

    field: str
    message: str
    position: int | None
    """In a guild's own expression: of the character, from 0."""


class Trial(Struct, frozen=True, kw_only=True):
    """What a formula makes of a made-up player whose figures all differ."""

    score: int
    salary: int
    figures: dict[str, int]


class FormulaVerdict(Struct, frozen=True, kw_only=True):
    """Whether a formula can be settled; if so what it makes of a trial player, if not why."""

    ok: bool
    errors: list[FormulaProblem]
    trial: Trial | None


class PreviewRow(Struct, frozen=True, kw_only=True):
    """A member under the new formula beside today's; not rated under today's: no rank, score and salary."""

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
    """The best members under a formula; `total` are rated under it."""

    items: list[PreviewRow]
    total: int


class LeaderboardRow(Struct, frozen=True, kw_only=True):
    """A person by their best tracker; equals share a rank.

    On a playlist's board: rating to peak_rating, which are of the current season. On the guild's: score and salary.
    """

    rank: int
    user_id: UUID
    display_name: str | None
    tracker_id: UUID
    handle: str
    """What the account is called on its platform."""
    rating: int | None = None
    tier: int | None = None
    division: int | None = None
    matches_played: int | None = None
    peak_rating: int | None = None
    score: int | None = None
    salary: int | None = None
    manual: bool = False
    """Whether the rating, or the score, rests on a manual snapshot that the guild counts."""


class GuildLeaderboard(Struct, frozen=True, kw_only=True):
    """Members of a guild, the best first."""

    items: list[LeaderboardRow]
    playlist: str | None
    """None: by the score that the guild's formula gives."""
    season: str | None
    """Of a playlist's board: the newest that members have played in."""
    page: int
    per_page: int
    total: int


class PastPoint(Struct, frozen=True, kw_only=True):
    """A rating from a moment on."""

    at: datetime
    season: str
    rating: int
    tier: int | None
    division: int | None
    manual: bool
    """Whether the person entered it; else the site said so."""


class Series(Struct, frozen=True, kw_only=True):
    """How the rating in a playlist moved, the oldest first."""

    playlist: str
    name: str
    seen: int
    """How many points there were before the series was made shorter."""
    points: list[PastPoint]


class TrackerHistory(Struct, frozen=True, kw_only=True):
    """A series for every playlist that was played."""

    items: list[Series]
