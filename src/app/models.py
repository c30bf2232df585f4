"""All tables of the app, for migrations and for the test that compares both."""

from typing import Final

from sqlalchemy import MetaData

from shared.audit import models as audit_models
from shared.database import Base
from shared.outbox import models as outbox_models
from shared.scraping import models as scraping_models
from shared.web import models as web_models
from trackers.contracts import models as contract_models
from trackers.fencers import models as fencers_models
from trackers.flights import models as flight_models
from trackers.games import models as games_models
from trackers.hiscores import models as hiscores_models
from users.accounts import models as account_models
from users.auth import models as auth_models
from users.guilds import models as guild_models
from users.notifications import models as notification_models

TABLE_MODULES: Final = (
    audit_models,
    outbox_models,
    scraping_models,
    web_models,
    account_models,
    auth_models,
    guild_models,
    notification_models,
    games_models,
    hiscores_models,
    fencers_models,
    contract_models,
    flight_models,
)
METADATA: Final[MetaData] = Base.metadata
