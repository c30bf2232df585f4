"""What people type and what pages write: links, names, weapons, days."""

from datetime import date, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.settings import SettingsError, load
from trackers.fencers.dates import AHEAD, BACK, DateUnreadableError, read_day, season_of
from trackers.fencers.errors import BadReference, UnknownWeapon
from trackers.fencers.links import Reference, SubjectKind, parse_reference, read_key
from trackers.fencers.names import MAX_NAME_LENGTH, fold, fold_person, shown_person, words
from trackers.fencers.settings import FencersSettings
from trackers.fencers.weapons import Weapon, code_of, lets_through, weapon_filter, weapon_of

TODAY = date(2026, 9, 20)


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ("100000001", Reference(SubjectKind.FENCER, 100_000_001)),
        ("/p/7", Reference(SubjectKind.FENCER, 7)),
        (
            "https://fencingtracker.com/p/100000001/Alex-Example",
            Reference(SubjectKind.FENCER, 100_000_001, "Alex-Example"),
        ),
        (
            "https://www.fencingtracker.com/p/1/J%C3%B8rn%20%C3%98st/strength#x",
            Reference(SubjectKind.FENCER, 1, "J%C3%B8rn-%C3%98st"),
        ),
    ],
)
def test_a_fencer_is_meant_by_number_or_link(pasted: str, meant: Reference) -> None:
    assert parse_reference(SubjectKind.FENCER, pasted) == meant


def test_a_clubs_link_needs_its_slug_and_leads_to_its_registrations() -> None:
    club = parse_reference(SubjectKind.CLUB, "fencingtracker.com/club/100000900/ExampleFC/ratings")
    assert (club.key, club.address) == ("club:100000900", "/club/100000900/ExampleFC/registrations")
    with pytest.raises(BadReference):
        parse_reference(SubjectKind.CLUB, "https://fencingtracker.com/club/100000900")
    assert parse_reference(SubjectKind.CLUB, "100000900").address == "/club/100000900/x/registrations"


@given(st.text(max_size=80))
def test_whatever_is_typed_is_a_reference_or_refused(text: str) -> None:
    for kind in SubjectKind:
        try:
            made = parse_reference(kind, text)
        except BadReference:
            continue
        else:
            assert made.upstream_id > 0
            assert read_key(made.key).upstream_id == made.upstream_id
            assert made.address.isascii()


@pytest.mark.parametrize("text", ["٣٤٥", "1/../2", "//evil.example/p/1/x", "p/1/x", "1\n2"])
def test_what_only_looks_like_one_is_refused(text: str) -> None:
    with pytest.raises(BadReference):
        parse_reference(SubjectKind.FENCER, text)


def test_last_first_and_first_last_are_one_person() -> None:
    assert fold_person("D\u2019Álvarez, José María") == fold_person("jose maria d'alvarez")
    assert shown_person("Dvořák,  Jan ") == "Jan Dvořák"
    assert shown_person("Cher") == "Cher"
    assert fold("Łukasz  Ørsted-Straße") == "lukasz orsted strasse"


