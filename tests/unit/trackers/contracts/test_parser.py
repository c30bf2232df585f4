"""What the API sends, read: bodies as they come, bodies with one bad row, and bodies that are none."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.scraping.failures import PageChanged
from trackers.contracts.parser import (
    Listing,
    parse_bids,
    parse_category,
    parse_group,
    parse_items,
    parse_listings,
    parse_type,
)

DATA = Path(__file__).parents[3] / "data" / "contracts"
ROW: dict[str, Any] = {
    "contract_id": 300_000_001,
    "date_expired": "2026-12-01T10:00:00Z",
    "date_issued": "2026-11-20T10:00:00Z",
    "issuer_corporation_id": 98_000_001,
    "issuer_id": 90_000_001,
    "type": "item_exchange",
}


def page(*rows: Any) -> bytes:
    return json.dumps(list(rows)).encode()


def test_a_page_is_read_with_what_the_api_leaves_out() -> None:
    found = parse_listings((DATA / "contracts-page.json").read_bytes())
    assert not found.rejected
    kinds = {listing.type for listing in found.rows}
    assert kinds == {"item_exchange", "auction", "courier"}
    plain = next(listing for listing in found.rows if listing.contract_id == 310_400_103)
    assert (plain.title, plain.price, plain.buyout, plain.reward, plain.for_corporation) == (
        "",
        0.0,
        None,
        4.5e6,
        False,
    )


def body_of(name: str) -> bytes:
    return (DATA / name).read_bytes()


def test_the_pages_of_a_region_are_read_whole() -> None:
    first, second = (parse_listings(body_of(f"region-page-{number}.json")) for number in (1, 2))
    assert [(row.contract_id, row.type, row.price, row.volume) for row in first.rows] == [
        (310_500_011, "item_exchange", 21_429_571.0, 2_500.0),
        (310_500_048, "item_exchange", 5_486_713.0, 0.01),
        (310_500_085, "item_exchange", 5_486_713.0, 0.01),
        (310_500_122, "item_exchange", 5_486_713.0, 0.01),
        (310_500_159, "auction", 5_486_713.0, 0.01),
        (310_500_196, "item_exchange", 5_486_713.0, 0.01),
    ]
    assert [(row.contract_id, row.title, row.price) for row in second.rows] == [
        (310_500_233, "", 90_001_000.0),
        (310_500_270, "slow but tidy! 12.5 m3", 2_785_715_285.0),
    ]
    for found in (first, second):
        assert not found.rejected
        for row in found.rows:  # what is sent as 0 is 0, what is left out is unknown
            assert (row.collateral, row.reward, row.days_to_complete, row.buyout) == (0.0, 0.0, 0, None)
            assert row.start_location_id == row.end_location_id == 60_099_011
            assert row.date_expired - row.date_issued == timedelta(days=28)


def test_the_items_of_a_contract_are_read_whole() -> None:
    (copy,) = parse_items(body_of("items-blueprint-copy.json"))
    assert (copy.record_id, copy.type_id, copy.item_id) == (4_999_100_000, 990_011, 1_099_007_074_099)
    assert (copy.is_blueprint_copy, copy.runs, copy.material_efficiency, copy.time_efficiency) == (True, 10, 10, 20)
    copies = parse_items(body_of("items-blueprint-copies.json"))
    assert len(copies) == 22
    assert len({item.type_id for item in copies}) == 15  # the same blueprint comes several times, each a record
    assert {(item.is_blueprint_copy, item.runs) for item in copies} == {(True, 3)}
    modules = parse_items(body_of("items-modules.json"))
    assert [item.quantity for item in modules] == [1, 1, 12_440, 1, 1, 667]
    assert {(item.is_included, item.is_blueprint_copy, item.runs) for item in modules} == {(True, None, None)}


def test_the_bids_of_an_auction_are_read_whole() -> None:
    (bid,) = parse_bids(body_of("bids.json"))
    assert (bid.bid_id, bid.amount, bid.date_bid) == (9_900_017, 7.5e6, datetime(2026, 11, 24, 9, 41, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    ("name", "parse"),
    [
        ("region-page-1.json", parse_listings),
        ("items-modules.json", parse_items),
        ("items-blueprint-copies.json", parse_items),
        ("bids.json", parse_bids),
    ],
)
def test_a_body_that_is_cut_off_anywhere_is_a_changed_page(name: str, parse: Any) -> None:
    body = body_of(name).strip()
    for end in range(0, len(body), max(1, len(body) // 50)):
        with pytest.raises(PageChanged):
            parse(body[:end])


def test_fields_that_are_new_change_nothing() -> None:
    for name, parse in (("region-page-1.json", parse_listings), ("items-modules.json", parse_items)):
        rows = json.loads(body_of(name))
        wider = [{**row, "is_singleton": True, "wallet": {"division": 1}} for row in rows]
        assert parse(page(*wider)) == parse(body_of(name))


def test_a_row_that_is_sent_twice_is_one() -> None:
    assert len(parse_listings(page(ROW, ROW)).rows) == 1
    item = {"record_id": 1, "type_id": 2, "quantity": 3, "is_included": True}
    assert len(parse_items(page(item, item))) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": None},
        {"contract_id": 2**63},
        {"price": "free"},
        {"price": -1},
        {"price": 1e300},
        {"date_issued": "yesterday"},
        {"date_issued": "2026-11-20T10:00:00"},
        {"date_expired": "9999-12-31T23:59:59Z"},
        {"date_issued": "0001-01-01T00:00:00Z"},
        {"title": "x" * 5_000},
        {"type": "<script>"},
        {"days_to_complete": 2**40},
        {"start_location_id": 0},
    ],
)
def test_a_bad_row_is_named_and_the_others_are_kept(wrong: dict[str, Any]) -> None:
    good = {**ROW, "contract_id": 300_000_002}
    found = parse_listings(page({**ROW, **wrong}, good))
    assert [listing.contract_id for listing in found.rows] == [300_000_002]
    (rejected,) = found.rejected
    assert rejected.contract_id == (None if "contract_id" in wrong else ROW["contract_id"])
    assert rejected.reason
    assert "\x00" not in rejected.sent


def test_a_title_keeps_everything_but_what_the_database_cannot_hold() -> None:
    (listing,) = parse_listings(page({**ROW, "title": "100% \x00<b>'; DROP"})).rows
    assert listing.title == "100% <b>'; DROP"


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b'{"error": "x"}', b"[", b"\xff\xfe", b"<html>"])
def test_what_is_no_list_is_a_changed_page(body: bytes) -> None:
    for parse in (parse_listings, parse_items, parse_bids):
        with pytest.raises(PageChanged):
            parse(body)


@pytest.mark.parametrize("parse", [parse_type, parse_group, parse_category])
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type_id": "x"}'])
def test_what_is_no_type_is_a_changed_page(parse: Any, body: bytes) -> None:
    with pytest.raises(PageChanged):
        parse(body)


def test_a_hash_depends_on_every_field_and_on_no_order() -> None:
    (one,) = parse_listings(page(ROW)).rows
    (shuffled,) = parse_listings(page(dict(reversed(ROW.items())))).rows
    assert one.row_hash == shuffled.row_hash
    others = {
        "title": "other",
        "price": 1.0,
        "buyout": 1.0,
        "collateral": 1.0,
        "reward": 1.0,
        "volume": 1.0,
        "days_to_complete": 1,
        "issuer_id": 1,
        "issuer_corporation_id": 1,
        "for_corporation": True,
        "start_location_id": 1,
        "end_location_id": 1,
        "type": "loan",
        "contract_id": 1,
        "date_issued": one.date_expired,
        "date_expired": one.date_issued,
    }
    assert set(others) == set(Listing.__struct_fields__)
    hashes = {msgspec.structs.replace(one, **{name: value}).row_hash for name, value in others.items()}
    assert len(hashes) == len(others)
    assert one.row_hash not in hashes
    assert -(2**63) <= one.row_hash < 2**63


def test_no_body_whatever_makes_a_traceback_or_loses_a_good_row() -> None:
    """A thousand pages, each with one row broken at random, in a random place."""
    chance = random.Random(7)  # noqa: S311 -- repeatable
    junk: list[Any] = [None, [], {}, "", "\x00", -1, 2**70, 1e308, True, "2026", [[]], "x" * 2000]
    for _ in range(1_000):
        rows = [{**ROW, "contract_id": number} for number in range(1, 6)]
        spoilt = chance.choice(rows)
        spoilt[chance.choice([*ROW, "title", "price", "volume"])] = chance.choice(junk)
        found = parse_listings(page(*rows))
        kept = {listing.contract_id for listing in found.rows}
        assert {row["contract_id"] for row in rows if row is not spoilt} <= kept
        assert len(found.rows) + len(found.rejected) in {4, 5}
