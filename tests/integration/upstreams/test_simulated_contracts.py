"""The simulated API of contracts: in the format that the parser reads, with the limits that the real one has."""

from collections.abc import Iterator

import httpx
import pytest
from tests.upstreams.client import SimulatedContracts, SimulatedSites

from trackers.contracts.parser import parse_bids, parse_category, parse_group, parse_items, parse_listings, parse_type

FORGE = "/contracts/public/10000002"


@pytest.fixture
def esi(sites: SimulatedSites) -> SimulatedContracts:
    return sites.contracts


@pytest.fixture
def http(esi: SimulatedContracts) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=esi.url, timeout=5, trust_env=False) as client:
        yield client


def test_pages_hold_every_contract_once_and_say_how_many_there_are(esi: SimulatedContracts, http: httpx.Client) -> None:
    first = http.get(FORGE)
    assert first.headers["x-pages"] == "3"
    ids = [row.contract_id for n in (1, 2, 3) for row in parse_listings(http.get(f"{FORGE}?page={n}").content).rows]
    assert ids == esi.contract_ids()
    assert (http.get(f"{FORGE}?page=4").status_code, http.get("/contracts/public/1").status_code) == (404, 404)


def test_a_page_that_did_not_change_answers_304_in_every_generation(
    esi: SimulatedContracts, http: httpx.Client
) -> None:
    first = http.get(f"{FORGE}?page=3")
    again = http.get(f"{FORGE}?page=3", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    esi.turn()
    later = http.get(f"{FORGE}?page=3", headers={"If-None-Match": first.headers["etag"]})
    assert later.status_code == 304
    assert later.headers["last-modified"] != first.headers["last-modified"]
    esi.add_contract()
    moved = http.get(f"{FORGE}?page=3", headers={"If-None-Match": first.headers["etag"]})
    assert moved.status_code == 200, "what comes in on page 1 moves the others on"


def test_a_generation_turns_over_in_the_middle(esi: SimulatedContracts, http: httpx.Client) -> None:
    esi.configure(turn_after=1)
    first, second = http.get(f"{FORGE}?page=1"), http.get(f"{FORGE}?page=2")
    assert first.headers["last-modified"] != second.headers["last-modified"]


def test_errors_are_counted_until_everything_is_refused(esi: SimulatedContracts, http: httpx.Client) -> None:
    esi.configure(error_limit=3)
    left = [http.get(f"/contracts/public/items/{n}?page=9").headers["x-esi-error-limit-remain"] for n in range(3)]
    assert left == ["2", "1", "0"]
    refused = http.get(FORGE)
    assert refused.status_code == 420
    assert 0 < int(refused.headers["x-esi-error-limit-reset"]) <= 60
    assert "retry-after" not in refused.headers


def test_tokens_run_out(esi: SimulatedContracts, http: httpx.Client) -> None:
    esi.configure(tokens=2)
    assert [http.get(FORGE).status_code for _ in range(3)] == [200, 200, 429]
    refused = http.get(FORGE)
    assert refused.headers["retry-after"] == "2"
    assert "x-esi-error-limit-remain" not in refused.headers


def test_in_the_daily_restart_nothing_answers(esi: SimulatedContracts, http: httpx.Client) -> None:
    esi.configure(downtime=True)
    assert http.get(FORGE).status_code == 503


def test_items_bids_and_types_are_what_the_parser_reads(esi: SimulatedContracts, http: httpx.Client) -> None:
    esi.configure(items_page_size=2, duplicates=True)
    contract = esi.add_contract(type="auction", items=[{"type_id": 61_000}, {"type_id": 62_000}, {"type_id": 63_000}])
    page = http.get(f"/contracts/public/items/{contract}?page=1")
    assert (len(parse_items(page.content)), page.headers["x-pages"]) == (2, "2")
    assert len(parse_items(http.get(f"/contracts/public/items/{contract}?page=2").content)) == 1
    esi.add_bid(contract, 5e6)
    assert [bid.amount for bid in parse_bids(http.get(f"/contracts/public/bids/{contract}").content)] == [5e6]
    ship = parse_type(http.get("/universe/types/61000").content)
    group = parse_group(http.get(f"/universe/groups/{ship.group_id}").content)
    assert group.group_id in parse_category(http.get(f"/universe/categories/{group.category_id}").content).groups
    assert http.get("/universe/types/1").status_code == 404


@pytest.mark.slow
def test_a_hundred_thousand_contracts_are_a_hundred_pages(esi: SimulatedContracts, http: httpx.Client) -> None:
    esi.configure(sizes={"10000002": 100_000}, page_size=1000)
    last = http.get(f"{FORGE}?page=100")
    assert last.headers["x-pages"] == "100"
    assert len(parse_listings(last.content).rows) == 1000
