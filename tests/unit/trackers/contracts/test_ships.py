"""Which ship a contract sells, if any."""

import random

import pytest

from trackers.contracts.parser import Item
from trackers.contracts.ships import ship_offered

SHIPS = frozenset({61_000, 61_001})
MODULE = 62_000


def item(record_id: int, type_id: int, *, quantity: int = 1, included: bool = True, **more: int | bool) -> Item:
    return Item(record_id=record_id, type_id=type_id, quantity=quantity, is_included=included, **more)  # type: ignore[arg-type]  # ints and flags as named


def test_one_ship_alone() -> None:
    offer = ship_offered("item_exchange", [item(1, 61_000)], SHIPS)
    assert offer is not None
    assert (offer.type_id, offer.quantity, offer.contains_additional_items) == (61_000, 1, False)


def test_an_auction_sells_a_ship_and_a_courier_carries_one() -> None:
    assert ship_offered("auction", [item(1, 61_000)], SHIPS)
    for kind in ("courier", "loan", "unknown"):
        assert ship_offered(kind, [item(1, 61_000)], SHIPS) is None


def test_what_is_asked_for_in_exchange_is_not_for_sale() -> None:
    assert ship_offered("item_exchange", [item(1, 61_000, included=False)], SHIPS) is None
    offer = ship_offered("item_exchange", [item(1, 61_000), item(2, 61_001, included=False)], SHIPS)
    assert offer is not None
    assert not offer.contains_additional_items


def test_the_main_ship_is_the_most_numerous_then_the_first() -> None:
    rows = [item(3, 61_000), item(2, 61_001), item(4, 61_000, quantity=5), item(1, MODULE, quantity=900)]
    offer = ship_offered("item_exchange", rows, SHIPS)
    assert offer is not None
    assert (offer.type_id, offer.quantity, offer.contains_additional_items) == (61_000, 5, True)
    again = ship_offered("item_exchange", [item(3, 61_000), item(2, 61_001)], SHIPS)
    assert again is not None
    assert again.type_id == 61_001


def test_the_order_of_the_rows_does_not_matter() -> None:
    chance = random.Random(3)  # noqa: S311 -- repeatable
    for _ in range(200):
        rows = [
            item(number, chance.choice([61_000, 61_001, MODULE]), quantity=chance.randrange(1, 4))
            for number in range(chance.randrange(1, 8))
        ]
        expected = ship_offered("item_exchange", rows, SHIPS)
        chance.shuffle(rows)
        assert ship_offered("item_exchange", rows, SHIPS) == expected
        assert (expected is None) == all(row.type_id == MODULE for row in rows)


def test_what_a_ship_is_like_is_copied() -> None:
    row = item(1, 61_000, is_blueprint_copy=True, runs=3, material_efficiency=8, time_efficiency=14)
    offer = ship_offered("item_exchange", [row], SHIPS)
    assert offer is not None
    assert offer.is_blueprint_copy
    assert (offer.runs, offer.material_efficiency, offer.time_efficiency) == (3, 8, 14)


@pytest.mark.parametrize("rows", [[], [item(1, MODULE)]])
def test_nothing_is_no_ship(rows: list[Item]) -> None:
    assert ship_offered("item_exchange", rows, SHIPS) is None
