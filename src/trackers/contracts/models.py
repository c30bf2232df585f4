"""Tables of public contracts: live and past contracts, regions and their pages, types, runs, watches."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Float, ForeignKey, Index, Integer, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.database import Base
from users.accounts.models import User

LIVE = text("status = 'live'")
PAST = text("status <> 'live'")
UNREAD = text("status = 'live' AND items_state = 'pending'")


class ContractRegion(Base):
    """A region that is or was followed, and how fresh and complete its data is."""

    __tablename__ = "contract_regions"

    region_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    target_id: Mapped[UUID]
    followed: Mapped[bool]
    generation: Mapped[datetime | None]
    """Last-Modified of the pages of the last complete sweep."""
    swept_at: Mapped[datetime | None]
    """End of the last sweep, complete or not."""
    complete_at: Mapped[datetime | None]
    next_sweep_at: Mapped[datetime | None]
    """The API has nothing newer before this time."""
    complete: Mapped[bool] = mapped_column(server_default=text("false"))
    concluded: Mapped[bool] = mapped_column(server_default=text("true"))
    """True if the contracts that are missing from the stored pages were ended; false in the middle of a sweep."""
    why_incomplete: Mapped[str | None]
    doubted_at: Mapped[datetime | None]
    """End of the first sweep that was doubted because it missed so many contracts; null once a sweep is believed."""
    doubted_generation: Mapped[datetime | None]
    """Last-Modified of the pages of that sweep."""
    pages: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    live: Mapped[int] = mapped_column(server_default=text("0"))
    unread: Mapped[int] = mapped_column(server_default=text("0"))
    """Live contracts whose items are not read yet."""


class ContractPage(Base):
    """A page of a region as the API last sent it; a 304 refers to it."""

    __tablename__ = "contract_pages"

    region_id: Mapped[int] = mapped_column(
        ForeignKey(ContractRegion.region_id, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    page: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    etag: Mapped[str]
    contract_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))


class ContractTypeCount(Base):
    """Number of live contracts of a region that offer a type, counted by its last fetch: counting takes a second."""

    __tablename__ = "contract_type_counts"

    region_id: Mapped[int] = mapped_column(
        ForeignKey(ContractRegion.region_id, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    type_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    live: Mapped[int] = mapped_column(Integer)


class Contract(Base):
    """A public contract: the listing, the ship among its items, and its state. Money in ISK."""

    __tablename__ = "contracts"
    __table_args__ = (
        CheckConstraint("status IN ('live', 'gone', 'expired')", name="status"),
        CheckConstraint("items_state IN ('none', 'pending', 'read', 'gone', 'failed')", name="items_state"),
        Index("ix_contracts_live_region", "region_id", "date_issued", postgresql_where=LIVE),
        Index("ix_contracts_live_issued", "date_issued", "contract_id", postgresql_where=LIVE),
        Index("ix_contracts_live_price", "price", "contract_id", postgresql_where=LIVE),
        Index("ix_contracts_live_expiry", "date_expired", "contract_id", postgresql_where=LIVE),
        Index("ix_contracts_live_ship", "ship_type_id", "price", postgresql_where=text("status = 'live' AND is_ship")),
        Index("ix_contracts_unread", "region_id", "items_due_at", postgresql_where=UNREAD),
        Index(
            "ix_contracts_bids_due",
            "region_id",
            "bids_due_at",
            postgresql_where=text("status = 'live' AND bids_due_at IS NOT NULL"),
        ),
        Index(
            "ix_contracts_unjudged",
            "region_id",
            postgresql_where=text("status = 'live' AND items_state = 'read' AND NOT evaluated"),
        ),
        Index("ix_contracts_past_issued", "status", "date_issued", "contract_id", postgresql_where=PAST),
        Index("ix_contracts_past_price", "status", "price", "contract_id", postgresql_where=PAST),
        Index("ix_contracts_past_expiry", "status", "date_expired", "contract_id", postgresql_where=PAST),
        Index("ix_contracts_past_region", "status", "region_id", "type", postgresql_where=PAST),
        Index("ix_contracts_ended", "ended_at", postgresql_where=PAST),
        Index(
            "ix_contracts_sold_ships", "ship_type_id", "ended_at", postgresql_where=text("status = 'gone' AND is_ship")
        ),
        Index("ix_contracts_issuer_id", "issuer_id"),
    )

    contract_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    region_id: Mapped[int]
    type: Mapped[str]
    status: Mapped[str]
    title: Mapped[str]
    price: Mapped[float] = mapped_column(Float(53))
    buyout: Mapped[float | None] = mapped_column(Float(53))
    collateral: Mapped[float] = mapped_column(Float(53))
    reward: Mapped[float] = mapped_column(Float(53))
    volume: Mapped[float] = mapped_column(Float(53))
    days_to_complete: Mapped[int] = mapped_column(Integer)
    issuer_id: Mapped[int]
    issuer_corporation_id: Mapped[int]
    for_corporation: Mapped[bool]
    start_location_id: Mapped[int | None]
    end_location_id: Mapped[int | None]
    date_issued: Mapped[datetime]
    date_expired: Mapped[datetime]
    row_hash: Mapped[int]
    """Hash of all columns above that the API sends, so that unchanged rows are recognized and not written."""
    first_seen_at: Mapped[datetime]
    changed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    items_state: Mapped[str]
    items_due_at: Mapped[datetime | None]
    items_tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    evaluated: Mapped[bool] = mapped_column(server_default=text("false"))
    """True if the types of all its items were known when is_ship was decided."""
    is_ship: Mapped[bool] = mapped_column(server_default=text("false"))
    ship_type_id: Mapped[int | None]
    ship_quantity: Mapped[int | None]
    is_blueprint_copy: Mapped[bool | None]
    runs: Mapped[int | None]
    material_efficiency: Mapped[int | None] = mapped_column(SmallInteger)
    time_efficiency: Mapped[int | None] = mapped_column(SmallInteger)
    contains_additional_items: Mapped[bool | None]
    bids_due_at: Mapped[datetime | None]
    bids: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    highest_bid: Mapped[float | None] = mapped_column(Float(53))


class ContractItem(Base):
    """An item of a contract: offered (`is_included`), or wanted in exchange."""

    __tablename__ = "contract_items"
    __table_args__ = (Index("ix_contract_items_type_id", "type_id"),)

    contract_id: Mapped[int] = mapped_column(
        ForeignKey(Contract.contract_id, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    record_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    type_id: Mapped[int]
    quantity: Mapped[int]
    is_included: Mapped[bool]
    item_id: Mapped[int | None]
    is_blueprint_copy: Mapped[bool | None]
    runs: Mapped[int | None]
    material_efficiency: Mapped[int | None] = mapped_column(SmallInteger)
    time_efficiency: Mapped[int | None] = mapped_column(SmallInteger)


class ContractBid(Base):
    """A bid in an auction."""

    __tablename__ = "contract_bids"

    contract_id: Mapped[int] = mapped_column(
        ForeignKey(Contract.contract_id, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    bid_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    amount: Mapped[float] = mapped_column(Float(53))
    date_bid: Mapped[datetime]


class ContractHistory(Base):
    """A change of a contract after it was first seen: changed, gone, expired or returned."""

    __tablename__ = "contract_history"

    contract_id: Mapped[int] = mapped_column(
        ForeignKey(Contract.contract_id, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    at: Mapped[datetime] = mapped_column(primary_key=True)
    what: Mapped[str]
    details: Mapped[dict[str, Any] | None]


class RejectedContract(Base):
    """A row of the API that could not be stored; the rest of its region was stored without it."""

    __tablename__ = "contract_rejects"

    region_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    contract_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """0 if the row has no readable contract id."""
    part: Mapped[str] = mapped_column(primary_key=True)
    """`listing`, `items` or `bids`."""
    reason: Mapped[str]
    sent: Mapped[str]
    """The beginning of the row."""
    issuer_id: Mapped[int | None]
    """NULL if the row has no readable issuer id."""
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    times: Mapped[int] = mapped_column(server_default=text("1"))


class EsiType(Base):
    """A type of item as the API describes it (TypeCache); no group if the API has no such type or never answered."""

    __tablename__ = "esi_types"
    __table_args__ = (Index("ix_esi_types_last_refreshed_at", "last_refreshed_at"), Index(None, "group_id"))

    type_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    group_id: Mapped[int | None]
    market_group_id: Mapped[int | None]
    published: Mapped[bool]
    volume: Mapped[float | None] = mapped_column(Float(53))
    packaged_volume: Mapped[float | None] = mapped_column(Float(53))
    last_refreshed_at: Mapped[datetime]
    """Time of the last request for it, answered or not."""
    failed_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(Integer, server_default=text("0"))


class EsiGroup(Base):
    """A group of types."""

    __tablename__ = "esi_groups"
    __table_args__ = (Index(None, "category_id"),)

    group_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    category_id: Mapped[int]
    refreshed_at: Mapped[datetime]


class EsiCategory(Base):
    """A category of groups; `group_ids` are its groups at `refreshed_at`."""

    __tablename__ = "esi_categories"

    category_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    group_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    refreshed_at: Mapped[datetime]


class ContractRun(Base):
    """An aggregation run, from its first region to its last."""

    __tablename__ = "contract_runs"
    __table_args__ = (
        Index("ix_contract_runs_started_at", "started_at", "id"),
        Index("ix_contract_runs_under_way", "id", postgresql_where=text("outcome IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    fence: Mapped[int]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    error: Mapped[str | None]
    summary: Mapped[dict[str, Any]]


class ContractFence(Base):
    """The number of the newest run: a run locks the row before it writes, and writes only if the number is its own."""

    __tablename__ = "contract_fence"

    name: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]


class ContractWatch(Base):
    """A member's watch for a type or a group of types, with optional price limit and region."""

    __tablename__ = "contract_watches"
    __table_args__ = (
        CheckConstraint("num_nonnulls(type_id, group_id) = 1", name="one_subject"),
        Index(None, "user_id"),
        Index(None, "type_id", postgresql_where=text("type_id IS NOT NULL AND active")),
        Index(None, "group_id", postgresql_where=text("group_id IS NOT NULL AND active")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    type_id: Mapped[int | None]
    group_id: Mapped[int | None]
    region_id: Mapped[int | None]
    max_price: Mapped[float | None] = mapped_column(Float(53))
    note: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime]


class ContractAlert(Base):
    """A match of a watch that its owner was notified of; at most one per contract."""

    __tablename__ = "contract_alerts"
    __table_args__ = (Index(None, "contract_id"), Index(None, "watch_id", "alerted_at"))

    watch_id: Mapped[UUID] = mapped_column(ForeignKey(ContractWatch.id, ondelete="CASCADE"), primary_key=True)
    contract_id: Mapped[int] = mapped_column(
        ForeignKey(Contract.contract_id, ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    alerted_at: Mapped[datetime]
