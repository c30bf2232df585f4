"""Manual snapshots: their authors correct and remove them, the staff of guilds review them."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from shared.web.identity import BotIdentity, PersonIdentity
from trackers.games.controllers.parameters import (
    Before,
    GuildId,
    ManualReads,
    ReviewFilter,
    SnapshotLimit,
    Snapshotting,
)
from trackers.games.manual_schemas import (
    AddManualSnapshot,
    ChangeManualSnapshot,
    ConfirmManualSnapshot,
    GuildManualSnapshot,
    GuildManualSnapshots,
    MyManualSnapshot,
    MyManualSnapshots,
)

Asking = Request[Any, PersonIdentity, Any]
BotAsking = Request[Any, BotIdentity, Any]

READ = {"scope": "trackers:read"}
WRITE = {"scope": "trackers:write"}


class ManualSnapshotController(Controller):
    """Manual snapshots of a person."""

    path = "/trackers"
    tags = ("trackers",)

    @post(
        "/{tracker_id:uuid}/snapshots",
        operation_id="add_manual_snapshot",
        audited=("season", "captured_at"),
        status_code=HTTP_201_CREATED,
    )
    async def add(
        self,
        request: Asking,
        tracker_id: FromPath[UUID],
        data: JSONBody[AddManualSnapshot],
        snapshot_service: Snapshotting,
    ) -> MyManualSnapshot:
        """Enter figures of your account, with a note about their origin.

        They appear only in your own tracker; a guild's leaderboard counts them if the guild's settings allow it.
        422 `impossible_snapshot` for an unknown season or playlist, a time in the future, or a repeated playlist,
        429 `too_many_snapshots` above the daily limit.
        """
        return await snapshot_service.create_snapshot(request.auth, tracker_id, data)

    @get("/me/manual-snapshots", operation_id="list_my_manual_snapshots")
    async def list_mine(
        self, request: Asking, manual_snapshot_queries: ManualReads, before: Before = None, limit: SnapshotLimit = 50
    ) -> MyManualSnapshots:
        """List your manual snapshots, the latest first, with the decisions of your guilds."""
        return await manual_snapshot_queries.of_person(request.auth.user_id, before=before, limit=limit)

    @patch(
        "/manual-snapshots/{snapshot_id:uuid}", operation_id="change_manual_snapshot", audited=("season", "captured_at")
    )
    async def change(
        self,
        request: Asking,
        snapshot_id: FromPath[UUID],
        data: JSONBody[ChangeManualSnapshot],
        snapshot_service: Snapshotting,
    ) -> MyManualSnapshot:
        """Correct your manual snapshot; guilds review it again. 422 as for a new one."""
        return await snapshot_service.change_snapshot(request.auth, snapshot_id, data)

    @delete("/manual-snapshots/{snapshot_id:uuid}", operation_id="remove_manual_snapshot")
    async def remove(self, request: Asking, snapshot_id: FromPath[UUID], snapshot_service: Snapshotting) -> None:
        """Remove your manual snapshot. It no longer counts anywhere."""
        await snapshot_service.remove_snapshot(request.auth, snapshot_id)


class GuildManualSnapshotController(Controller):
    """For the staff of a guild, and for admins; 403 for other members, 404 for everybody else."""

    path = "/guilds/{guild_id:str}/manual-snapshots"
    tags = ("guilds",)

    @get("/", operation_id="list_guild_manual_snapshots")
    async def list_all(
        self,
        request: Asking,
        guild_id: GuildId,
        manual_snapshot_queries: ManualReads,
        status: ReviewFilter = None,
        before: Before = None,
        limit: SnapshotLimit = 50,
    ) -> GuildManualSnapshots:
        """List the manual snapshots of members, the latest first. Empty if the guild counts none."""
        return await manual_snapshot_queries.of_guild(request.auth, guild_id, status=status, before=before, limit=limit)

    @post(
        "/{snapshot_id:uuid}/confirm",
        operation_id="confirm_manual_snapshot",
        audited=("entered_at",),
        status_code=HTTP_200_OK,
    )
    async def confirm(
        self,
        request: Asking,
        guild_id: GuildId,
        snapshot_id: FromPath[UUID],
        data: JSONBody[ConfirmManualSnapshot],
        snapshot_service: Snapshotting,
    ) -> GuildManualSnapshot:
        """Confirm a member's manual snapshot for this guild only.

        409 `snapshot_corrected` if it was corrected after you saw it, 409 `manual_snapshots_not_counted` if the guild
        counts none.
        """
        return await snapshot_service.confirm(request.auth, guild_id, snapshot_id, entered_at=data.entered_at)

    @post("/{snapshot_id:uuid}/reject", operation_id="reject_manual_snapshot", status_code=HTTP_200_OK)
    async def reject(
        self, request: Asking, guild_id: GuildId, snapshot_id: FromPath[UUID], snapshot_service: Snapshotting
    ) -> GuildManualSnapshot:
        """Reject a member's manual snapshot for this guild only, even after it was confirmed."""
        return await snapshot_service.reject(request.auth, guild_id, snapshot_id)


