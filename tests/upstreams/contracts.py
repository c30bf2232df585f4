"""The simulated ESI: public contracts of regions in pages and generations, items, bids, types, and its limits.

Options (`configure`): `sizes` (region -> contracts made up from the seed), `page_size`, `items_page_size` (of bids,
too), `cache_seconds` (until Expires; null: that is not sent), `error_limit` (errors a window, 0: any number) and
`error_window`, `tokens` (requests until 429, null: any number), `downtime`, `turn_after` (after so many pages a new
generation appears, once; with `turning` after every so many), `duplicates` (rows sent twice, in a page and across
pages), `last_modified`, `x_pages_on_304` (whether these are sent), `emptied` (one page that lists
nothing, whatever there is).
"""

import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
from tests.upstreams.contracts_universe import CATEGORIES, GROUPS, made_contract, made_items, type_of
from tests.upstreams.site import Answer, Refused, Request, Site

_PAGE: Final = re.compile(r"/contracts/public/(\d+)/?")
_ITEMS: Final = re.compile(r"/contracts/public/items/(\d+)/?")
_BIDS: Final = re.compile(r"/contracts/public/bids/(\d+)/?")
_UNIVERSE: Final = re.compile(r"/universe/(types|groups|categories)/(\d+)/?")
_ENCODE: Final = msgspec.json.encode
FORGE: Final = "10000002"


class Region:
    """A region: its contracts in the order in which they are sent, and when that became so."""

    def __init__(self, at: datetime) -> None:
        self.contracts: dict[int, bytes] = {}
        self.generation = at
        self.pages: list[bytes] | None = None