@given(st.text(max_size=300))
def test_folding_is_stable_and_bounded(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert len(words(text)) <= MAX_NAME_LENGTH
    assert "\x00" not in words(text)
    words(text).encode()


@pytest.mark.parametrize(
    ("event", "weapon"),
    [
        ("Youth 10 Women\u2019s Epee (Y10WE)", Weapon.EPEE),
        ("Junior Men\u2019s Saber (JNRMS)", Weapon.SABER),
        ("Mixed Foil (DV1XF)", Weapon.FOIL),
        ("Epee of the Foil Club (DV2MS)", Weapon.SABER),
        ("Women\u2019s Foil Team", Weapon.FOIL),
        ("Senior Women\u2019s Épée", Weapon.EPEE),
        ("Vet Sabre (mixed) (Cap 60)", Weapon.SABER),
        ("Foil and Epee Camp", None),
        ("Foilsworth Memorial", None),
        ("", None),
    ],
)
def test_the_weapon_is_in_the_code_else_a_word(event: str, weapon: Weapon | None) -> None:
    assert weapon_of(event) is weapon


def test_the_last_code_counts() -> None:
    assert code_of("Junior Epee (JNRWE) (Cap 60) (CDTWE)") == "CDTWE"


@pytest.mark.parametrize("entered", ["", " , ,", "epee,foil,saber", "SABRE, Épée, Foil", ["épée", "foil, sabre"]])
def test_nothing_and_all_three_are_no_filter(entered: str | list[str]) -> None:
    assert weapon_filter(entered) == []


@given(st.lists(st.sampled_from(["epee", "épée", "FOIL", " saber", "Sabre "]), min_size=1))
def test_a_filter_is_sorted_each_once_however_it_is_typed(entered: list[str]) -> None:
    stored = weapon_filter(",".join(entered))
    assert stored == sorted(set(stored))
    assert stored == weapon_filter(entered) == weapon_filter(",".join(reversed(entered)))
    assert weapon_filter(",".join(stored)) == stored


def test_an_unknown_word_is_named() -> None:
    with pytest.raises(UnknownWeapon, match="'lance'"):
        weapon_filter("epee, lance")
    with pytest.raises(UnknownWeapon):
        weapon_filter("!")


def test_a_filter_lets_through_what_it_names_and_what_nobody_could_tell() -> None:
    assert lets_through([], "foil")
    assert lets_through(["foil"], "foil")
    assert not lets_through(["foil"], "epee")
    assert lets_through(["foil"], None)


@pytest.mark.parametrize(
    ("shown", "packed", "day", "told"),
    [
        ("Jul 5", "20260705", date(2026, 7, 5), True),
        ("Sat, Oct 4", None, date(2026, 10, 4), False),
        ("Sun, Sep 20", None, date(2026, 9, 20), False),
        ("Sep 19", None, date(2026, 9, 19), False),
        ("Aug 20", None, date(2027, 8, 20), False),
        ("Saturday, January 9th", None, date(2027, 1, 9), False),
        ("Oct. 4, 2027 at 2:00 PM", None, date(2027, 10, 4), True),
        ("2026-10-04", None, date(2026, 10, 4), True),
        ("Feb 29", None, None, False),
        ("TBD", None, None, False),
        (" ", "", None, False),
        ("", "00000000", None, False),
    ],
)
def test_days_are_read_as_pages_write_them(shown: str, packed: str | None, day: date | None, told: bool) -> None:
    read = read_day(shown, packed=packed, today=TODAY)
    assert (read.on, read.year_told) == (day, told)


@pytest.mark.parametrize(
    ("shown", "packed"),
    [
        ("October NAC", None),
        ("Oct 32", None),
        ("Foo 4", None),
        ("Jul 5", "20261399"),
        ("Jul 5", "x"),
        ("Oct 4, 9999", None),
    ],
)
def test_what_is_no_day_is_loud(shown: str, packed: str | None) -> None:
    with pytest.raises(DateUnreadableError):
        read_day(shown, packed=packed, today=TODAY)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(-30, 334))
def test_a_year_left_out_is_found_again(today: date, days: int) -> None:
    meant = today + timedelta(days=days)
    assert -BACK <= meant - today <= AHEAD
    assert read_day(f"{meant:%a, %b} {meant.day}", packed=None, today=today).on == meant


def test_a_season_begins_in_august() -> None:
    assert [season_of(date(2026, month, 1)) for month in (1, 7, 8, 12)] == [2026, 2026, 2027, 2027]


def test_settings_keep_the_names_that_were_asked_for() -> None:
    given_ = {
        "FENCER_SCRAPE_ENABLED": "true",
        "FENCER_SCRAPE_DELAY_SEC": "7",
        "FENCER_SCRAPE_JITTER_SEC": "1",
        "FENCER_MAX_FAILURES": "4",
        "FENCER_FAILURE_COOLDOWN_MIN": "30",
        "CLUB_SCRAPE_INTERVAL_MIN": "90",
    }
    settings = load([FencersSettings], given_)[FencersSettings]
    assert (settings.scrape_delay, settings.max_failures, settings.club_interval) == (7, 4, 90)
    assert settings.asks_for_fencers
    assert not load([FencersSettings], {"FENCER_SCRAPE_DELAY_SEC": "0"})[FencersSettings].asks_for_fencers
    assert not load([FencersSettings], {"FENCER_SCRAPE_ENABLED": "false"})[FencersSettings].asks_for_fencers
    with pytest.raises(SettingsError, match="FENCER_SCRAPE_DELAY_SEC"):
        load([FencersSettings], {"FENCER_SCRAPE_DELAY_SEC": "-1"})


def test_every_order_of_columns_is_the_same_names() -> None:
    assert {fold_person(" ".join(order)) for order in permutations(["Ada", "Byron", "King"])} == {"ada byron king"}