class AdminManualSnapshotController(Controller):
    """Manual snapshots of all people."""

    path = "/trackers/manual-snapshots"
    tags = ("trackers",)

    @get("/", operation_id="admin_list_manual_snapshots")
    async def list_all(
        self,
        manual_snapshot_queries: ManualReads,
        user_id: Annotated[UUID | None, QueryParameter(description="Only snapshots of this person.")] = None,
        before: Before = None,
        limit: SnapshotLimit = 50,
    ) -> MyManualSnapshots:
        """List the manual snapshots of everybody, or of one person, the latest first.

        Admins correct and remove them under `/api/trackers/manual-snapshots`.
        """
        return await manual_snapshot_queries.of_everybody(user_id=user_id, before=before, limit=limit)


class InternalManualSnapshotController(Controller):
    """Manual snapshots of the people that a bot may act for."""

    path = "/trackers"
    tags = ("trackers",)

    @post(
        "/{tracker_id:uuid}/snapshots",
        operation_id="internal_add_manual_snapshot",
        audited=("season", "captured_at"),
        status_code=HTTP_201_CREATED,
        opt=WRITE,
    )
    async def add(
        self,
        request: BotAsking,
        tracker_id: FromPath[UUID],
        data: JSONBody[AddManualSnapshot],
        snapshot_service: Snapshotting,
    ) -> MyManualSnapshot:
        """Enter figures of a person's account, with a note about their origin. Only their own tracker shows them.

        422 `impossible_snapshot` and 429 `too_many_snapshots` as for people.
        """
        return await snapshot_service.create_snapshot(request.auth, tracker_id, data)

    @patch(
        "/manual-snapshots/{snapshot_id:uuid}",
        operation_id="internal_change_manual_snapshot",
        audited=("season", "captured_at"),
        opt=WRITE,
    )
    async def change(
        self,
        request: BotAsking,
        snapshot_id: FromPath[UUID],
        data: JSONBody[ChangeManualSnapshot],
        snapshot_service: Snapshotting,
    ) -> MyManualSnapshot:
        """Correct a person's manual snapshot; guilds review it again."""
        return await snapshot_service.change_snapshot(request.auth, snapshot_id, data)

    @delete("/manual-snapshots/{snapshot_id:uuid}", operation_id="internal_remove_manual_snapshot", opt=WRITE)
    async def remove(self, request: BotAsking, snapshot_id: FromPath[UUID], snapshot_service: Snapshotting) -> None:
        """Remove a person's manual snapshot."""
        await snapshot_service.remove_snapshot(request.auth, snapshot_id)


class InternalGuildManualSnapshotController(Controller):
    """Review of manual snapshots by a guild's bot."""

    path = "/guilds/{guild_id:str}/manual-snapshots"
    tags = ("guilds",)

    @get("/", operation_id="internal_list_guild_manual_snapshots", opt=READ)
    async def list_all(
        self,
        request: BotAsking,
        guild_id: GuildId,
        manual_snapshot_queries: ManualReads,
        status: ReviewFilter = None,
        before: Before = None,
        limit: SnapshotLimit = 50,
    ) -> GuildManualSnapshots:
        """List the manual snapshots of members, the latest first. Empty if the guild counts none."""
        return await manual_snapshot_queries.of_guild(request.auth, guild_id, status=status, before=before, limit=limit)

    @post(
        "/{snapshot_id:uuid}/confirm",
        operation_id="internal_confirm_manual_snapshot",
        audited=("entered_at",),
        status_code=HTTP_200_OK,
        opt=WRITE,
    )
    async def confirm(
        self,
        request: BotAsking,
        guild_id: GuildId,
        snapshot_id: FromPath[UUID],
        data: JSONBody[ConfirmManualSnapshot],
        snapshot_service: Snapshotting,
    ) -> GuildManualSnapshot:
        """Confirm a member's manual snapshot for this guild only; 409 as for people."""
        return await snapshot_service.confirm(request.auth, guild_id, snapshot_id, entered_at=data.entered_at)

    @post(
        "/{snapshot_id:uuid}/reject", operation_id="internal_reject_manual_snapshot", status_code=HTTP_200_OK, opt=WRITE
    )
    async def reject(
        self, request: BotAsking, guild_id: GuildId, snapshot_id: FromPath[UUID], snapshot_service: Snapshotting
    ) -> GuildManualSnapshot:
        """Reject a member's manual snapshot for this guild only, even after it was confirmed."""
        return await snapshot_service.reject(request.auth, guild_id, snapshot_id)
