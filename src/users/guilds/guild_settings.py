"""Settings of a guild: new values are checked strictly, and stored values are read leniently.

Only values that differ from the defaults are stored, so that a changed default applies to guilds without a choice.
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
"""Allowed difference of a sum of weights from 1, because a third and two thirds are not exact floats."""


class PlaylistWeights(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weight of each playlist."""

    ones: Weight = 0.1
    twos: Weight = 0.3
    threes: Weight = 0.5
    fours: Weight = 0.1

    def __post_init__(self) -> None:
        if not (self.ones or self.twos or self.threes or self.fours):
            raise ValueError("the weights are all 0: give at least one playlist a weight")


class MinGames(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Games that a player needs in a playlist before it counts."""

    ones: Games = 50
    twos: Games = 50
    threes: Games = 50
    fours: Games = 50


class Formula(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """Rating formula of a guild."""


class WeightedAverage(Formula, frozen=True, kw_only=True, tag="weighted_average"):
    """Weighted mean of the playlists with enough games."""

    weights: PlaylistWeights = PlaylistWeights()
    min_games: MinGames = MinGames()


class PeakMmr(Formula, frozen=True, kw_only=True, tag="peak_mmr"):
    """Rating of the best playlist with enough games."""

    min_games: MinGames = MinGames()


class Ascendancy(Formula, frozen=True, kw_only=True, tag="ascendancy"):
    """Mean of twos and threes by games played; each counts its current and its best MMR by weight."""

    current_weight: Weight = 0.25
    peak_weight: Weight = 0.75

    def __post_init__(self) -> None:
        together = self.current_weight + self.peak_weight
        if abs(together - 1) > ROUNDING:
            raise ValueError(f"current_weight and peak_weight must sum to 1; together they are {together:g}")


class Custom(Formula, frozen=True, kw_only=True, tag="custom"):
    """The guild's own arithmetic expression."""

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
            raise ValueError(f"expression is not a formula: {problem}") from None


RatingFormula = WeightedAverage | PeakMmr | Ascendancy | Custom
FORMULAS: Final[tuple[type[Formula], ...]] = (WeightedAverage, PeakMmr, Ascendancy, Custom)


class ManualSnapshots(StrEnum):
    """Manual snapshots of members that a guild's leaderboard counts."""

    NONE = "none"
    CONFIRMED = "confirmed"
    """Manual snapshots that the guild's staff have confirmed."""
    ALL = "all"
    """Manual snapshots that the guild's staff have not rejected."""


class GuildSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a guild, with defaults for those that it has not changed."""

    tracker_processing: bool = True
    """True if trackers of members are fetched."""
    rating_formula: RatingFormula = Ascendancy()
    manual_snapshots: ManualSnapshots = ManualSnapshots.CONFIRMED
    """Manual snapshots that the guild's leaderboard counts."""
    notification_channel_id: ChannelId | None = None


class SettingsChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes of settings. Omitted settings keep their values; null resets a setting to its default."""

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
    """Return the values that differ from the defaults, as JSON-able values. A formula always includes its kind."""
    config = settings.__struct_config__
    stored: dict[str, Any] = {config.tag_field: config.tag} if config.tag_field else {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        if value != field.default:
            stored[field.name] = stored_form(value) if isinstance(value, Struct) else value
    return stored


def from_stored(stored: Mapping[str, Any]) -> GuildSettings:
    """Read stored settings of any age.

    Unknown settings are ignored. An invalid value is replaced by its default and logged.
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
    """Return a stored formula without the fields that its kind no longer has."""
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
