"""Guild settings: strict where they come in, sparse where they are stored, lenient where they are read again."""

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from users.guilds.guild_settings import (
    Ascendancy,
    Custom,
    GuildSettings,
    MinGames,
    PeakMmr,
    PlaylistWeights,
    SettingsChange,
    WeightedAverage,
    changed,
    from_stored,
    stored_form,
)

CHANNEL = "281474976710657001"


def given(body: Any) -> GuildSettings:
    return msgspec.json.decode(msgspec.json.encode(body), type=GuildSettings)


def test_nothing_given_is_every_default() -> None:
    settings = given({})
    assert settings.tracker_processing
    assert settings.rating_formula == Ascendancy(current_weight=0.25, peak_weight=0.75)
    assert settings.notification_channel_id is None
    assert WeightedAverage() == WeightedAverage(
        weights=PlaylistWeights(ones=0.1, twos=0.3, threes=0.5, fours=0.1),
        min_games=MinGames(ones=50, twos=50, threes=50, fours=50),
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"surprise": 1}, "Object contains unknown field `surprise`"),
        ({"tracker_processing": "yes"}, "Expected `bool`, got `str` - at `$.tracker_processing`"),
        ({"notification_channel_id": "123"}, "at `$.notification_channel_id`"),
        ({"notification_channel_id": 281474976710657001}, "Expected `str | null`, got `int`"),
        ({"rating_formula": {}}, "missing required field `kind` - at `$.rating_formula`"),
        ({"rating_formula": {"kind": "luck"}}, "Invalid value 'luck' - at `$.rating_formula.kind`"),
        ({"rating_formula": {"kind": "peak_mmr", "weights": {}}}, "unknown field `weights` - at `$.rating_formula`"),
        (
            {"rating_formula": {"kind": "peak_mmr", "min_games": {"ones": 10_001}}},
            "Expected `int` <= 10000 - at `$.rating_formula.min_games.ones`",
        ),
        (
            {"rating_formula": {"kind": "peak_mmr", "min_games": {"ones": 1.5}}},
            "Expected `int`, got `float` - at `$.rating_formula.min_games.ones`",
        ),
        (
            {"rating_formula": {"kind": "weighted_average", "weights": {"twos": 1.1}}},
            "Expected `float` <= 1.0 - at `$.rating_formula.weights.twos`",
        ),
        (
            {"rating_formula": {"kind": "weighted_average", "weights": {"twos": -0.1}}},
            "Expected `float` >= 0.0 - at `$.rating_formula.weights.twos`",
        ),
        (
            {
                "rating_formula": {
                    "kind": "weighted_average",
                    "weights": dict.fromkeys(["ones", "twos", "threes", "fours"], 0),
                }
            },
            "the weights are all 0: give at least one playlist a weight - at `$.rating_formula.weights`",
        ),
        (
            {"rating_formula": {"kind": "ascendancy", "current_weight": 0.5}},
            "current_weight and peak_weight must sum to 1; together they are 1.25 - at `$.rating_formula`",
        ),
        ({"rating_formula": {"kind": "custom"}}, "missing required field `expression` - at `$.rating_formula`"),
        ({"rating_formula": {"kind": "custom", "expression": ""}}, "Expected `str` of length >= 1"),
        ({"rating_formula": {"kind": "custom", "expression": "1" * 501}}, "Expected `str` of length <= 500"),
        (
            {"rating_formula": {"kind": "custom", "expression": "twoss * 2"}},
            "expression is not a formula: there is no figure 'twoss'",
        ),
    ],
)
def test_what_does_not_fit_is_refused_where_it_stands(body: Any, message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        given(body)
    assert message in str(refused.value)


def test_thirds_sum_to_one() -> None:
    assert given({"rating_formula": {"kind": "ascendancy", "current_weight": 1 / 3, "peak_weight": 2 / 3}})
    assert given({"rating_formula": {"kind": "ascendancy", "current_weight": 0.1, "peak_weight": 0.9}})


@pytest.mark.parametrize(
    ("settings", "stored"),
    [
        (GuildSettings(), {}),
        (GuildSettings(rating_formula=Ascendancy(current_weight=0.25, peak_weight=0.75)), {}),
        (GuildSettings(tracker_processing=False), {"tracker_processing": False}),
        (GuildSettings(notification_channel_id=CHANNEL), {"notification_channel_id": CHANNEL}),
        (GuildSettings(rating_formula=PeakMmr()), {"rating_formula": {"kind": "peak_mmr"}}),
        (
            GuildSettings(rating_formula=Custom(expression="ones")),
            {"rating_formula": {"kind": "custom", "expression": "ones"}},
        ),
        (
            GuildSettings(rating_formula=WeightedAverage(weights=PlaylistWeights(ones=1), min_games=MinGames(twos=0))),
            {"rating_formula": {"kind": "weighted_average", "weights": {"ones": 1}, "min_games": {"twos": 0}}},
        ),
        (
            GuildSettings(rating_formula=Ascendancy(current_weight=0.5, peak_weight=0.5)),
            {"rating_formula": {"kind": "ascendancy", "current_weight": 0.5, "peak_weight": 0.5}},
        ),
    ],
)
def test_only_what_differs_from_the_defaults_is_stored_and_reads_back(
    settings: GuildSettings, stored: dict[str, Any]
) -> None:
    assert stored_form(settings) == stored
    assert from_stored(msgspec.json.decode(msgspec.json.encode(stored))) == settings


@pytest.mark.parametrize(
    ("stored", "settings"),
    [
        ({"gone": 1, "tracker_processing": False}, GuildSettings(tracker_processing=False)),
        ({"rating_formula": {"kind": "peak_mmr", "gone": 1}}, GuildSettings(rating_formula=PeakMmr())),
        (
            {"rating_formula": {"kind": "peak_mmr", "min_games": {"gone": 1, "ones": 7}}},
            GuildSettings(rating_formula=PeakMmr(min_games=MinGames(ones=7))),
        ),
        (
            {"rating_formula": {"kind": "a kind of old"}, "tracker_processing": False},
            GuildSettings(tracker_processing=False),
        ),
        ({"rating_formula": "peak_mmr"}, GuildSettings()),
        ({"rating_formula": {"kind": ["peak_mmr"]}}, GuildSettings()),
        ({"rating_formula": {"kind": "peak_mmr", "min_games": 5}}, GuildSettings()),
        ({"rating_formula": {"kind": "custom", "expression": "oldName"}}, GuildSettings()),
        ({"notification_channel_id": "123"}, GuildSettings()),
        ({"tracker_processing": None}, GuildSettings()),
    ],
)
def test_what_was_stored_long_ago_never_breaks_reading(stored: dict[str, Any], settings: GuildSettings) -> None:
    assert from_stored(stored) == settings


def test_a_change_touches_what_it_names_and_null_puts_back_to_the_default() -> None:
    settings = GuildSettings(tracker_processing=False, rating_formula=PeakMmr(), notification_channel_id=CHANNEL)
    assert changed(settings, SettingsChange()) == settings
    assert changed(settings, SettingsChange(notification_channel_id=None)) == GuildSettings(
        tracker_processing=False, rating_formula=PeakMmr()
    )
    assert changed(settings, SettingsChange(tracker_processing=None, rating_formula=None)) == GuildSettings(
        notification_channel_id=CHANNEL
    )
    assert changed(settings, SettingsChange(tracker_processing=True)).tracker_processing


def test_a_change_knows_every_setting() -> None:
    assert SettingsChange.__struct_fields__ == GuildSettings.__struct_fields__
    assert all(value is UNSET for value in msgspec.structs.astuple(SettingsChange()))
