"""The OpenAPI schema of the application, built without any server."""

from pathlib import Path

import msgspec

from app.api import create_app
from app.container import AppContainer
from app.modules import all_settings
from shared.settings import Secret, Settings, load


def openapi_schema() -> bytes:
    """The schema as JSON."""
    loaded = load(all_settings(), {})
    nowhere = msgspec.structs.replace(
        loaded[Settings],
        home=Path("/nonexistent"),
        database_url=Secret("postgresql://nowhere"),
        redis_url=Secret("redis://nowhere"),
    )
    container = AppContainer(loaded=loaded.with_(nowhere), secret=Secret("only for the schema"))
    return msgspec.json.encode(create_app(container).openapi_schema.to_schema())
