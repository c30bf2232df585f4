"""What a look shows beside what is known, against a slow model that keeps everything."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from trackers.hiscores.catalogue import KNOWN, Metric
from trackers.hiscores.comparison import KEYFRAME_EVERY, Known, MetricValue, RecordKind, Verdict, compare
from trackers.hiscores.messages import page_of
from trackers.hiscores.thresholds import in_words, passed, thresholds_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
METRICS: dict[int, Metric] = {1: KNOWN["slayer"], 2: KNOWN["zulrah"], 3: KNOWN["lms_rank"], 4: KNOWN["total_level"]}
VALUES = st.none() | st.integers(0, 6)
LOOKS = st.lists(st.fixed_dictionaries(dict.fromkeys(METRICS, VALUES)), min_size=1, max_size=60)


def told(looks: Sequence[dict[int, int | None]]) -> list[Verdict]:
    """What becomes of looks in a row."""
    known: Known | None = None
    flagged = False
    verdicts = []
    for number, look in enumerate(looks):
        seen = {no: MetricValue(value, 100 + number) for no, value in look.items()}
        verdict = compare(known, seen, METRICS, flagged=flagged, lasted=True)
        verdicts.append(verdict)
        flagged = verdict.flagged
        known = Known(entries=verdict.entries, era=verdict.era, since_keyframe=verdict.since_keyframe, fetched_at=NOON)
    return verdicts


@given(LOOKS)
def test_records_add_up_to_what_was_seen(looks: list[dict[int, int | None]]) -> None:
    state: dict[int, MetricValue] = {}
    for look, verdict in zip(looks, told(looks), strict=True):
        if verdict.record is RecordKind.KEYFRAME:
            state = dict(verdict.recorded)
        elif verdict.record is RecordKind.DELTA:
            state |= verdict.recorded
        if not verdict.flagged:
            assert {no: entry.value for no, entry in state.items()} == look
        assert {no: entry.value for no, entry in verdict.entries.items()} == {
            no: entry.value for no, entry in state.items()
        }


@given(LOOKS)
def test_no_gain_is_made_of_an_unknown_a_fall_or_a_flagged_look(looks: list[dict[int, int | None]]) -> None:
    before: dict[int, int | None] = {}
    era = 0
    for look, verdict in zip(looks, told(looks), strict=True):
        expected: dict[int, int] = {}
        if before and not verdict.flagged and verdict.era == era:
            for no, value in look.items():
                was = before[no]
                if was is not None and value is not None and value != was:
                    expected[no] = value - was
        assert dict(verdict.gains) == expected
        assert all(gain > 0 for no, gain in verdict.gains.items() if no in {1, 2})
        if not verdict.flagged:
            before = look
        era = verdict.era


@given(LOOKS)
def test_a_fall_is_flagged_once_and_settled_by_the_next_look(looks: list[dict[int, int | None]]) -> None:
    verdicts = told(looks)
    for first, second in itertools.pairwise(verdicts):
        if first.flagged:
            assert not second.flagged
            assert second.era == first.era + 1 if second.decreased else second.era == first.era


@given(LOOKS)
def test_nothing_is_recorded_where_nothing_but_a_rank_moved(looks: list[dict[int, int | None]]) -> None:
    assert [verdict.record for verdict in told([looks[0]] * 4)] == [RecordKind.KEYFRAME, None, None, None]


def test_a_keyframe_comes_every_so_many_records() -> None:
    verdicts = told([{1: number, 2: 0, 3: 0, 4: 0} for number in range(3 * KEYFRAME_EVERY)])
    keyframes = [place for place, verdict in enumerate(verdicts) if verdict.record is RecordKind.KEYFRAME]
    assert keyframes == [0, KEYFRAME_EVERY, 2 * KEYFRAME_EVERY]


def test_a_metric_that_a_look_does_not_name_stays_as_it_was() -> None:
    known = Known(entries={1: MetricValue(5, 1), 2: MetricValue(9, 1)}, era=0, since_keyframe=0, fetched_at=NOON)
    verdict = compare(known, {1: MetricValue(6, 1)}, METRICS)
    assert verdict.entries == {1: MetricValue(6, 1), 2: MetricValue(9, 1)}
    assert verdict.recorded == {1: MetricValue(6, 1)}


def test_a_fall_that_has_not_lasted_yet_is_neither_recorded_again_nor_believed() -> None:
    known = Known(entries={1: MetricValue(500, 1)}, era=3, since_keyframe=7, fetched_at=NOON)
    first = compare(known, {1: MetricValue(4, 1)}, METRICS)
    again = compare(known, {1: MetricValue(5, 1)}, METRICS, flagged=True)
    later = compare(known, {1: MetricValue(5, 1)}, METRICS, flagged=True, lasted=True)
    assert (first.record, first.flagged, first.era) == (RecordKind.FLAGGED, True, 3)
    assert (again.record, again.flagged, again.entries) == (None, True, known.entries)
    assert (later.record, later.flagged, later.era, dict(later.gains)) == (
        RecordKind.KEYFRAME,
        False,
        4,
        {},
    )


@given(st.integers(0, 200_000_000), st.integers(0, 200_000_000))
def test_each_threshold_is_passed_once(one: int, other: int) -> None:
    low, high = sorted((one, other))
    slayer = KNOWN["slayer"]
    assert passed(slayer, None, low) + passed(slayer, low, high) == passed(slayer, None, high)
    assert all(low < threshold <= high for threshold in passed(slayer, low, high))


def test_what_is_celebrated_is_said_in_words() -> None:
    said = [in_words(KNOWN[slug], t) for slug, t in (("slayer", 13_034_431), ("slayer", 200_000_000), ("zulrah", 1))]
    assert said == ["99 Slayer", "200m Slayer experience", "first Zulrah"]
    assert in_words(KNOWN["zulrah"], 1_000) == "1,000 Zulrah"
    assert in_words(KNOWN["overall"], 1_000_000_000) == "1,000m experience in total"
    assert in_words(KNOWN["total_level"], 2_376) == "total level 2,376"
    assert all(list(thresholds_of(metric)) == sorted(thresholds_of(metric)) for metric in KNOWN.values())
    assert thresholds_of(KNOWN["lms_rank"]) == ()


def test_a_player_s_page_is_linked_with_pluses() -> None:
    assert page_of("lynx titan").endswith("?user1=lynx+titan")
