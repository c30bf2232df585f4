"""What the API sends -> Structs. Pure; of a body with one bad row the others are kept, and the bad one is named.

Formats: https://developers.eveonline.com/api-explorer (contracts, universe). ESI leaves out what is false or nothing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from shared.scraping.failures import PageChanged

Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
TypeId = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Isk = Annotated[float, Meta(ge=0, le=1e18)]
Moment = Annotated[datetime, Meta(tz=True)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
EARLIEST, LATEST = datetime(2003, 5, 6, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
SHOWN: Final = 300
"""Characters of a bad row that are kept."""
ISSUER: Final = "issuer:"
R = TypeVar("R", bound=Struct)
D = TypeVar("D")


class Listing(Struct, frozen=True, kw_only=True, gc=False):
    """A contract as a region's page lists it. Money in ISK, volume in m3."""

    contract_id: Id
    type: Annotated[str, Meta(pattern=r"^[a-z_]{1,40}$")]
    date_issued: Moment
    date_expired: Moment
    issuer_id: Id
    issuer_corporation_id: Id
    title: Annotated[str, Meta(max_length=1000)] = ""
    price: Isk = 0.0
    buyout: Isk | None = None
    collateral: Isk = 0.0
    reward: Isk = 0.0
    volume: Annotated[float, Meta(ge=0, le=1e15)] = 0.0
    days_to_complete: Count = 0
    start_location_id: Id | None = None
    end_location_id: Id | None = None
    for_corporation: bool = False

    @property
    def row_hash(self) -> int:
        """The same for the same contract, whatever the order in which its fields were sent; 64 bits, signed."""
        return int.from_bytes(blake2b(_ENCODER.encode(self), digest_size=8).digest(), "big", signed=True)


def issuer_key(issuer_id: int) -> str:
    """The key under which an issuer is blocked."""
    return f"{ISSUER}{issuer_id}"


class Item(Struct, frozen=True, kw_only=True, gc=False):
    """A row of a contract's items."""

    record_id: Id
    type_id: TypeId
    quantity: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    is_included: bool
    item_id: Id | None = None
    is_blueprint_copy: bool | None = None
    material_efficiency: Annotated[int, Meta(ge=0, le=100)] | None = None
    time_efficiency: Annotated[int, Meta(ge=0, le=100)] | None = None
    runs: Annotated[int, Meta(ge=-1, le=2**31 - 1)] | None = None


class Bid(Struct, frozen=True, kw_only=True, gc=False):
    """A bid in an auction."""

    bid_id: Id
    amount: Isk
    date_bid: Moment


class TypeInfo(Struct, frozen=True, kw_only=True):
    """A type of thing."""

    type_id: TypeId
    name: Annotated[str, Meta(max_length=500)]
    group_id: TypeId
    published: bool
    market_group_id: TypeId | None = None
    volume: float | None = None
    packaged_volume: float | None = None


class GroupInfo(Struct, frozen=True, kw_only=True):
    """A group of types."""

    group_id: TypeId
    name: Annotated[str, Meta(max_length=500)]
    category_id: Annotated[int, Meta(ge=0, le=2**31 - 1)]


class CategoryInfo(Struct, frozen=True, kw_only=True):
    """A category of groups."""

    category_id: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    name: Annotated[str, Meta(max_length=500)]
    groups: Annotated[list[TypeId], Meta(max_length=100_000)]


Named = TypeVar("Named", TypeInfo, GroupInfo, CategoryInfo)


class Rejected(Struct, frozen=True, kw_only=True):
    """A row that cannot be used."""

    contract_id: int | None
    """None where even that cannot be read."""
    issuer_id: int | None
    """Likewise."""
    reason: str
    sent: str
    """How it begins."""


class Rows(Struct, Generic[R], frozen=True, kw_only=True):
    """The rows of a body, each once, and what of it cannot be used."""

    rows: Sequence[R]
    rejected: Sequence[Rejected] = ()


class _Numbered(Struct):
    contract_id: Id


class _Issued(Struct):
    issuer_id: Id


