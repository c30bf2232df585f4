"""Bodies of the hiscores: of today, of two years before, cut, changed, and a thousand with random differences."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.scraping.failures import Blocked, HostUnavailable, PageChanged, TargetNotFound, Throttled
from trackers.hiscores.catalogue import KNOWN, TOTAL_LEVEL, MetricKind, slug_of
from trackers.hiscores.maths import XP_OF_LEVEL
from trackers.hiscores.parser import BUILT_IN, HiscoresPage, Layout, parse_csv, parse_json, raise_for_answer

DATA = Path(__file__).parents[3] / "data" / "hiscores"
Body = dict[str, Any]


def values(page: HiscoresPage) -> dict[str, int | None]:
    return {reading.metric.slug: reading.value for reading in page.readings}


def ranks(page: HiscoresPage) -> dict[str, int | None]:
    return {reading.metric.slug: reading.rank for reading in page.readings}


def body() -> Body:
    made: Body = json.loads((DATA / "player.json").read_bytes())
    return made


def parsed(changed: Body) -> HiscoresPage:
    return parse_json(json.dumps(changed).encode())


def test_a_body_of_today() -> None:
    page = parse_json((DATA / "player.json").read_bytes())
    assert page.name == "Quiet Comet"
    assert len(page.readings) == 25 + 91 + 1
    found = values(page)
    assert (found["overall"], found["attack"], found["sailing"], found["zulrah"]) == (4_799_000_111, 13_034_431, 0, 77)
    assert found[TOTAL_LEVEL] == 2_190
    assert ranks(page)["zulrah"] == 120_345
    assert {reading.metric.kind for reading in page.readings} == set(MetricKind)
    assert all(slug in KNOWN for slug in found)


def test_csv_says_the_same_as_json() -> None:
    page = parse_json((DATA / "player.json").read_bytes())
    table = parse_csv((DATA / "player.csv").read_bytes(), BUILT_IN)
    assert (values(table), ranks(table)) == (values(page), ranks(page))
    assert table.name is None


def test_an_account_of_early_2025_as_json_and_as_csv_minutes_apart() -> None:
    page = parse_json((DATA / "player_2025-02.json").read_bytes())
    table = parse_csv((DATA / "player_2025-02.csv").read_bytes(), page.layout)
    found = values(page)
    assert found == values(table)
    assert ranks(page) != ranks(table)  # which move by themselves
    assert (len(page.layout.skills), len(page.layout.activities)) == (24, 84)  # before Sailing and the newest bosses
    assert (found["overall"], found["strength"], found["cooking"]) == (597_550_905, 200_000_000, 12_345_678)
    assert found["overall"] == sum(
        reading.value or 0
        for reading in page.readings
        if reading.metric.kind is MetricKind.SKILL and reading.metric.slug != "overall"
    )
    assert found[TOTAL_LEVEL] == 2_186
    assert {slug for slug, value in found.items() if value is None} == {
        "league_points",
        "deadman_points",
        "pvp_arena_rank",
    }
    assert [slug for slug in found if slug not in KNOWN] == []


def test_a_table_of_another_length_is_not_guessed_at() -> None:
    with pytest.raises(PageChanged, match="25 skills and 90 activities"):
        parse_csv((DATA / "player_2026-07.csv").read_bytes(), BUILT_IN)


def test_since_the_end_of_2025_an_unranked_activity_may_come_with_its_score() -> None:
    layout = Layout(skills=BUILT_IN.skills, activities=[f"Activity {number}" for number in range(90)])
    page = parse_csv((DATA / "player_2026-07.csv").read_bytes(), layout)
    unranked = {slug: value for slug, value in values(page).items() if ranks(page)[slug] is None}
    assert unranked == {
        "activity_0": 0,
        "activity_1": 0,
        "activity_2": 0,
        "activity_15": 1_053,
        "activity_26": 0,
        "activity_64": 0,
    }
    assert (values(page)["sailing"], ranks(page)["sailing"], values(page)[TOTAL_LEVEL]) == (13_819_484, 19_949, 2_376)


def test_rank_and_value_are_read_each_for_itself() -> None:
    changed = body()
    skills = {entry["name"]: entry for entry in changed["skills"]}
    skills["Attack"] |= {"rank": -1, "level": 1, "xp": -1}
    skills["Defence"] |= {"rank": -1, "level": 40, "xp": 40_000}
    scores = {entry["name"]: entry for entry in changed["activities"]}
    scores["Zulrah"] |= {"rank": -1, "score": -1}
    scores["Vorkath"] |= {"rank": -1, "score": 0}
    page = parsed(changed)
    assert (values(page)["attack"], ranks(page)["attack"]) == (None, None)
    assert (values(page)["defence"], ranks(page)["defence"]) == (40_000, None)
    assert (values(page)["zulrah"], values(page)["vorkath"]) == (None, 0)


def test_a_skill_that_a_dormant_account_never_trained_is_at_zero() -> None:
    changed = body()
    next(entry for entry in changed["skills"] if entry["name"] == "Sailing").update(rank=-1, level=1, xp=0)
    assert (values(parsed(changed))["sailing"], ranks(parsed(changed))["sailing"]) == (0, None)


def test_fields_that_are_new_change_nothing() -> None:
    changed = body()
    changed["updated"] = "2026-11-30"
    for entry in (*changed["skills"], *changed["activities"]):
        entry["percentile"] = 12.5
    assert parsed(changed) == parsed(body())


def test_the_total_level_is_upstream_s_where_that_is_larger() -> None:
    changed = body()
    changed["skills"][0]["level"] = 2_300
    assert values(parsed(changed))[TOTAL_LEVEL] == 2_300
    changed["skills"][0]["level"] = 30
    assert values(parsed(changed))[TOTAL_LEVEL] == 2_190


@given(st.lists(st.integers(-1, 200_000_000), min_size=24, max_size=24), st.integers(1, 2_400))
def test_the_total_level_beside_a_slow_sum(xp: list[int], told: int) -> None:
    changed = body()
    for entry, value in zip(changed["skills"][1:], xp, strict=True):
        entry |= {"rank": -1, "xp": value}
    changed["skills"][0] |= {"level": told, "xp": sum(value for value in xp if value > 0)}
    summed = 0
    for entry, value in zip(changed["skills"][1:], xp, strict=True):
        reached = [level for level in range(1, 100) if value >= XP_OF_LEVEL[level - 1]]
        summed += max(reached) if reached else 10 if entry["name"] == "Hitpoints" else 1
    assert values(parsed(changed))[TOTAL_LEVEL] == max(told, summed)


def test_a_player_of_whom_nothing_is_known_has_no_total_level() -> None:
    changed = body()
    for entry in changed["skills"]:
        entry |= {"rank": -1, "level": 1, "xp": -1}
    assert values(parsed(changed))[TOTAL_LEVEL] is None


def test_other_names_of_the_same_thing() -> None:
    changed = body()
    next(entry for entry in changed["skills"] if entry["name"] == "Runecraft")["name"] = "Runecrafting"
    assert values(parsed(changed))["runecraft"] == values(parsed(body()))["runecraft"]
    for entry in changed["activities"]:
        entry["name"] = entry["name"].upper()
    assert values(parsed(changed)) == values(parsed(body()))


def test_a_name_that_is_none_of_the_player_s_is_left_out() -> None:
    changed = body()
    for name in ("<script>", "", None):
        changed["name"] = name
        assert parsed(changed).name is None


@pytest.mark.slow
def test_a_thousand_bodies_with_metrics_that_come_go_and_are_called_something_else() -> None:
    rng = random.Random(11)  # noqa: S311 -- no secret
    for number in range(1_000):
        changed = body()
        expected: dict[str, int | None] = {}
        lists = (changed["skills"], changed["activities"])
        for entries in lists:
            for _ in range(rng.randrange(3)):  # gone, but Overall
                entries.pop(rng.randrange(1, len(entries)))
            for _ in range(rng.randrange(3)):  # called something else
                rng.choice(entries[1:])["name"] = f"Renamed {number} {rng.randrange(10**6)}"
            for _ in range(rng.randrange(3)):  # new, anywhere but first
                made = {"id": 0, "name": f"New {number} {rng.randrange(10**6)}", "rank": rng.choice((-1, 5))}
                made |= {"level": 1, "xp": 80} if entries is changed["skills"] else {"score": rng.randrange(-1, 9)}
                entries.insert(rng.randrange(1, len(entries)), made)
        rng.shuffle(changed["activities"])  # positions mean nothing where there are names
        for entry in (*changed["skills"], *changed["activities"]):
            value = entry.get("xp", entry.get("score"))
            expected[slug_of(entry["name"])] = None if value < 0 else value
        found = values(parsed(changed))
        found.pop(TOTAL_LEVEL)
        assert found == expected
        assert len(parsed(changed).layout.activities) == len(changed["activities"])


def _edit(path: str, value: Any) -> Any:
    def change(made: Body) -> None:
        holder: Any = made
        *steps, last = path.split(".")
        for step in steps:
            holder = holder[int(step) if step.isdecimal() else step]
        holder[int(last) if last.isdecimal() else last] = value

    return change


CHANGES = [
    lambda made: made.pop("skills"),
    lambda made: made.pop("activities"),
    lambda made: made["skills"].pop(0),  # Overall
    lambda made: made["skills"].append(made["skills"][3]),  # twice
    lambda made: made["activities"].append(made["activities"][3]),
    lambda made: made["activities"].append({**made["activities"][3], "name": "Attack"}),  # a skill's name
    lambda made: made["activities"].extend({"name": f"New {n}", "rank": 1, "score": 1} for n in range(101)),
    lambda made: made["activities"].extend({"name": f"New {n}", "rank": 1, "score": 1} for n in range(500)),
    lambda made: [entry.update(name=f"Skill {n}") for n, entry in enumerate(made["skills"]) if n],
    _edit("skills", {}),
    _edit("skills", []),
    _edit("skills.3.xp", "many"),
    _edit("skills.3.xp", 200_000_001),
    _edit("skills.3.xp", -2),
    _edit("skills.3.rank", -7),
    _edit("skills.3.rank", 2**40),
    _edit("skills.3.level", -3),
    _edit("activities.3.score", 2**40),
    _edit("activities.3.score", 1.5),
    _edit("activities.3.score", None),
]


@pytest.mark.parametrize("change", CHANGES, ids=range(len(CHANGES)))
def test_what_the_game_cannot_say_is_a_changed_page(change: Any) -> None:
    changed = body()
    change(changed)
    with pytest.raises(PageChanged):
        parsed(changed)


@pytest.mark.parametrize("odd", ["...", "\u2603", "x" * 81, "Bad\x00name"])
def test_an_entry_that_cannot_be_told_of_stops_nobody(odd: str) -> None:
    changed = body()
    changed["activities"][3]["name"] = odd
    page = parsed(changed)
    whole = values(parsed(body()))
    assert {slug: value for slug, value in whole.items() if slug in values(page)} == values(page)
    assert len(values(page)) == len(whole) - 1
    assert len(page.layout.activities) == 91  # its place in the list is known all the same


@pytest.mark.parametrize("cut", range(0, 9_900, 897))
def test_a_body_cut_off_anywhere_is_a_changed_page(cut: int) -> None:
    whole = (DATA / "player.json").read_bytes()
    assert cut < len(whole)
    with pytest.raises(PageChanged):
        parse_json(whole[:cut])


@pytest.mark.parametrize("table", [b"", b"1,2", b"a,b,c\n", b"1,2\n1,2,3\n", b"1,2,3,4\n", b"99999999999999,1,1\n"])
def test_csv_of_another_form_is_a_changed_page(table: bytes) -> None:
    with pytest.raises(PageChanged):
        parse_csv(table, BUILT_IN)


HTML = b"<!DOCTYPE html><html><head><title>%s</title></head><body></body></html>"


@pytest.mark.parametrize(
    ("status", "answer", "means"),
    [
        (404, HTML % b"Page not found", TargetNotFound),
        (200, HTML % b"Just a moment...", Blocked),
        (200, HTML % b"We are updating", Blocked),
        (200, b"", HostUnavailable),
        (200, b" \n", HostUnavailable),
        (403, HTML % b"Access denied", Blocked),
        (200, HTML % b"Too many requests", Throttled),
        (302, HTML % b"Elsewhere", HostUnavailable),
        (418, b"teapot", PageChanged),
    ],
)
def test_a_page_instead_of_data_is_told_apart(status: int, answer: bytes, means: type[Exception]) -> None:
    with pytest.raises(means):
        raise_for_answer(status, answer)


@pytest.mark.parametrize("around", [b"", b" \r\n"], ids=["as it is", "with blanks around"])
def test_data_may_be_read(around: bytes) -> None:
    """What is let through is what the parsers read, in both forms."""
    data, table = (around + (DATA / name).read_bytes() + around for name in ("player.json", "player.csv"))
    for answer in (data, table):
        raise_for_answer(200, answer)
    assert values(parse_json(data)) == values(parse_csv(table, BUILT_IN)) == values(parsed(body()))


def test_data_with_another_status_is_not_read() -> None:
    with pytest.raises(PageChanged, match="503"):
        raise_for_answer(503, (DATA / "player.json").read_bytes())
