"""Blocked keys: what is neither followed nor stored, because somebody asked to be left alone."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261201_blocked"
down_revision: str | None = "20261201_secret_rotation"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "scrape_blocks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scrape_blocks")),
    )
    op.create_table(
        "scrape_blocked_keys",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("block_id", sa.Uuid(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_id"],
            ["scrape_blocks.id"],
            name=op.f("fk_scrape_blocked_keys_block_id_scrape_blocks"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source", "key", "block_id", name=op.f("pk_scrape_blocked_keys")),
    )
    op.create_index("ix_scrape_blocked_keys_block_id", "scrape_blocked_keys", ["block_id"])


def downgrade() -> None:
    op.drop_table("scrape_blocked_keys")
    op.drop_table("scrape_blocks")
