"""Parse answers of the API into Structs. Pure; a bad row of a page is rejected, and the other rows are kept.

Formats: https://developers.eveonline.com/api-explorer (contracts, universe). ESI omits false and empty values.
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
"""Characters of a bad row that are stored."""
ISSUER: Final = "issuer:"
R = TypeVar("R", bound=Struct)
D = TypeVar("D")


class Listing(Struct, frozen=True, kw_only=True, gc=False):
    """A contract as listed on a page of its region. Money in ISK, volume in m3."""

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
        """Hash of all fields, independent of the order in which the API sent them; 64 bits, signed."""
        return int.from_bytes(blake2b(_ENCODER.encode(self), digest_size=8).digest(), "big", signed=True)


def issuer_key(issuer_id: int) -> str:
    """Key for blocking an issuer, such as `issuer:90000001`."""
    return f"{ISSUER}{issuer_id}"


class Item(Struct, frozen=True, kw_only=True, gc=False):
    """An item of a contract."""

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
    """A type of item."""

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
    """A row that cannot be stored."""

    contract_id: int | None
    """None if the row has no readable contract id."""
    issuer_id: int | None
    """None if the row has no readable issuer id."""
    reason: str
    sent: str
    """The beginning of the row."""


class Rows(Struct, Generic[R], frozen=True, kw_only=True):
    """The rows of a page without duplicates, and its rejected rows."""

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
"""Not strict: in a bad row the id may be a string."""


def parse_listings(body: bytes) -> Rows[Listing]:
    """Parse a page of a region. Raises PageChanged if it is not a list."""
    try:
        listings = _LISTINGS.decode(body)
        rejected: list[Rejected] = []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        listings, rejected = _row_by_row(body)
    accepted: dict[int, Listing] = {}
    for listing in listings:
        reason = _date_problem(listing)
        if reason is None:
            accepted[listing.contract_id] = _storable(listing)
        else:
            sent = _ENCODER.encode(listing).decode()[:SHOWN]
            rejected.append(
                Rejected(contract_id=listing.contract_id, issuer_id=listing.issuer_id, reason=reason, sent=sent)
            )
    return Rows(rows=list(accepted.values()), rejected=rejected)


def _row_by_row(body: bytes) -> tuple[list[Listing], list[Rejected]]:
    try:
        rows = _RAW.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PageChanged(f"a page of contracts is not a list: {error}") from error
    listings, rejected = [], []
    for row in rows:
        try:
            listings.append(_LISTING.decode(row))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            shown = bytes(row)[:SHOWN].decode("utf-8", "replace").replace("\x00", "")
            rejected.append(
                Rejected(contract_id=_id_of(row), issuer_id=_issuer_of(row), reason=str(error)[:SHOWN], sent=shown)
            )
    return listings, rejected


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


def _date_problem(listing: Listing) -> str | None:
    for name in ("date_issued", "date_expired"):
        if not EARLIEST <= getattr(listing, name) < LATEST:
            return f"{name} is out of range - at `$.{name}`"
    return None


def _storable(listing: Listing) -> Listing:
    """Remove NUL, the only character that PostgreSQL cannot store."""
    if "\x00" not in listing.title:
        return listing
    return msgspec.structs.replace(listing, title=listing.title.replace("\x00", ""))


def parse_items(body: bytes) -> list[Item]:
    """Parse a page of a contract's items, without duplicates. Raises PageChanged."""
    return list({item.record_id: item for item in _decoded(_ITEMS, body, "a contract's items")}.values())


def parse_bids(body: bytes) -> list[Bid]:
    """Parse the bids of an auction, without duplicates. Raises PageChanged."""
    bids = {bid.bid_id: bid for bid in _decoded(_BIDS, body, "an auction's bids")}
    if any(not EARLIEST <= bid.date_bid < LATEST for bid in bids.values()):
        raise PageChanged("an auction's bids: a date_bid is out of range")
    return list(bids.values())


def parse_type(body: bytes) -> TypeInfo:
    """Parse a type. Raises PageChanged."""
    return _clean(_decoded(msgspec.json.Decoder(TypeInfo), body, "a type"))


def parse_group(body: bytes) -> GroupInfo:
    """Parse a group. Raises PageChanged."""
    return _clean(_decoded(msgspec.json.Decoder(GroupInfo), body, "a group"))


def parse_category(body: bytes) -> CategoryInfo:
    """Parse a category. Raises PageChanged."""
    return _clean(_decoded(msgspec.json.Decoder(CategoryInfo), body, "a category"))


def _clean(known: Named) -> Named:
    return msgspec.structs.replace(known, name=known.name.replace("\x00", ""))


def _decoded(decoder: msgspec.json.Decoder[D], body: bytes, what: str) -> D:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PageChanged(f"{what} cannot be read: {error}") from error
