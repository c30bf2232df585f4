"""`trackers follow`: a target of a source that has no way of its own to be told what to follow."""

from datetime import timedelta
from uuid import UUID

from app.container import AppContainer
from shared.errors import BadRequest


async def follow(container: AppContainer, name: str, entered: str, *, every: timedelta) -> tuple[str, UUID]:
    """Follow one target from now on; its key and its task. Raises a Problem for what cannot be followed so."""
    source = container.sources()[name]
    if not source.followed_by_hand:
        raise BadRequest(f"What is followed on {name} belongs to people: register it through the API.")
    key, address = source.read(entered)
    targets = container.targets()
    (target,) = (await targets.track(name, {key: address}, interval=every)).values()
    return key, (await targets.request_run(name, [target]))[target]
