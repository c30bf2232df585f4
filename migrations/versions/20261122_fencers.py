"""Fencers, clubs, their registrations, who follows them; and digests."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261122_fencers"
down_revision: str | None = "20261122_hiscores"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "fencing_tournaments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("season", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fencing_tournaments")),
        sa.UniqueConstraint("folded", "season", name=op.f("uq_fencing_tournaments_folded_season")),
    )
    op.create_table(
        "digests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'sent', 'empty', 'superseded', 'failed')", name=op.f("ck_digests_state")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_digests_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digests")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_digests_delivery_id")),
        sa.UniqueConstraint("user_id", "period", name=op.f("uq_digests_user_id_period")),
    )
    op.create_index("ix_digests_created_at", "digests", ["created_at"], unique=False)
    op.create_index("ix_digests_user_id_until", "digests", ["user_id", "until"], unique=False)
    op.create_table(
        "fencing_clubs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("upstream_id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=True),
        sa.Column("slug", sa.Text(), server_default=sa.text("'x'"), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["target_id"],
            ["scrape_targets.id"],
            name=op.f("fk_fencing_clubs_target_id_scrape_targets"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fencing_clubs")),
        sa.UniqueConstraint("target_id", name=op.f("uq_fencing_clubs_target_id")),
        sa.UniqueConstraint("upstream_id", name=op.f("uq_fencing_clubs_upstream_id")),
    )
    op.create_table(
        "fencing_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("upstream_id", sa.BigInteger(), nullable=True),
        sa.Column("tournament_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("weapon", sa.Text(), nullable=True),
        sa.Column("held_on", sa.Date(), nullable=True),
        sa.CheckConstraint("weapon IN ('epee', 'foil', 'saber')", name=op.f("ck_fencing_events_weapon")),
        sa.ForeignKeyConstraint(
            ["tournament_id"],
            ["fencing_tournaments.id"],
            name=op.f("fk_fencing_events_tournament_id_fencing_tournaments"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fencing_events")),
        sa.UniqueConstraint("upstream_id", name=op.f("uq_fencing_events_upstream_id")),
    )
    op.create_index("ix_fencing_events_tournament_id", "fencing_events", ["tournament_id"], unique=False)
    op.create_table(
        "digest_preferences",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("period IN ('daily', 'weekly')", name=op.f("ck_digest_preferences_period")),
        sa.ForeignKeyConstraint(
            ["channel_id"],
            ["notification_channels.id"],
            name=op.f("fk_digest_preferences_channel_id_notification_channels"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_digest_preferences_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_digest_preferences")),
    )
    op.create_index("ix_digest_preferences_next_at", "digest_preferences", ["next_at"], unique=False)
    op.create_table(
        "fencers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("upstream_id", sa.BigInteger(), nullable=True),
        sa.Column("target_id", sa.Uuid(), nullable=True),
        sa.Column("club_id", sa.Uuid(), nullable=True),
        sa.Column("slug", sa.Text(), server_default=sa.text("'x'"), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("folded", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("num_nonnulls(upstream_id, club_id) >= 1", name=op.f("ck_fencers_known_by")),
        sa.ForeignKeyConstraint(["club_id"], ["fencing_clubs.id"], name=op.f("fk_fencers_club_id_fencing_clubs")),
        sa.ForeignKeyConstraint(
            ["target_id"], ["scrape_targets.id"], name=op.f("fk_fencers_target_id_scrape_targets"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fencers")),
        sa.UniqueConstraint("target_id", name=op.f("uq_fencers_target_id")),
        sa.UniqueConstraint("upstream_id", name=op.f("uq_fencers_upstream_id")),
    )
    op.create_index("ix_fencers_folded", "fencers", ["folded"], unique=False)
    op.create_index(
        "uq_fencers_club_id_folded",
        "fencers",
        ["club_id", "folded"],
        unique=True,
        postgresql_where=sa.text("upstream_id IS NULL"),
    )
    op.create_table(
        "tracked_clubs",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("club_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("weapons", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("followed_since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["club_id"], ["fencing_clubs.id"], name=op.f("fk_tracked_clubs_club_id_fencing_clubs")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_tracked_clubs_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracked_clubs")),
        sa.UniqueConstraint("user_id", "club_id", name="uq_tracked_clubs_user_club_id"),
    )
    op.create_index(
        "ix_tracked_clubs_club_id", "tracked_clubs", ["club_id"], unique=False, postgresql_where=sa.text("active")
    )
    op.create_table(
        "fencing_registrations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fencer_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["fencing_events.id"], name=op.f("fk_fencing_registrations_event_id_fencing_events")
        ),
        sa.ForeignKeyConstraint(
            ["fencer_id"], ["fencers.id"], name=op.f("fk_fencing_registrations_fencer_id_fencers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fencing_registrations")),
        sa.UniqueConstraint("fencer_id", "event_id", name=op.f("uq_fencing_registrations_fencer_id_event_id")),
    )
    op.create_index("ix_fencing_registrations_event_id", "fencing_registrations", ["event_id"], unique=False)
    op.create_table(
        "tracked_fencers",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("fencer_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("weapons", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("followed_since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["fencer_id"], ["fencers.id"], name=op.f("fk_tracked_fencers_fencer_id_fencers")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_tracked_fencers_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracked_fencers")),
        sa.UniqueConstraint("user_id", "fencer_id", name="uq_tracked_fencers_user_fencer_id"),
    )
    op.create_index(
        "ix_tracked_fencers_fencer_id",
        "tracked_fencers",
        ["fencer_id"],
        unique=False,
        postgresql_where=sa.text("active"),
    )
    op.create_table(
        "fencing_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day_before", sa.Date(), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('registered', 'withdrawn', 'returned', 'moved')", name=op.f("ck_fencing_changes_kind")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["fencing_registrations.id"],
            name=op.f("fk_fencing_changes_registration_id_fencing_registrations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fencing_changes")),
    )
    op.create_index("ix_fencing_changes_at", "fencing_changes", ["at"], unique=False)
    op.create_index("ix_fencing_changes_registration_id_at", "fencing_changes", ["registration_id", "at"], unique=False)
    op.create_table(
        "fencing_listings",
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("listed_on", sa.Date(), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["fencing_registrations.id"],
            name=op.f("fk_fencing_listings_registration_id_fencing_registrations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["target_id"],
            ["scrape_targets.id"],
            name=op.f("fk_fencing_listings_target_id_scrape_targets"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("target_id", "registration_id", name=op.f("pk_fencing_listings")),
    )
    op.create_index("ix_fencing_listings_registration_id", "fencing_listings", ["registration_id"], unique=False)
    op.drop_constraint(op.f("ck_notification_preferences_mode"), "notification_preferences", type_="check")
    op.create_check_constraint(
        op.f("ck_notification_preferences_mode"),
        "notification_preferences",
        "mode IN ('instant', 'batched', 'digest', 'off')",
    )


def downgrade() -> None:
    # The nearest that there was: gathered, and not lost.
    op.execute("UPDATE notification_preferences SET mode = 'batched' WHERE mode = 'digest'")
    op.drop_constraint(op.f("ck_notification_preferences_mode"), "notification_preferences", type_="check")
    op.create_check_constraint(
        op.f("ck_notification_preferences_mode"), "notification_preferences", "mode IN ('instant', 'batched', 'off')"
    )
    op.drop_index("ix_fencing_listings_registration_id", table_name="fencing_listings")
    op.drop_table("fencing_listings")
    op.drop_index("ix_fencing_changes_registration_id_at", table_name="fencing_changes")
    op.drop_index("ix_fencing_changes_at", table_name="fencing_changes")
    op.drop_table("fencing_changes")
    op.drop_index("ix_tracked_fencers_fencer_id", table_name="tracked_fencers", postgresql_where=sa.text("active"))
    op.drop_table("tracked_fencers")
    op.drop_index("ix_fencing_registrations_event_id", table_name="fencing_registrations")
    op.drop_table("fencing_registrations")
    op.drop_index("ix_tracked_clubs_club_id", table_name="tracked_clubs", postgresql_where=sa.text("active"))
    op.drop_table("tracked_clubs")
    op.drop_index("uq_fencers_club_id_folded", table_name="fencers", postgresql_where=sa.text("upstream_id IS NULL"))
    op.drop_index("ix_fencers_folded", table_name="fencers")
    op.drop_table("fencers")
    op.drop_index("ix_digest_preferences_next_at", table_name="digest_preferences")
    op.drop_table("digest_preferences")
    op.drop_index("ix_fencing_events_tournament_id", table_name="fencing_events")
    op.drop_table("fencing_events")
    op.drop_table("fencing_clubs")
    op.drop_index("ix_digests_user_id_until", table_name="digests")
    op.drop_index("ix_digests_created_at", table_name="digests")
    op.drop_table("digests")
    op.drop_table("fencing_tournaments")
