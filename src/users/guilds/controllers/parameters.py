"""Parameters of the endpoints of both audiences."""

from typing import Annotated

from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, SkipValidation

from users.accounts.schemas import SNOWFLAKE
from users.guilds.queries import GuildQueries
from users.guilds.service import GuildService

Service = NamedDependency[SkipValidation[GuildService]]
Queries = NamedDependency[SkipValidation[GuildQueries]]

GuildId = Annotated[str, PathParameter(pattern=SNOWFLAKE, description="The guild's Discord id (a snowflake).")]
UsernameFilter = Annotated[
    str | None, QueryParameter(max_length=100, description="Only members whose username contains this, in any case.")
]
AdminFilter = Annotated[
    bool | None, QueryParameter(description="true: only admins of the guild; false: only other members.")
]
