"""Whether a contract sells a ship, and which. Pure: a step of its own after the items are known."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from msgspec import Struct

from trackers.contracts.parser import Item

SELLING: Final = frozenset({"item_exchange", "auction"})
"""Types of contracts that can sell something."""
SHIPS: Final = 6
"""The game's category of ships."""


class ShipOffer(Struct, frozen=True, kw_only=True):
    """The ship that a contract sells: its main one, where there are several."""

    type_id: int
    quantity: int
    is_blueprint_copy: bool
    runs: int | None
    material_efficiency: int | None
    time_efficiency: int | None
    contains_additional_items: bool


def ship_offered(contract_type: str, items: Sequence[Item], ship_types: AbstractSet[int]) -> ShipOffer | None:
    """The ship of a contract; None where it sells none. `ship_types`: those of the items' types that are ships.

    Only what is included counts: what the issuer asks for in exchange is not for sale. The main ship is the most
    numerous, of equal ones that with the lowest record.
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
