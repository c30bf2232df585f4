"""Whose a registration turned out to be, links by the pages' own slugs, and indexes for a digest's window."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261122_fencer_listings"
down_revision: str | None = "20261122_price_telling"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("fencing_registrations", sa.Column("identified_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_fencing_registrations_identified_at",
        "fencing_registrations",
        ["identified_at"],
        unique=False,
        postgresql_where=sa.text("identified_at IS NOT NULL"),
    )
    op.create_index("ix_fencing_listings_listed_at", "fencing_listings", ["listed_at"], unique=False)
    op.create_index("ix_fencing_listings_target_id_gone_at", "fencing_listings", ["target_id", "gone_at"], unique=False)
    # What the first follower pasted; pages tell their own when they are read next.
    op.execute("UPDATE fencers SET slug = 'x' WHERE slug <> 'x'")
    op.execute("UPDATE fencing_clubs SET slug = 'x' WHERE slug <> 'x'")


def downgrade() -> None:
    op.drop_index("ix_fencing_listings_target_id_gone_at", table_name="fencing_listings")
    op.drop_index("ix_fencing_listings_listed_at", table_name="fencing_listings")
    op.drop_index(
        "ix_fencing_registrations_identified_at",
        table_name="fencing_registrations",
        postgresql_where=sa.text("identified_at IS NOT NULL"),
    )
    op.drop_column("fencing_registrations", "identified_at")
