"""Identifiers are in the order in which they are made, and carry the time that they are given."""

from datetime import timedelta

from tests.clock import START

from shared.ids import first_id_of, new_id


def test_identifiers_of_one_moment_are_in_the_order_in_which_they_are_made() -> None:
    made = [new_id(at=START) for _ in range(2_000)]
    assert made == sorted(set(made))
    assert {one.version for one in made} == {7}


def test_an_identifier_lies_in_its_millisecond() -> None:
    millisecond = timedelta(milliseconds=1)
    for at in (START, START + timedelta(days=400), START - timedelta(days=400), START):
        made = new_id(at=at)
        assert first_id_of(at) <= made < first_id_of(at + millisecond)


def test_without_a_moment_they_are_in_order_too() -> None:
    made = [new_id() for _ in range(2_000)]
    assert made == sorted(set(made))
