"""What a guild has settled for its members: strict where it comes in, lenient where it was stored long ago.

Stored is only what differs from the defaults, so that a guild that never chose follows a default that changes.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
import structlog
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import fields, replace

from users.accounts.schemas import SNOWFLAKE
from users.guilds import expressions

ChannelId = Annotated[str, Meta(pattern=SNOWFLAKE, examples=["281474976710657001"])]
Weight = Annotated[float, Meta(ge=0, le=1)]
Games = Annotated[int, Meta(ge=0, le=10_000)]
ROUNDING: Final = 1e-9
"""How far from 1 weights may sum to: a third and two thirds are no exact floats."""


class PlaylistWeights(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much each playlist counts."""

    ones: Weight = 0.1
    twos: Weight = 0.3
    threes: Weight = 0.5
    fours: Weight = 0.1

    def __post_init__(self) -> None:
        if not (self.ones or self.twos or self.threes or self.fours):
            raise ValueError("the weights are all 0: give at least one playlist a weight")


class MinGames(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Games that a playlist must have been played for before it counts."""

    ones: Games = 50
    twos: Games = 50
    threes: Games = 50
    fours: Games = 50


class Formula(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """How the league of a guild rates its players."""


class WeightedAverage(Formula, frozen=True, kw_only=True, tag="weighted_average"):
    """The mean of the playlists with enough games, by weight."""

    weights: PlaylistWeights = PlaylistWeights()
    min_games: MinGames = MinGames()


class PeakMmr(Formula, frozen=True, kw_only=True, tag="peak_mmr"):
    """The best of the playlists with enough games."""

    min_games: MinGames = MinGames()


class Ascendancy(Formula, frozen=True, kw_only=True, tag="ascendancy"):
    """Twos and threes by games played, each its current and its best MMR by weight."""

    current_weight: Weight = 0.25
    peak_weight: Weight = 0.75

    def __post_init__(self) -> None:
        together = self.current_weight + self.peak_weight
        if abs(together - 1) > ROUNDING:
            raise ValueError(f"current_weight and peak_weight must sum to 1; together they are {together:g}")


class Custom(Formula, frozen=True, kw_only=True, tag="custom"):
    """The guild's own arithmetic."""

    expression: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=500,
            description=f"Numbers, + - * / and parentheses over {', '.join(expressions.NAMES)}.",
            examples=["(twos * 2 + threesPeak) / 3"],
        ),
    ]

    def __post_init__(self) -> None:
        try:
            expressions.check(self.expression)
        except ValueError as problem:
            raise ValueError(f"expression is no formula: {problem}") from None


RatingFormula = WeightedAverage | PeakMmr | Ascendancy | Custom
FORMULAS: Final[tuple[type[Formula], ...]] = (WeightedAverage, PeakMmr, Ascendancy, Custom)


class ManualSnapshots(StrEnum):
    """Which manual snapshots of its members a guild's leaderboard counts."""

    NONE = "none"
    CONFIRMED = "confirmed"
    """Those that the guild's staff have confirmed."""
    ALL = "all"
    """Those that the guild's staff have not rejected."""


class GuildSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a guild has settled, or the default of it."""

    tracker_processing: bool = True
    """Whether its members' trackers are fetched."""
    rating_formula: RatingFormula = Ascendancy()
    manual_snapshots: ManualSnapshots = ManualSnapshots.CONFIRMED
    """Which manual snapshots its leaderboard counts."""
    notification_channel_id: ChannelId | None = None


class SettingsChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only the given settings change; null puts one back to its default."""

    tracker_processing: bool | UnsetType | None = UNSET
    rating_formula: RatingFormula | UnsetType | None = UNSET
    manual_snapshots: ManualSnapshots | UnsetType | None = UNSET
    notification_channel_id: ChannelId | UnsetType | None = UNSET


def changed(settings: GuildSettings, change: SettingsChange) -> GuildSettings:
    given = {field.name: getattr(change, field.name) for field in fields(change)}
    defaults = GuildSettings()
    return replace(
        settings,
        **{
            name: getattr(defaults, name) if value is None else value
            for name, value in given.items()
            if value is not UNSET
        },
    )


def stored_form(settings: Struct) -> dict[str, Any]:
    """What differs from the defaults, as JSON-able values; a formula always tells its kind."""
    config = settings.__struct_config__
    stored: dict[str, Any] = {config.tag_field: config.tag} if config.tag_field else {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        if value != field.default:
            stored[field.name] = stored_form(value) if isinstance(value, Struct) else value
    return stored


def from_stored(stored: Mapping[str, Any]) -> GuildSettings:
    """Settings as they were stored, however long ago.

    What we no longer know is left out; what no longer fits is the default again, and the log says so.
    """
    known: dict[str, Any] = {}
    for field in fields(GuildSettings):
        if field.name in stored:
            value = _formula(stored[field.name]) if field.name == "rating_formula" else stored[field.name]
            try:
                known[field.name] = msgspec.convert(value, field.type)
            except msgspec.ValidationError as error:
                structlog.get_logger(__name__).warning("guild_setting_unreadable", field=field.name, error=str(error))
    return GuildSettings(**known)


def _formula(stored: Any) -> Any:
    """A stored formula without the fields that its kind no longer has."""
    if isinstance(stored, dict):
        for formula in FORMULAS:
            if stored.get("kind") == formula.__struct_config__.tag:
                return {"kind": stored["kind"], **_known(stored, formula)}
    return stored


def _known(stored: Mapping[str, Any], struct: type[Struct]) -> dict[str, Any]:
    known = {field.name: (stored[field.name], field.type) for field in fields(struct) if field.name in stored}
    return {
        name: _known(value, kind) if isinstance(value, dict) and _is_struct(kind) else value
        for name, (value, kind) in known.items()
    }


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)
