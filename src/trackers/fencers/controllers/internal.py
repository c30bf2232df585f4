"""Endpoints of fencers and clubs for bots."""

from litestar import post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_201_CREATED

from trackers.fencers.controllers.following import TRACK, AsBot, PeoplesTrackedController
from trackers.fencers.controllers.parameters import Service
from trackers.fencers.links import SubjectKind
from trackers.fencers.schemas import BotTracksClub, BotTracksFencer, TrackingStarted


class InternalFencerController(PeoplesTrackedController):
    """Fencers that the people of a bot follow."""

    path = "/fencers"
    kind = SubjectKind.FENCER

    @post(
        "/", operation_id="internal_track_fencer", audited=("user_id",), status_code=HTTP_201_CREATED, description=TRACK
    )
    async def track(
        self, request: AsBot, data: JSONBody[BotTracksFencer], tracking_service: Service
    ) -> TrackingStarted:
        return await tracking_service.track(
            SubjectKind.FENCER,
            data.user_id,
            data.fencer,
            name=data.name,
            weapons=data.weapons,
            user_data=data.user_data,
            asker=request.auth,
        )


class InternalClubController(PeoplesTrackedController):
    """Clubs that the people of a bot follow."""

    path = "/clubs"
    kind = SubjectKind.CLUB

    @post(
        "/", operation_id="internal_track_club", audited=("user_id",), status_code=HTTP_201_CREATED, description=TRACK
    )
    async def track(self, request: AsBot, data: JSONBody[BotTracksClub], tracking_service: Service) -> TrackingStarted:
        return await tracking_service.track(
            SubjectKind.CLUB,
            data.user_id,
            data.club,
            name=data.name,
            weapons=data.weapons,
            user_data=data.user_data,
            asker=request.auth,
        )