class ContractsSite(Site):
    name = "contracts"

    def forget(self) -> None:
        self._regions: dict[str, Region] = {}
        self._made: dict[int, dict[str, Any]] = {}
        self._items: dict[int, list[dict[str, Any]]] = {}
        self._bids: dict[int, list[dict[str, Any]]] = {}
        self._answers: dict[str, int] = {}
        self._next_id = 300_000_000
        self._errors = 0
        self._window_ends = self.clock()
        self._tokens_used = 0
        self._pages_asked = 0
        self._options: dict[str, Any] = {
            "sizes": {FORGE: 120},
            "page_size": 50,
            "items_page_size": 1000,
            "cache_seconds": 1800,
            "error_limit": 100,
            "error_window": 60,
            "tokens": None,
            "downtime": False,
            "turn_after": None,
            "turning": False,
            "duplicates": False,
            "last_modified": True,
            "x_pages_on_304": True,
            "emptied": False,
        }

    def configure(self, **options: Any) -> None:
        if unknown := set(options) - set(self._options):
            raise Refused(f"no such option: {', '.join(sorted(unknown))}; there are {', '.join(self._options)}")
        self._options |= options
        for region, size in self._options["sizes"].items():
            if region not in self._regions or "sizes" in options:
                self._make(region, size)
        for one in self._regions.values():
            one.pages = None
        if "turn_after" in options:
            self._pages_asked = 0
        if "tokens" in options:
            self._tokens_used = 0

    def _make(self, region: str, size: int) -> None:
        made = self._regions[region] = Region(self.clock().replace(microsecond=0))
        first = 200_000_000 + int(region) % 1000 * 1_000_000
        for number in range(size):
            contract = made_contract(first + number, seed=self.seed, now=self.clock())
            made.contracts[contract["contract_id"]] = _ENCODE(contract)

    def actions(self) -> dict[str, Callable[..., Any]]:
        return {
            **super().actions(),
            "add_contract": self.add_contract,
            "change_contract": self.change_contract,
            "remove_contract": self.remove_contract,
            "contract_ids": self.contract_ids,
            "turn": self.turn,
            "churn": self.churn,
            "answer_with": self.answer_with,
            "add_bid": self.add_bid,
            "items": self.items,
            "spoil": self.spoil,
        }

    # ---- what a test can do ----

    def add_contract(
        self, region: str = FORGE, *, items: list[dict[str, Any]] | None = None, turn: bool = True, **fields: Any
    ) -> int:
        """A contract that exists from now on (its generation, with `turn`); fields as the API names them."""
        self._next_id += 1
        contract_id: int = self._next_id
        made = made_contract(contract_id, seed=self.seed, now=self.clock(), kind=fields.get("type", "item_exchange"))
        contract = {name: value for name, value in (made | fields).items() if value is not None}
        self._region(region).contracts = {contract_id: _ENCODE(contract), **self._region(region).contracts}
        self._made[contract_id] = contract
        if items is not None:
            self._items[contract_id] = [
                {"record_id": contract_id * 10 + number, "quantity": 1, "is_included": True, **item}
                for number, item in enumerate(items)
            ]
        if turn:
            self.turn(region)
        return contract_id

    def change_contract(self, contract_id: int, region: str = FORGE, **fields: Any) -> None:
        """Other values from the next generation on; null leaves a field out."""
        contracts = self._region(region).contracts
        changed = msgspec.json.decode(contracts[contract_id]) | fields
        contracts[contract_id] = _ENCODE({name: value for name, value in changed.items() if value is not None})
        self.turn(region)

    def spoil(self, contract_id: int, raw: str, region: str = FORGE) -> None:
        """Send this in place of a contract's row."""
        self._region(region).contracts[contract_id] = raw.encode()
        self.turn(region)

    def remove_contract(self, contract_id: int, region: str = FORGE) -> None:
        """Accepted, withdrawn or expired: gone from the next generation."""
        del self._region(region).contracts[contract_id]
        self._answers.setdefault(f"items:{contract_id}", 404)
        self.turn(region)

    def contract_ids(self, region: str = FORGE) -> list[int]:
        return list(self._region(region).contracts)

    def turn(self, region: str = FORGE) -> None:
        """A new generation: pages say when they became so, however little of them did."""
        found = self._region(region)
        found.generation = max(self.clock().replace(microsecond=0), found.generation + timedelta(seconds=1))
        found.pages = None

    def churn(self, region: str = FORGE, *, share: float = 0.01) -> dict[str, list[int]]:
        """A share of the contracts goes, as many come, on pages spread over the region."""
        contracts = self._region(region).contracts
        chance = random.Random(f"{self.seed}:{len(contracts)}:{self._next_id}")  # noqa: S311 -- made up, repeatable
        gone = chance.sample(list(contracts), max(1, int(len(contracts) * share)))
        for contract_id in gone:
            del contracts[contract_id]
        come = [self.add_contract(region, turn=False) for _ in gone]
        self.turn(region)
        return {"gone": gone, "new": come}

    def answer_with(self, what: str, status: int | None = None) -> None:
        """`items:<id>`, `bids:<id>`, `types:<id>`: answer with this status from now on; null: as usual."""
        if status is None:
            self._answers.pop(what, None)
        else:
            self._answers[what] = status

    def add_bid(self, contract_id: int, amount: float) -> None:
        bids = self._bids.setdefault(contract_id, [])
        at = self.clock().replace(microsecond=0)
        bids.append({"bid_id": contract_id * 10 + len(bids), "amount": amount, "date_bid": _iso(at)})

    def items(self, contract_id: int) -> list[dict[str, Any]]:
        """What a contract holds."""
        if contract_id not in self._items:
            self._items[contract_id] = made_items(contract_id, seed=self.seed)
        return self._items[contract_id]

    def _region(self, region: str) -> Region:
        if region not in self._regions:
            raise Refused(f"no such region: {region}; there are {', '.join(self._regions)}")
        return self._regions[region]

    # ---- what the API answers ----

    def answer(self, request: Request) -> Answer:
        limited = self._limited()
        if limited is not None:
            return limited
        answer = self._routed(request)
        if answer.status >= 400:
            self._errors += 1
        return self._with_budget(answer)

    def _limited(self) -> Answer | None:
        now = self.clock()
        if now >= self._window_ends:
            self._errors, self._window_ends = 0, now + timedelta(seconds=self._options["error_window"])
        if self._options["downtime"]:
            self._errors += 1
            return self._with_budget(_error(503, "The service is down for its daily restart"))
        limit, tokens = self._options["error_limit"], self._options["tokens"]
        if limit and self._errors >= limit:
            return self._with_budget(_error(420, "This software has exceeded the error limit for ESI."))
        if tokens is not None:
            self._tokens_used += 1
            if self._tokens_used > tokens:
                answer = _error(429, "Too many requests")
                answer.headers |= {"Retry-After": "2", "X-Ratelimit-Group": "contracts", "X-Ratelimit-Remaining": "0"}
                return answer
        return None

    def _with_budget(self, answer: Answer) -> Answer:
        if self._options["error_limit"] and self._options["tokens"] is None:
            left = max(0, self._options["error_limit"] - self._errors)
            reset = max(1, round((self._window_ends - self.clock()).total_seconds()))
            answer.headers = {
                **answer.headers,
                "X-ESI-Error-Limit-Remain": str(left),
                "X-ESI-Error-Limit-Reset": str(reset),
            }
        return answer

    def _routed(self, request: Request) -> Answer:
        query = parse_qs(request.query)
        try:
            page = int(query.get("page", ["1"])[-1])
        except ValueError:
            return _error(400, "page is no number")
        if found := _PAGE.fullmatch(request.path):
            return self._page(found[1], page, request)
        if found := _ITEMS.fullmatch(request.path):
            return self._items_page(int(found[1]), page)
        if found := _BIDS.fullmatch(request.path):
            return self._bids_page(int(found[1]), page)
        if found := _UNIVERSE.fullmatch(request.path):
            return self._universe(found[1], int(found[2]))
        return _error(404, "No such route")

    def _page(self, region_id: str, number: int, request: Request) -> Answer:
        region = self._regions.get(region_id)
        if region is None:
            return _error(404, "Region not found!")
        self._pages_asked += 1
        if self._options["turn_after"] is not None and self._pages_asked > self._options["turn_after"]:
            self._pages_asked = 1
            if not self._options["turning"]:
                self._options["turn_after"] = None
            self.churn(region_id)
        pages = self._pages(region)
        if not 1 <= number <= len(pages):
            return _error(404, "Requested page does not exist!")
        body = pages[number - 1]
        etag = f'"{blake2b(body, digest_size=28).hexdigest()}"'
        now = self.clock()
        headers = {"ETag": etag, "X-Pages": str(len(pages))}
        if (cached := self._options["cache_seconds"]) is not None:
            headers["Expires"] = format_datetime(now + timedelta(seconds=cached), usegmt=True)
        if self._options["last_modified"]:
            headers["Last-Modified"] = format_datetime(region.generation, usegmt=True)
        if request.headers.get("If-None-Match") == etag:
            if not self._options["x_pages_on_304"]:
                del headers["X-Pages"]
            return Answer(status=304, headers=headers)
        return Answer(body=body, headers=headers)

    def _pages(self, region: Region) -> list[bytes]:
        if region.pages is None:
            rows, size = list(region.contracts.values()), self._options["page_size"]
            if self._options["emptied"]:
                rows = []
            cut = [rows[start : start + size] for start in range(0, len(rows), size)] or [[]]
            if self._options["duplicates"]:
                cut = [page + page[:1] + cut[(at + 1) % len(cut)][:1] for at, page in enumerate(cut)]
            region.pages = [b"[" + b",".join(page) + b"]" for page in cut]
        return region.pages

    def _items_page(self, contract_id: int, number: int) -> Answer:
        status = self._answers.get(f"items:{contract_id}")
        if status == 204:
            return Answer(status=204)
        if status is not None:
            return _error(status, "Contract not public" if status == 403 else "Contract not found!")
        items, size = self.items(contract_id), self._options["items_page_size"]
        pages = max(1, -(-len(items) // size))
        if not 1 <= number <= pages:
            return _error(404, "Requested page does not exist!")
        sent = items[(number - 1) * size : number * size]
        if self._options["duplicates"]:
            sent = sent + sent[:1]
        return Answer(body=_ENCODE(sent), headers={"X-Pages": str(pages), "ETag": f'"{contract_id}-{number}"'})

    def _bids_page(self, contract_id: int, number: int) -> Answer:
        status = self._answers.get(f"bids:{contract_id}")
        if status is not None:
            return Answer(status=204) if status == 204 else _error(status, "Contract not found!")
        bids, size = self._bids.get(contract_id, []), self._options["items_page_size"]
        pages = max(1, -(-len(bids) // size))
        return Answer(body=_ENCODE(bids[(number - 1) * size : number * size]), headers={"X-Pages": str(pages)})

    def _universe(self, what: str, number: int) -> Answer:
        status = self._answers.get(f"{what}:{number}")
        if status is not None:
            return _error(status, "Not now")
        known = {"types": type_of, "groups": GROUPS.get, "categories": CATEGORIES.get}[what](number)  # type: ignore[operator]  # three questions of one shape
        return _error(404, f"{what.title()} not found!") if known is None else Answer(body=_ENCODE(known))

    def changed(self, request: Request) -> Answer:
        return Answer(body=b'{"contracts": [], "cursor": null}')

    def missing(self, request: Request) -> Answer:
        return _error(404, "Not found")


def _error(status: int, message: str) -> Answer:
    return Answer(status=status, body=_ENCODE({"error": message}))


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
