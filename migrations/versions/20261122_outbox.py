"""Events on their way to whoever wants to know."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261122_outbox"
down_revision: str | None = "20261122_typed_snapshots"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WAITS = "relayed_at IS NULL AND dead_at IS NULL"


def upgrade() -> None:
    op.create_table(
        "outbox_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("aggregate", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("relayed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_events")),
        postgresql_with={
            "autovacuum_vacuum_scale_factor": "0.02",
            "autovacuum_vacuum_threshold": "1000",
            "autovacuum_analyze_scale_factor": "0.05",
        },
    )
    for name, columns, condition in (
        ("waiting", ["seq"], WAITS),
        ("due_at", ["due_at"], f"{WAITS} AND due_at IS NOT NULL"),
        ("dead", ["id"], "dead_at IS NOT NULL"),
        ("relayed_at", ["relayed_at"], "relayed_at IS NOT NULL"),
        ("user_id_position", ["user_id", "position"], "user_id IS NOT NULL"),
    ):
        op.create_index(
            f"ix_outbox_events_{name}", "outbox_events", columns, unique=False, postgresql_where=sa.text(condition)
        )
    for name in ("key", "position"):
        op.create_index(
            f"ix_outbox_events_{name}",
            "outbox_events",
            [name],
            unique=True,
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )
    op.execute("CREATE SEQUENCE outbox_positions OWNED BY outbox_events.position")


def downgrade() -> None:
    op.drop_table("outbox_events")
