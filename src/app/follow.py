"""`trackers follow`: follows a target of a source that has no registration in the API."""

from datetime import timedelta
from uuid import UUID

from app.container import AppContainer
from shared.errors import BadRequest


async def follow(container: AppContainer, name: str, entered: str, *, every: timedelta) -> tuple[str, UUID]:
    """Follow one target; return its key and the task of its first fetch.

    Raises a Problem if the target cannot be followed in this way.
    """
    source = container.sources()[name]
    if not source.followed_by_hand:
        raise BadRequest(f"On {name} every tracker belongs to a person, so add trackers through the API.")
    key, address = source.read(entered)
    targets = container.targets()
    (target,) = (await targets.track(name, {key: address}, interval=every)).values()
    return key, (await targets.request_run(name, [target]))[target]
