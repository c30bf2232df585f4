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
        """Enter ratings for your account by hand, with a note on where they come from.

        Only your own tracker shows them; a guild's leaderboard counts them if the guild's settings allow it. 422
        `impossible_snapshot` if a season or playlist is unknown, a playlist occurs twice, a streak is longer than the
        number of matches, or the time is in the future or more than ten years ago. 429 `too_many_snapshots` if you
        reach the daily limit for the account. 403 if the tracker is not yours, 404 `tracker_not_found` if there is no
        such tracker.
        """
        return await snapshot_service.create_snapshot(request.auth, tracker_id, data)

    @get("/me/manual-snapshots", operation_id="list_my_manual_snapshots")
    async def list_mine(
        self, request: Asking, manual_snapshot_queries: ManualReads, before: Before = None, limit: SnapshotLimit = 50
    ) -> MyManualSnapshots:
        """List your manual snapshots, newest first.

        Each shows what your guilds have decided about it: `waiting`, `confirmed` or `rejected`.
        """
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
        """Correct one of your manual snapshots.

        Fields that you omit do not change. Your guilds review the snapshot again. Same 422 errors as for a new
        snapshot. 404 `manual_snapshot_not_found` if there is no such snapshot, or you may not see it.
        """
        return await snapshot_service.change_snapshot(request.auth, snapshot_id, data)

    @delete("/manual-snapshots/{snapshot_id:uuid}", operation_id="remove_manual_snapshot")
    async def remove(self, request: Asking, snapshot_id: FromPath[UUID], snapshot_service: Snapshotting) -> None:
        """Remove one of your manual snapshots.

        It no longer counts anywhere. 404 `manual_snapshot_not_found` if there is no such snapshot, or you may not see
        it.
        """
        await snapshot_service.remove_snapshot(request.auth, snapshot_id)


class GuildManualSnapshotController(Controller):
    """Only for admins of the guild and service admins; 403 for other members, 404 for everybody else."""

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
        """List the manual snapshots of a guild's members, newest first.

        The list is empty if the guild's settings do not allow manual snapshots.
        """
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

        Send `entered_at` of the snapshot as you saw it. 409 `snapshot_corrected` if the snapshot was corrected since
        then. 409 `manual_snapshots_not_counted` if the guild's settings do not allow manual snapshots. 404
        `manual_snapshot_not_found` if there is no such snapshot.
        """
        return await snapshot_service.confirm(request.auth, guild_id, snapshot_id, entered_at=data.entered_at)

    @post("/{snapshot_id:uuid}/reject", operation_id="reject_manual_snapshot", status_code=HTTP_200_OK)
    async def reject(
        self, request: Asking, guild_id: GuildId, snapshot_id: FromPath[UUID], snapshot_service: Snapshotting
    ) -> GuildManualSnapshot:
        """Reject a member's manual snapshot for this guild only.

        You can also reject a snapshot that was confirmed before. 409 `manual_snapshots_not_counted` if the guild's
        settings do not allow manual snapshots. 404 `manual_snapshot_not_found` if there is no such snapshot.
        """
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
        """List the manual snapshots of all people or of one person, newest first.

        To correct or remove them, use `/api/trackers/manual-snapshots/{snapshot_id}`.
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
        """Enter ratings for a person's account by hand, with a note on their origin.

        Only the person's own tracker shows them; a guild's leaderboard counts them if the guild's settings allow it.
        403 if your key may not act for the person. Same 422 and 429 errors as `POST
        /api/trackers/{tracker_id}/snapshots`.
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
        """Correct a person's manual snapshot.

        Fields that you omit do not change. Guilds review the snapshot again. Same 422 errors as for a new snapshot. 403
        if your key may not act for the person, 404 `manual_snapshot_not_found` if there is no such snapshot.
        """
        return await snapshot_service.change_snapshot(request.auth, snapshot_id, data)

    @delete("/manual-snapshots/{snapshot_id:uuid}", operation_id="internal_remove_manual_snapshot", opt=WRITE)
    async def remove(self, request: BotAsking, snapshot_id: FromPath[UUID], snapshot_service: Snapshotting) -> None:
        """Remove a person's manual snapshot.

        It no longer counts anywhere. 403 if your key may not act for the person, 404 `manual_snapshot_not_found` if
        there is no such snapshot.
        """
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
        """List the manual snapshots of a guild's members, newest first.

        The list is empty if the guild's settings do not allow manual snapshots.
        """
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
        """Confirm a member's manual snapshot for this guild only.

        Send `entered_at` of the snapshot as you saw it. Same 409 errors as `POST
        /api/guilds/{guild_id}/manual-snapshots/{snapshot_id}/confirm`. 404 `manual_snapshot_not_found` if there is no
        such snapshot.
        """
        return await snapshot_service.confirm(request.auth, guild_id, snapshot_id, entered_at=data.entered_at)

    @post(
        "/{snapshot_id:uuid}/reject", operation_id="internal_reject_manual_snapshot", status_code=HTTP_200_OK, opt=WRITE
    )
    async def reject(
        self, request: BotAsking, guild_id: GuildId, snapshot_id: FromPath[UUID], snapshot_service: Snapshotting
    ) -> GuildManualSnapshot:
        """Reject a member's manual snapshot for this guild only.

        You can also reject a snapshot that was confirmed before. 409 `manual_snapshots_not_counted` if the guild's
        settings do not allow manual snapshots. 404 `manual_snapshot_not_found` if there is no such snapshot.
        """
        return await snapshot_service.reject(request.auth, guild_id, snapshot_id)
