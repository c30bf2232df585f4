"""Finds the ship that a contract sells, once its items are known. Pure."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from msgspec import Struct

from trackers.contracts.parser import Item

SELLING: Final = frozenset({"item_exchange", "auction"})
"""Types of contracts that can sell items."""
SHIPS: Final = 6
"""Id of the game's category of ships."""


class ShipOffer(Struct, frozen=True, kw_only=True):
    """The ship that a contract sells; the main one if there are several."""

    type_id: int
    quantity: int
    is_blueprint_copy: bool
    runs: int | None
    material_efficiency: int | None
    time_efficiency: int | None
    contains_additional_items: bool


def ship_offered(contract_type: str, items: Sequence[Item], ship_types: AbstractSet[int]) -> ShipOffer | None:
    """The ship that a contract sells, or None. `ship_types`: the types among the items that are ships.

    Only included items count: items that the issuer wants in exchange are not for sale. The main ship is the one with
    the highest quantity, and among equals the one with the lowest record id.
    """
    if contract_type not in SELLING:
        return None
    included = [item for item in items if item.is_included]
    ships = [item for item in included if item.type_id in ship_types]
    if not ships:
        return None
    main = min(ships, key=lambda item: (-item.quantity, item.record_id))
    return ShipOffer(
        type_id=main.type_id,
        quantity=main.quantity,
        is_blueprint_copy=bool(main.is_blueprint_copy),
        runs=main.runs,
        material_efficiency=main.material_efficiency,
        time_efficiency=main.time_efficiency,
        contains_additional_items=len(included) > 1,
    )
