"""Find in the activity log what a person did, for their export and their erasure; forget bodies of the audit log."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261201_log_people"
down_revision: str | None = "20261201_account_mails"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Bodies were kept without an allow-list so far: addresses of channels and mail, notes and evidence are in them.
    op.execute("UPDATE audit_log SET body = NULL WHERE body IS NOT NULL")
    op.create_index(
        "ix_activity_log_actor_id_id",
        "activity_log",
        ["actor_id", "id"],
        postgresql_where=sa.text("actor_kind = 'user'"),
    )


def downgrade() -> None:
    op.drop_index("ix_activity_log_actor_id_id", table_name="activity_log")
