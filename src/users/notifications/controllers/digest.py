"""Endpoints of digests: your own settings, the unsubscribe link, and runs for admins."""

from functools import cache
from typing import Annotated, Any

from jinja2 import Environment, PackageLoader, select_autoescape
from litestar import Controller, MediaType, Request, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter, SkipValidation
from litestar.status_codes import HTTP_200_OK

from shared.web.guards import OPEN
from shared.web.identity import PersonIdentity
from users.notifications.digest_queries import DigestQueries
from users.notifications.digest_run import DigestRun
from users.notifications.digest_schemas import (
    DigestPreview,
    DigestSettings,
    DigestsRun,
    RunDigests,
    SentDigests,
    SettleDigest,
)
from users.notifications.digest_service import DigestService
from users.notifications.unsubscribing import MAX_TOKEN_LENGTH

Service = NamedDependency[SkipValidation[DigestService]]
Queries = NamedDependency[SkipValidation[DigestQueries]]
Run = NamedDependency[SkipValidation[DigestRun]]
Asking = Request[Any, PersonIdentity, Any]
Token = Annotated[str, QueryParameter(max_length=MAX_TOKEN_LENGTH, description="Token from the link in a digest.")]


class MyDigestController(Controller):
    """Your digest: one daily or weekly mail of all updates."""

    path = "/users/me/digest"
    tags = ("notifications",)

    @get("/", operation_id="get_my_digest")
    async def get_settings(self, request: Asking, digest_queries: Queries) -> DigestSettings:
        """Get how often you receive a digest, and when the next one is due."""
        return await digest_queries.settings(request.auth.user_id)

    @put("/", operation_id="put_my_digest", audited=("period", "hour", "weekday", "channel_id"))
    async def put_settings(
        self, request: Asking, data: JSONBody[SettleDigest], digest_service: Service
    ) -> DigestSettings:
        """Set how often and at which hour you receive a digest.

        A digest is one daily or weekly mail with all updates. The hour is in your time zone. Set `period` to `off` to
        get no digests. 409 `no_mailbox` if you have no active e-mail channel, or if `channel_id` is not one of yours.
        """
        return await digest_service.settle(request.auth, data)

    @get("/preview", operation_id="preview_my_digest")
    async def preview(self, request: Asking, digest_service: Service) -> DigestPreview:
        """Preview your next digest as text and HTML.

        It contains the updates up to now. Nothing is sent, and your next digest still contains the updates shown here.
        """
        return await digest_service.preview(request.auth)

    @get("/sent", operation_id="list_my_digests")
    async def list_sent(self, request: Asking, digest_queries: Queries) -> SentDigests:
        """List your latest digests with their states, newest first.

        The list has at most 200 digests.
        """
        return await digest_queries.sent(request.auth.user_id)


class UnsubscribeController(Controller):
    """The unsubscribe link in a digest: without a login it switches that person's digests off, and nothing else."""

    path = "/digest/unsubscribe"
    tags = ("notifications",)

    @get("/", operation_id="ask_to_unsubscribe", opt=OPEN, media_type=MediaType.HTML)
    async def ask(self, token: Token, digest_service: Service) -> Response[str]:
        """Show a page that asks you to confirm that you want no more digests.

        Opening the page does not unsubscribe you, because mail scanners also open links. 404 `bad_unsubscribe_link` if
        the link is not valid.
        """
        digest_service.check_link(token)
        return _page(done=False)

    @post("/", operation_id="unsubscribe", opt=OPEN, media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def unsubscribe(self, token: Token, digest_service: Service) -> Response[str]:
        """Switch your digests off with one click (RFC 8058).

        Repeated calls change nothing. 404 `bad_unsubscribe_link` if the link is not valid.
        """
        await digest_service.unsubscribe(token)
        return _page(done=True)


class DigestController(Controller):
    """Digests of all members."""

    path = "/digests"
    tags = ("notifications",)

    @post("/run", operation_id="run_digests", audited=("user_id",), status_code=HTTP_200_OK)
    async def run(self, data: JSONBody[RunDigests], digest_run: Run) -> DigestsRun:
        """Make the digests that are due, or the digest of one person.

        Without `user_id`, make all digests that are due; this also happens automatically every minute. With `user_id`,
        make the person's digest of the current period, even if it is not due. A person gets one digest per period,
        however often you call this.
        """
        return await (digest_run.run() if data.user_id is None else digest_run.run_for(data.user_id))


@cache
def _templates() -> Environment:
    return Environment(loader=PackageLoader("users.notifications"), autoescape=select_autoescape(["html"]))


def _page(*, done: bool) -> Response[str]:
    return Response(
        _templates().get_template("unsubscribe.html").render(done=done),
        media_type=MediaType.HTML,
        headers={"Cache-Control": "no-store"},
    )
