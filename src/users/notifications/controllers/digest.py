"""One's own digests, the link by which they are given up, and all of them for admins."""

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
Token = Annotated[str, QueryParameter(max_length=MAX_TOKEN_LENGTH, description="From the link in a digest.")]


class MyDigestController(Controller):
    """A mail a day, or a week, with what is new."""

    path = "/users/me/digest"
    tags = ("notifications",)

    @get("/", operation_id="get_my_digest")
    async def get_settings(self, request: Asking, digest_queries: Queries) -> DigestSettings:
        """How often one gets a digest, and when the next one is due."""
        return await digest_queries.settings(request.auth.user_id)

    @put("/", operation_id="put_my_digest", audited=("period", "hour", "weekday", "channel_id"))
    async def put_settings(
        self, request: Asking, data: JSONBody[SettleDigest], digest_service: Service
    ) -> DigestSettings:
        """Settle how often, and at which hour of one's own clock, a digest comes; `off` for none.

        409 `no_mailbox` where one has no verified e-mail channel.
        """
        return await digest_service.settle(request.auth, data)

    @get("/preview", operation_id="preview_my_digest")
    async def preview(self, request: Asking, digest_service: Service) -> DigestPreview:
        """What a digest would tell now, as text and HTML; nothing is sent, and nothing counts as told."""
        return await digest_service.preview(request.auth)

    @get("/sent", operation_id="list_my_digests")
    async def list_sent(self, request: Asking, digest_queries: Queries) -> SentDigests:
        """The latest digests, and what became of each."""
        return await digest_queries.sent(request.auth.user_id)


class UnsubscribeController(Controller):
    """The link in a digest: whoever has it may give that person's digests up, and do nothing else."""

    path = "/digest/unsubscribe"
    tags = ("notifications",)

    @get("/", operation_id="ask_to_unsubscribe", opt=OPEN, media_type=MediaType.HTML)
    async def ask(self, token: Token, digest_service: Service) -> Response[str]:
        """A page that asks first: mail scanners follow links, and unsubscribe nobody. 404 for no such link."""
        digest_service.check_link(token)
        return _page(done=False)

    @post("/", operation_id="unsubscribe", opt=OPEN, media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def unsubscribe(self, token: Token, digest_service: Service) -> Response[str]:
        """Give digests up, in one click (RFC 8058); again and again it changes nothing. 404 for no such link."""
        await digest_service.unsubscribe(token)
        return _page(done=True)


class DigestController(Controller):
    """Everybody's digests."""

    path = "/digests"
    tags = ("notifications",)

    @post("/run", operation_id="run_digests", audited=("user_id",), status_code=HTTP_200_OK)
    async def run(self, data: JSONBody[RunDigests], digest_run: Run) -> DigestsRun:
        """See to the digests that are due now, as happens every minute; or to one person's, due or not.

        A period's digest is made once, however often this is asked.
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
