"""Validation and preview of a guild's rating formula."""

from typing import Any

from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation
from litestar.status_codes import HTTP_200_OK

from shared.web.identity import PersonIdentity
from trackers.games.controllers.parameters import GuildId
from trackers.games.rating_queries import RatingQueries
from trackers.games.rating_schemas import FormulaPreview, FormulaVerdict, PreviewFormula, ValidateFormula

Asking = Request[Any, PersonIdentity, Any]
Queries = NamedDependency[SkipValidation[RatingQueries]]


class GuildRatingController(Controller):
    """Only for admins of the guild and service admins; 403 for other members, 404 for everybody else."""

    path = "/guilds/{guild_id:str}/rating"
    tags = ("guilds",)

    @post("/validate", operation_id="validate_rating_formula", status_code=HTTP_200_OK)
    async def validate(
        self, request: Asking, guild_id: GuildId, data: JSONBody[ValidateFormula], rating_queries: Queries
    ) -> FormulaVerdict:
        """Validate a rating formula.

        Get its errors with their positions or, if it is valid, its result for a sample player. Nothing is stored.
        """
        return await rating_queries.validate(request.auth, guild_id, data.formula)

    @post("/preview", operation_id="preview_rating_formula", status_code=HTTP_200_OK)
    async def preview(
        self, request: Asking, guild_id: GuildId, data: JSONBody[PreviewFormula], rating_queries: Queries
    ) -> FormulaPreview:
        """Rank a guild's members by a formula that you want to try.

        Each row also has the rank, score and salary by the guild's current formula. The salary is the score rounded to
        the nearest multiple of 25. Nothing is stored. 422 if the formula is not valid.
        """
        return await rating_queries.preview(request.auth, guild_id, data.formula, limit=data.limit)
