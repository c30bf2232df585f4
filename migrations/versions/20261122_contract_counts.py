"""Regions whose emptiness is doubted, live contracts counted by type, and indexes for lists of past contracts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261122_contract_counts"
down_revision: str | None = "20261122_flights"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PAST = sa.text("status <> 'live'")
PAST_INDEXES = {
    "ix_contracts_past_issued": ["status", "date_issued", "contract_id"],
    "ix_contracts_past_price": ["status", "price", "contract_id"],
    "ix_contracts_past_expiry": ["status", "date_expired", "contract_id"],
    "ix_contracts_past_region": ["status", "region_id", "type"],
}


def upgrade() -> None:
    op.add_column("contract_regions", sa.Column("doubted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("contract_regions", sa.Column("doubted_generation", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "contract_type_counts",
        sa.Column("region_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("live", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["region_id"],
            ["contract_regions.region_id"],
            name=op.f("fk_contract_type_counts_region_id_contract_regions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("region_id", "type_id", name=op.f("pk_contract_type_counts")),
    )
    op.execute("""
        INSERT INTO contract_type_counts (region_id, type_id, live)
        SELECT c.region_id, i.type_id, count(DISTINCT c.contract_id)
        FROM contracts c
        JOIN contract_regions r ON r.region_id = c.region_id
        JOIN contract_items i ON i.contract_id = c.contract_id AND i.is_included
        WHERE c.status = 'live' GROUP BY c.region_id, i.type_id
    """)
    for name, columns in PAST_INDEXES.items():
        op.create_index(name, "contracts", columns, postgresql_where=PAST)


def downgrade() -> None:
    for name in PAST_INDEXES:
        op.drop_index(name, table_name="contracts")
    op.drop_table("contract_type_counts")
    op.drop_column("contract_regions", "doubted_generation")
    op.drop_column("contract_regions", "doubted_at")
