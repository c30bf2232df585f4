"""Public contracts: regions and their pages, contracts with items and bids, the type cache, runs, watches."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261122_contracts"
down_revision: str | None = "20261122_fencers"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "contract_fence",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_contract_fence")),
    )
    op.create_table(
        "contract_regions",
        sa.Column("region_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("followed", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.DateTime(timezone=True), nullable=True),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("complete_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_sweep_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("complete", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("concluded", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("why_incomplete", sa.Text(), nullable=True),
        sa.Column("pages", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("live", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("unread", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("region_id", name=op.f("pk_contract_regions")),
    )
    op.create_table(
        "contract_rejects",
        sa.Column("region_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contract_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sent", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("region_id", "contract_id", "part", name=op.f("pk_contract_rejects")),
    )
    op.create_table(
        "contract_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("summary", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_runs")),
    )
    op.create_index("ix_contract_runs_started_at", "contract_runs", ["started_at", "id"], unique=False)
    op.create_index(
        "ix_contract_runs_under_way",
        "contract_runs",
        ["id"],
        unique=False,
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_table(
        "contract_watches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("type_id", sa.BigInteger(), nullable=True),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("region_id", sa.BigInteger(), nullable=True),
        sa.Column("max_price", sa.Float(precision=53), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("num_nonnulls(type_id, group_id) = 1", name=op.f("ck_contract_watches_one_subject")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_contract_watches_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_watches")),
    )
    op.create_index(
        op.f("ix_contract_watches_group_id"),
        "contract_watches",
        ["group_id"],
        unique=False,
        postgresql_where=sa.text("group_id IS NOT NULL AND active"),
    )
    op.create_index(
        op.f("ix_contract_watches_type_id"),
        "contract_watches",
        ["type_id"],
        unique=False,
        postgresql_where=sa.text("type_id IS NOT NULL AND active"),
    )
    op.create_index(op.f("ix_contract_watches_user_id"), "contract_watches", ["user_id"], unique=False)
    op.create_table(
        "contracts",
        sa.Column("contract_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("region_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("price", sa.Float(precision=53), nullable=False),
        sa.Column("buyout", sa.Float(precision=53), nullable=True),
        sa.Column("collateral", sa.Float(precision=53), nullable=False),
        sa.Column("reward", sa.Float(precision=53), nullable=False),
        sa.Column("volume", sa.Float(precision=53), nullable=False),
        sa.Column("days_to_complete", sa.Integer(), nullable=False),
        sa.Column("issuer_id", sa.BigInteger(), nullable=False),
        sa.Column("issuer_corporation_id", sa.BigInteger(), nullable=False),
        sa.Column("for_corporation", sa.Boolean(), nullable=False),
        sa.Column("start_location_id", sa.BigInteger(), nullable=True),
        sa.Column("end_location_id", sa.BigInteger(), nullable=True),
        sa.Column("date_issued", sa.DateTime(timezone=True), nullable=False),
        sa.Column("date_expired", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_hash", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("items_state", sa.Text(), nullable=False),
        sa.Column("items_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("items_tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("evaluated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_ship", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("ship_type_id", sa.BigInteger(), nullable=True),
        sa.Column("ship_quantity", sa.BigInteger(), nullable=True),
        sa.Column("is_blueprint_copy", sa.Boolean(), nullable=True),
        sa.Column("runs", sa.BigInteger(), nullable=True),
        sa.Column("material_efficiency", sa.SmallInteger(), nullable=True),
        sa.Column("time_efficiency", sa.SmallInteger(), nullable=True),
        sa.Column("contains_additional_items", sa.Boolean(), nullable=True),
        sa.Column("bids_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bids", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("highest_bid", sa.Float(precision=53), nullable=True),
        sa.CheckConstraint(
            "items_state IN ('none', 'pending', 'read', 'gone', 'failed')", name=op.f("ck_contracts_items_state")
        ),
        sa.CheckConstraint("status IN ('live', 'gone', 'expired')", name=op.f("ck_contracts_status")),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_contracts")),
    )
    op.create_index(
        "ix_contracts_bids_due",
        "contracts",
        ["region_id", "bids_due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'live' AND bids_due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_contracts_ended", "contracts", ["ended_at"], unique=False, postgresql_where=sa.text("status <> 'live'")
    )
    op.create_index("ix_contracts_issuer_id", "contracts", ["issuer_id"], unique=False)
    op.create_index(
        "ix_contracts_live_expiry",
        "contracts",
        ["date_expired", "contract_id"],
        unique=False,
        postgresql_where=sa.text("status = 'live'"),
    )
    op.create_index(
        "ix_contracts_live_issued",
        "contracts",
        ["date_issued", "contract_id"],
        unique=False,
        postgresql_where=sa.text("status = 'live'"),
    )
    op.create_index(
        "ix_contracts_live_price",
        "contracts",
        ["price", "contract_id"],
        unique=False,
        postgresql_where=sa.text("status = 'live'"),
    )
    op.create_index(
        "ix_contracts_live_region",
        "contracts",
        ["region_id", "date_issued"],
        unique=False,
        postgresql_where=sa.text("status = 'live'"),
    )
    op.create_index(
        "ix_contracts_live_ship",
        "contracts",
        ["ship_type_id", "price"],
        unique=False,
        postgresql_where=sa.text("status = 'live' AND is_ship"),
    )
    op.create_index(
        "ix_contracts_sold_ships",
        "contracts",
        ["ship_type_id", "ended_at"],
        unique=False,
        postgresql_where=sa.text("status = 'gone' AND is_ship"),
    )
    op.create_index(
        "ix_contracts_unjudged",
        "contracts",
        ["region_id"],
        unique=False,
        postgresql_where=sa.text("status = 'live' AND items_state = 'read' AND NOT evaluated"),
    )
    op.create_index(
        "ix_contracts_unread",
        "contracts",
        ["region_id", "items_due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'live' AND items_state = 'pending'"),
    )
    op.create_table(
        "esi_categories",
        sa.Column("category_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("group_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("category_id", name=op.f("pk_esi_categories")),
    )
    op.create_table(
        "esi_groups",
        sa.Column("group_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_esi_groups")),
    )
    op.create_index(op.f("ix_esi_groups_category_id"), "esi_groups", ["category_id"], unique=False)
    op.create_table(
        "esi_types",
        sa.Column("type_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("market_group_id", sa.BigInteger(), nullable=True),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("volume", sa.Float(precision=53), nullable=True),
        sa.Column("packaged_volume", sa.Float(precision=53), nullable=True),
        sa.Column("last_refreshed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("type_id", name=op.f("pk_esi_types")),
    )
    op.create_index(op.f("ix_esi_types_group_id"), "esi_types", ["group_id"], unique=False)
    op.create_index("ix_esi_types_last_refreshed_at", "esi_types", ["last_refreshed_at"], unique=False)
    op.create_table(
        "contract_alerts",
        sa.Column("watch_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("alerted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.contract_id"],
            name=op.f("fk_contract_alerts_contract_id_contracts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["watch_id"],
            ["contract_watches.id"],
            name=op.f("fk_contract_alerts_watch_id_contract_watches"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("watch_id", "contract_id", name=op.f("pk_contract_alerts")),
    )
    op.create_index(op.f("ix_contract_alerts_contract_id"), "contract_alerts", ["contract_id"], unique=False)
    op.create_table(
        "contract_bids",
        sa.Column("contract_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bid_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("amount", sa.Float(precision=53), nullable=False),
        sa.Column("date_bid", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.contract_id"],
            name=op.f("fk_contract_bids_contract_id_contracts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contract_id", "bid_id", name=op.f("pk_contract_bids")),
    )
    op.create_table(
        "contract_history",
        sa.Column("contract_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.contract_id"],
            name=op.f("fk_contract_history_contract_id_contracts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contract_id", "at", name=op.f("pk_contract_history")),
    )
    op.create_table(
        "contract_items",
        sa.Column("contract_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("record_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("is_included", sa.Boolean(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=True),
        sa.Column("is_blueprint_copy", sa.Boolean(), nullable=True),
        sa.Column("runs", sa.BigInteger(), nullable=True),
        sa.Column("material_efficiency", sa.SmallInteger(), nullable=True),
        sa.Column("time_efficiency", sa.SmallInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.contract_id"],
            name=op.f("fk_contract_items_contract_id_contracts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contract_id", "record_id", name=op.f("pk_contract_items")),
    )
    op.create_index("ix_contract_items_type_id", "contract_items", ["type_id"], unique=False)
    op.create_table(
        "contract_pages",
        sa.Column("region_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("page", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("contract_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.ForeignKeyConstraint(
            ["region_id"],
            ["contract_regions.region_id"],
            name=op.f("fk_contract_pages_region_id_contract_regions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("region_id", "page", name=op.f("pk_contract_pages")),
    )


def downgrade() -> None:
    op.drop_table("contract_pages")
    op.drop_table("contract_items")
    op.drop_table("contract_history")
    op.drop_table("contract_bids")
    op.drop_table("contract_alerts")
    op.drop_table("esi_types")
    op.drop_table("esi_groups")
    op.drop_table("esi_categories")
    op.drop_table("contracts")
    op.drop_table("contract_watches")
    op.drop_table("contract_runs")
    op.drop_table("contract_rejects")
    op.drop_table("contract_regions")
    op.drop_table("contract_fence")
