"""Your visibility on leaderboards."""

from typing import Any

from litestar import Controller, Request, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from shared.web.identity import PersonIdentity
from users.guilds.leaderboards import ChooseLeaderboards, LeaderboardChoice, LeaderboardOptOuts

Choices = NamedDependency[SkipValidation[LeaderboardOptOuts]]
Asking = Request[Any, PersonIdentity, Any]


class MyLeaderboardController(Controller):
    """Your visibility on the leaderboards of guilds."""

    path = "/users/me/leaderboards"
    tags = ("users",)

    @get("/", operation_id="get_my_leaderboards")
    async def get_choice(self, request: Asking, leaderboard_opt_outs: Choices) -> LeaderboardChoice:
        """List the leaderboards that you chose to be hidden from."""
        return await leaderboard_opt_outs.choice_of(request.auth.user_id)

    @put("/", operation_id="put_my_leaderboards")
    async def put_choice(
        self, request: Asking, data: JSONBody[ChooseLeaderboards], leaderboard_opt_outs: Choices
    ) -> LeaderboardChoice:
        """Choose the leaderboards that you want to be hidden from.

        This replaces your previous list. Your trackers keep running, and you and the admins of your guilds still see
        them. Leaderboards and previews of rating formulas leave you out at once; ranks below you move up within a
        minute. 404 `guild_not_found` if you are not a member of one of the guilds.
        """
        return await leaderboard_opt_outs.choose(request.auth, data)
