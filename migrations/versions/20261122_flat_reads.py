"""Indexes that keep what is asked all the time from reading all of the past."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261122_flat_reads"
down_revision: str | None = "20261122_run_months"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEXES = (
    ("ix_fencing_registrations_fencer_id_first_seen_at", "fencing_registrations", ["fencer_id", "first_seen_at"], None),
    ("ix_fencing_listings_target_id_listed_at", "fencing_listings", ["target_id", "listed_at"], None),
    ("ix_contract_alerts_watch_id_alerted_at", "contract_alerts", ["watch_id", "alerted_at"], None),
    ("ix_price_watches_active", "price_watches", ["user_id", "id"], "is_active"),
    ("ix_digests_pending", "digests", ["user_id", "id"], "state = 'pending'"),
)


def upgrade() -> None:
    for name, table, columns, condition in INDEXES:
        where = None if condition is None else sa.text(condition)
        op.create_index(name, table, columns, unique=False, postgresql_where=where)


def downgrade() -> None:
    for name, table, _, _ in reversed(INDEXES):
        op.drop_index(name, table_name=table)
