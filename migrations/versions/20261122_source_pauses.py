"""Sources that operators pause, and runs by when they ended and whether they went well."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261122_source_pauses"
down_revision: str | None = "20261122_ratings"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "scrape_pauses",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_scrape_pauses")),
    )
    op.create_index("ix_scrape_runs_finished_at", "scrape_runs", ["finished_at"], unique=False)
    op.create_index(
        "ix_scrape_runs_uncompleted",
        "scrape_runs",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status <> 'completed'"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_scrape_runs_uncompleted", table_name="scrape_runs", postgresql_where=sa.text("status <> 'completed'")
    )
    op.drop_index("ix_scrape_runs_finished_at", table_name="scrape_runs")
    op.drop_table("scrape_pauses")
