"""Which watches were told that a search of theirs fails, and which alerts found nobody to tell.

`flight_queries.told_failing` stays: the version before reads and writes it while it still serves, or serves again.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261122_price_telling"
down_revision: str | None = "20261122_contract_counts"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "price_watch_queries",
        sa.Column("told_failing", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.execute("""
        UPDATE price_watch_queries x SET told_failing = true
        FROM flight_queries q WHERE q.id = x.query_id AND q.told_failing
    """)
    op.add_column(
        "price_alerts", sa.Column("unreachable", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("price_alerts", "unreachable")
    op.execute("""
        UPDATE flight_queries q SET told_failing = NOT q.told_failing WHERE q.told_failing <>
            EXISTS (SELECT FROM price_watch_queries x WHERE x.query_id = q.id AND x.told_failing)
    """)
    op.drop_column("price_watch_queries", "told_failing")
