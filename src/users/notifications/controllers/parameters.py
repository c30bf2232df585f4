"""Parameters that endpoints of all audiences share."""

from typing import Annotated
from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from users.notifications.preferences import PreferenceService
from users.notifications.queries import NotificationQueries
from users.notifications.schemas import DeliveryState
from users.notifications.service import ChannelService

Service = NamedDependency[SkipValidation[ChannelService]]
PreferencesService = NamedDependency[SkipValidation[PreferenceService]]
Queries = NamedDependency[SkipValidation[NotificationQueries]]

Before = Annotated[UUID | None, QueryParameter(description="Only deliveries older than this one.")]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="Deliveries per page.")]
StateFilter = Annotated[
    DeliveryState | None, QueryParameter(name="state", description="Only deliveries in this state.")
]