_ENCODER: Final = msgspec.json.Encoder()
_RAW: Final = msgspec.json.Decoder(list[msgspec.Raw])
_LISTINGS: Final = msgspec.json.Decoder(list[Listing])
_LISTING: Final = msgspec.json.Decoder(Listing)
_ITEMS: Final = msgspec.json.Decoder(list[Item])
_BIDS: Final = msgspec.json.Decoder(list[Bid])
_NUMBERED: Final = msgspec.json.Decoder(_Numbered)
_ISSUED: Final = msgspec.json.Decoder(_Issued, strict=False)
"""Of a row that is wrong otherwise, the number may be written as a text."""


def parse_listings(body: bytes) -> Rows[Listing]:
    """A page of a region. Raises PageChanged where it is no list at all."""
    try:
        found = _LISTINGS.decode(body)
        rejected: list[Rejected] = []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found, rejected = _row_by_row(body)
    kept: dict[int, Listing] = {}
    for listing in found:
        wrong = _impossible(listing)
        if wrong is None:
            kept[listing.contract_id] = _storable(listing)
        else:
            sent = _ENCODER.encode(listing).decode()[:SHOWN]
            rejected.append(
                Rejected(contract_id=listing.contract_id, issuer_id=listing.issuer_id, reason=wrong, sent=sent)
            )
    return Rows(rows=list(kept.values()), rejected=rejected)


def _row_by_row(body: bytes) -> tuple[list[Listing], list[Rejected]]:
    try:
        rows = _RAW.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PageChanged(f"a page of contracts is no list: {error}") from error
    found, rejected = [], []
    for row in rows:
        try:
            found.append(_LISTING.decode(row))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            shown = bytes(row)[:SHOWN].decode("utf-8", "replace").replace("\x00", "")
            rejected.append(
                Rejected(contract_id=_id_of(row), issuer_id=_issuer_of(row), reason=str(error)[:SHOWN], sent=shown)
            )
    return found, rejected


def _id_of(row: msgspec.Raw) -> int | None:
    try:
        return _NUMBERED.decode(row).contract_id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _issuer_of(row: msgspec.Raw) -> int | None:
    try:
        return _ISSUED.decode(row).issuer_id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _impossible(listing: Listing) -> str | None:
    for name in ("date_issued", "date_expired"):
        if not EARLIEST <= getattr(listing, name) < LATEST:
            return f"{name} is out of this world - at `$.{name}`"
    return None


def _storable(listing: Listing) -> Listing:
    """PostgreSQL takes every character but one."""
    if "\x00" not in listing.title:
        return listing
    return msgspec.structs.replace(listing, title=listing.title.replace("\x00", ""))


def parse_items(body: bytes) -> list[Item]:
    """A page of a contract's items, each record once. Raises PageChanged."""
    return list({item.record_id: item for item in _decoded(_ITEMS, body, "a contract's items")}.values())


def parse_bids(body: bytes) -> list[Bid]:
    """The bids of an auction, each once. Raises PageChanged."""
    bids = {bid.bid_id: bid for bid in _decoded(_BIDS, body, "an auction's bids")}
    if any(not EARLIEST <= bid.date_bid < LATEST for bid in bids.values()):
        raise PageChanged("an auction's bids: a date_bid is out of this world")
    return list(bids.values())


def parse_type(body: bytes) -> TypeInfo:
    """What is known of a type. Raises PageChanged."""
    return _clean(_decoded(msgspec.json.Decoder(TypeInfo), body, "a type"))


def parse_group(body: bytes) -> GroupInfo:
    """What is known of a group. Raises PageChanged."""
    return _clean(_decoded(msgspec.json.Decoder(GroupInfo), body, "a group"))


def parse_category(body: bytes) -> CategoryInfo:
    """What is known of a category. Raises PageChanged."""
    return _clean(_decoded(msgspec.json.Decoder(CategoryInfo), body, "a category"))


def _clean(known: Named) -> Named:
    return msgspec.structs.replace(known, name=known.name.replace("\x00", ""))


def _decoded(decoder: msgspec.json.Decoder[D], body: bytes, what: str) -> D:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PageChanged(f"{what} cannot be read: {error}") from error
