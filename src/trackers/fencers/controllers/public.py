"""Endpoints of fencers and clubs for people."""

from litestar import post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_201_CREATED

from trackers.fencers.controllers.following import TRACK, AsPerson, OwnTrackedController
from trackers.fencers.controllers.parameters import Service
from trackers.fencers.links import SubjectKind
from trackers.fencers.schemas import TrackClub, TrackFencer, TrackingStarted


class FencerController(OwnTrackedController):
    """Fencers that you follow; as an admin of a guild you can also read those of its members."""

    path = "/fencers"
    kind = SubjectKind.FENCER

    @post("/", operation_id="track_fencer", status_code=HTTP_201_CREATED, description=TRACK)
    async def track(self, request: AsPerson, data: JSONBody[TrackFencer], tracking_service: Service) -> TrackingStarted:
        return await tracking_service.track(
            SubjectKind.FENCER,
            request.auth.user_id,
            data.fencer,
            name=data.name,
            weapons=data.weapons,
            asker=request.auth,
        )


class ClubController(OwnTrackedController):
    """Clubs that you follow; as an admin of a guild you can also read those of its members."""

    path = "/clubs"
    kind = SubjectKind.CLUB

    @post("/", operation_id="track_club", status_code=HTTP_201_CREATED, description=TRACK)
    async def track(self, request: AsPerson, data: JSONBody[TrackClub], tracking_service: Service) -> TrackingStarted:
        return await tracking_service.track(
            SubjectKind.CLUB, request.auth.user_id, data.club, name=data.name, weapons=data.weapons, asker=request.auth
        )
