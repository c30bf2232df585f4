"""Trips, price watches, the searches that they share, what those cost, and what was told of it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261122_flights"
down_revision: str | None = "20261122_contracts"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "flight_trips",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("departs_on", sa.Date(), nullable=False),
        sa.Column("returns_on", sa.Date(), nullable=True),
        sa.Column("adults", sa.SmallInteger(), nullable=False),
        sa.Column("children", sa.SmallInteger(), nullable=False),
        sa.Column("infants_in_seat", sa.SmallInteger(), nullable=False),
        sa.Column("infants_on_lap", sa.SmallInteger(), nullable=False),
        sa.Column("max_stops", sa.SmallInteger(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_flight_trips_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flight_trips")),
    )
    op.create_index(
        "ix_flight_trips_ends_at",
        "flight_trips",
        ["ends_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_flight_trips_user_id_id", "flight_trips", ["user_id", "id"], unique=False)
    op.create_table(
        "flight_queries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=True),
        sa.Column("trip_id", sa.Uuid(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("departs_on", sa.Date(), nullable=False),
        sa.Column("returns_on", sa.Date(), nullable=True),
        sa.Column("travellers", sa.SmallInteger(), nullable=False),
        sa.Column("cabin_class", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("snapshot_id", sa.Uuid(), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("offers", sa.Integer(), nullable=True),
        sa.Column("suspect", sa.BigInteger(), nullable=True),
        sa.Column("level", sa.SmallInteger(), nullable=True),
        sa.Column("typical_low", sa.BigInteger(), nullable=True),
        sa.Column("typical_high", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_failing", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["target_id"], ["scrape_targets.id"], name=op.f("fk_flight_queries_target_id_scrape_targets")
        ),
        sa.ForeignKeyConstraint(
            ["trip_id"], ["flight_trips.id"], name=op.f("fk_flight_queries_trip_id_flight_trips"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flight_queries")),
        sa.UniqueConstraint("key", name=op.f("uq_flight_queries_key")),
        sa.UniqueConstraint("target_id", name=op.f("uq_flight_queries_target_id")),
    )
    op.create_index(
        "ix_flight_queries_ends_at",
        "flight_queries",
        ["ends_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_flight_queries_trip_id",
        "flight_queries",
        ["trip_id"],
        unique=False,
        postgresql_where=sa.text("trip_id IS NOT NULL"),
    )
    op.create_table(
        "flight_trip_queries",
        sa.Column("trip_id", sa.Uuid(), nullable=False),
        sa.Column("query_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["query_id"],
            ["flight_queries.id"],
            name=op.f("fk_flight_trip_queries_query_id_flight_queries"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["trip_id"],
            ["flight_trips.id"],
            name=op.f("fk_flight_trip_queries_trip_id_flight_trips"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("trip_id", "query_id", name=op.f("pk_flight_trip_queries")),
    )
    op.create_index("ix_flight_trip_queries_query_id", "flight_trip_queries", ["query_id"], unique=False)
    op.create_table(
        "price_watches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("trip_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("target_price", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("cabin_class", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("check_interval_minutes", sa.Integer(), nullable=False),
        sa.Column("alert_cooldown_hours", sa.SmallInteger(), nullable=False),
        sa.Column("flexible_days", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("remind", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("step_percent", sa.SmallInteger(), nullable=False),
        sa.Column("below_median_percent", sa.SmallInteger(), nullable=True),
        sa.Column("median_days", sa.SmallInteger(), nullable=False),
        sa.Column("lowest_ever", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("armed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("evaluate_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_alerted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["trip_id"], ["flight_trips.id"], name=op.f("fk_price_watches_trip_id_flight_trips"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_price_watches_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_watches")),
    )
    op.create_index(
        "ix_price_watches_judge_at",
        "price_watches",
        ["evaluate_at"],
        unique=False,
        postgresql_where=sa.text("is_active AND evaluate_at IS NOT NULL"),
    )
    op.create_index("ix_price_watches_trip_id", "price_watches", ["trip_id"], unique=False)
    op.create_index("ix_price_watches_user_id_id", "price_watches", ["user_id", "id"], unique=False)
    op.create_table(
        "price_watch_queries",
        sa.Column("watch_id", sa.Uuid(), nullable=False),
        sa.Column("query_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["query_id"],
            ["flight_queries.id"],
            name=op.f("fk_price_watch_queries_query_id_flight_queries"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["watch_id"],
            ["price_watches.id"],
            name=op.f("fk_price_watch_queries_watch_id_price_watches"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("watch_id", "query_id", name=op.f("pk_price_watch_queries")),
    )
    op.create_index("ix_price_watch_queries_query_id", "price_watch_queries", ["query_id"], unique=False)
    op.create_table(
        "flight_snapshots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("query_id", sa.Uuid(), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("cheapest", sa.Boolean(), nullable=False),
        sa.Column("suspect", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("airline", sa.Text(), nullable=True),
        sa.Column("airline_name", sa.Text(), nullable=True),
        sa.Column("stops", sa.SmallInteger(), nullable=True),
        sa.Column("departs_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("departs_offset", sa.SmallInteger(), nullable=True),
        sa.Column("arrives_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrives_offset", sa.SmallInteger(), nullable=True),
        sa.Column("duration_minutes", sa.Integer(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("origin IN ('fetched', 'manual', 'history')", name=op.f("ck_flight_snapshots_origin")),
        sa.ForeignKeyConstraint(
            ["query_id"],
            ["flight_queries.id"],
            name=op.f("fk_flight_snapshots_query_id_flight_queries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flight_snapshots")),
    )
    op.create_index(
        "ix_flight_snapshots_cheapest",
        "flight_snapshots",
        ["query_id", "captured_at"],
        unique=False,
        postgresql_include=["price", "id"],
        postgresql_where=sa.text("cheapest"),
    )
    op.create_index(
        "ix_flight_snapshots_query_id_captured_at", "flight_snapshots", ["query_id", "captured_at"], unique=False
    )
    op.create_table(
        "flight_days",
        sa.Column("query_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["query_id"], ["flight_queries.id"], name=op.f("fk_flight_days_query_id_flight_queries"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("query_id", "day", name=op.f("pk_flight_days")),
    )
    op.create_table(
        "price_alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("watch_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("target_price", sa.BigInteger(), nullable=False),
        sa.Column("previous_price", sa.BigInteger(), nullable=True),
        sa.Column("lowest_price", sa.BigInteger(), nullable=True),
        sa.Column("median_price", sa.BigInteger(), nullable=True),
        sa.Column("typical_low", sa.BigInteger(), nullable=True),
        sa.Column("typical_high", sa.BigInteger(), nullable=True),
        sa.Column("departs_on", sa.Date(), nullable=False),
        sa.Column("returns_on", sa.Date(), nullable=True),
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["watch_id"], ["price_watches.id"], name=op.f("fk_price_alerts_watch_id_price_watches"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_alerts")),
        sa.UniqueConstraint(
            "watch_id", "rule", "snapshot_id", "episode", name=op.f("uq_price_alerts_watch_id_rule_snapshot_id_episode")
        ),
    )
    op.create_index("ix_price_alerts_event_key", "price_alerts", ["event_key"], unique=False)
    op.create_index("ix_price_alerts_watch_id_created_at", "price_alerts", ["watch_id", "created_at"], unique=False)


def downgrade() -> None:
    op.drop_table("price_alerts")
    op.drop_table("flight_days")
    op.drop_table("flight_snapshots")
    op.drop_table("price_watch_queries")
    op.drop_table("price_watches")
    op.drop_table("flight_trip_queries")
    op.drop_table("flight_queries")
    op.drop_table("flight_trips")
