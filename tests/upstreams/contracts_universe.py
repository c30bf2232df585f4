"""What there is in the simulated game: types, groups, categories, and contracts made up from a seed."""

import random
from datetime import datetime, timedelta
from typing import Any, Final

SHIPS, MODULES, BLUEPRINTS = 6, 7, 9
SHIP_GROUPS: Final = {9025: "Skiff", 9026: "Cutter", 9027: "Galleon", 9028: "Lugger", 9031: "Tender"}
MODULE_GROUPS: Final = {9101 + number: f"Module group {number}" for number in range(12)}
BLUEPRINT_GROUPS: Final = {9301 + number: f"Blueprint group {number}" for number in range(6)}
FIRST_SHIP, FIRST_MODULE, FIRST_BLUEPRINT = 61_000, 62_000, 63_000
SHIP_TYPES: Final = range(FIRST_SHIP, FIRST_SHIP + 40)
MODULE_TYPES: Final = range(FIRST_MODULE, FIRST_MODULE + 300)
BLUEPRINT_TYPES: Final = range(FIRST_BLUEPRINT, FIRST_BLUEPRINT + 200)
GROUPS: Final[dict[int, dict[str, Any]]] = {
    group_id: {"group_id": group_id, "name": name, "category_id": category, "published": True, "types": []}
    for category, groups in ((SHIPS, SHIP_GROUPS), (MODULES, MODULE_GROUPS), (BLUEPRINTS, BLUEPRINT_GROUPS))
    for group_id, name in groups.items()
}
CATEGORIES: Final[dict[int, dict[str, Any]]] = {
    category: {"category_id": category, "name": name, "published": True, "groups": sorted(groups)}
    for category, name, groups in (
        (SHIPS, "Ship", SHIP_GROUPS),
        (MODULES, "Module", MODULE_GROUPS),
        (BLUEPRINTS, "Blueprint", BLUEPRINT_GROUPS),
    )
}
STATIONS: Final = (60_990_001, 60_990_002, 60_990_003)


def type_of(type_id: int) -> dict[str, Any] | None:
    """What `/universe/types/{id}` says; None where there is no such type."""
    for types, groups, word in (
        (SHIP_TYPES, SHIP_GROUPS, "Ship"),
        (MODULE_TYPES, MODULE_GROUPS, "Module"),
        (BLUEPRINT_TYPES, BLUEPRINT_GROUPS, "Blueprint"),
    ):
        if type_id in types:
            group_id = sorted(groups)[(type_id - types.start) % len(groups)]
            return {
                "type_id": type_id,
                "name": f"{word} {type_id - types.start:03}",
                "description": "Made up.",
                "group_id": group_id,
                "published": True,
                "volume": 10.0,
                "packaged_volume": 5.0,
            }
    return None


def made_contract(contract_id: int, *, seed: int, now: datetime, kind: str | None = None) -> dict[str, Any]:
    """A contract as a page lists it: mostly blueprint copies, some couriers, few auctions, fewer ships."""
    chance = random.Random(f"{seed}:{contract_id}")  # noqa: S311 -- made up, repeatable
    kind = kind or _kind(contract_id)
    issued = (now - timedelta(minutes=chance.randrange(1, 20_000))).replace(microsecond=0)
    contract: dict[str, Any] = {
        "contract_id": contract_id,
        "type": kind,
        "date_issued": _iso(issued),
        "date_expired": _iso(now + timedelta(days=chance.randrange(2, 20))),
        "issuer_id": 90_000_000 + chance.randrange(2_000),
        "issuer_corporation_id": 98_000_000 + chance.randrange(300),
        "start_location_id": chance.choice(STATIONS),
        "end_location_id": chance.choice(STATIONS),
        "title": chance.choice(["", "", "", "cheap!", "bulk lot", "100% off"]),
        "days_to_complete": 0,
        "volume": round(chance.uniform(0.01, 5_000), 2),
        "price": float(chance.randrange(1, 900_000) * 1_000),
    }
    if kind == "courier":
        contract |= {"price": 0, "days_to_complete": 3, "reward": float(chance.randrange(1, 900) * 100_000)}
        contract["collateral"] = float(chance.randrange(0, 900) * 1_000_000)
    if kind == "auction":
        contract["buyout"] = contract["price"] * 2
    return contract


def _kind(contract_id: int) -> str:
    part = contract_id * 2_654_435_761 % 100
    return "courier" if part < 18 else "auction" if part < 21 else "item_exchange"


def made_items(contract_id: int, *, seed: int) -> list[dict[str, Any]]:
    """What a made contract holds: one in eighty a ship, half of them a blueprint copy, a few much more."""
    chance = random.Random(f"{seed}:items:{contract_id}")  # noqa: S311 -- made up, repeatable
    first = contract_id * 100
    if contract_id % 80 == 0:
        rows: list[dict[str, Any]] = [{"type_id": chance.choice(SHIP_TYPES)}]
    elif contract_id % 2:
        rows = [
            {
                "type_id": chance.choice(BLUEPRINT_TYPES),
                "is_blueprint_copy": True,
                "material_efficiency": chance.randrange(0, 11),
                "time_efficiency": chance.randrange(0, 11) * 2,
                "runs": chance.randrange(1, 100),
            }
        ]
    else:
        rows = [
            {"type_id": chance.choice(MODULE_TYPES), "quantity": chance.randrange(1, 500)}
            for _ in range(chance.choice((1, 1, 2, 3, 8)))
        ]
    return [
        {"record_id": first + number, "quantity": 1, "is_included": True, "item_id": first * 7 + number, **row}
        for number, row in enumerate(rows)
    ]


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
