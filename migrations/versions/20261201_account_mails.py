"""Mails about accounts' addresses, and the links that wait to be used."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261201_account_mails"
down_revision: str | None = "20261130_manual_snapshots"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "account_mails",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('confirmation', 'change', 'removal')", name="ck_account_mails_kind"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_account_mails_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_account_mails"),
    )
    op.create_index("ix_account_mails_user_id", "account_mails", ["user_id"])
    op.create_index(
        "uq_account_mails_confirmation",
        "account_mails",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'confirmation'"),
    )
    op.create_index(
        "ix_account_mails_due_at", "account_mails", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_table("account_mails")
