"""What several folders of integration tests use."""

import pytest
from tests.conftest import Bench
from tests.integration.people import People

from app.container import AppContainer


@pytest.fixture
def people(api: Bench, container: AppContainer) -> People:
    return People(api.http, container)
