"""What is checked before the features run against a deployment, asked of a real service."""

from collections.abc import Callable

import pytest
from tests.features.deployment import SCOPES, Deployment
from tests.features.service import Service

HERS = "trackers"


@pytest.mark.admin
def test_scopes_that_a_key_lacks_are_named(service: Service, admin_token: Callable[[], str]) -> None:
    admin = {"Authorization": f"Bearer {admin_token()}"}
    key = service.http.post("/api/admin/keys", json={"name": "preflight", "scopes": [HERS]}, headers=admin).json()
    deployment = Deployment(url=str(service.http.base_url), bot_key=key["text"])
    lacking = ", ".join(scope for scope in SCOPES if scope != HERS)
    assert list(deployment.shortcomings()) == [f"BOT_KEY lacks the scopes {lacking}"]
    service.http.delete(f"/api/admin/keys/{key['prefix']}", headers=admin)


def test_a_key_and_a_login_that_nobody_made_are_refused(service: Service) -> None:
    deployment = Deployment(
        url=str(service.http.base_url),
        bot_key=f"trk_madeupkey0_{'A' * 43}",
        admin_login="nobody",
        admin_password="a password of nobody's",
    )
    assert list(deployment.shortcomings()) == [
        "BOT_KEY is refused: it is not a key of this deployment, or revoked",
        "ADMIN_LOGIN and ADMIN_PASSWORD are refused (login_failed)",
    ]


def test_a_service_that_runs_will_do(service: Service) -> None:
    key = str(service.http.headers["Authorization"]).removeprefix("Bearer ")
    assert list(Deployment(url=str(service.http.base_url), bot_key=key).shortcomings()) == []
