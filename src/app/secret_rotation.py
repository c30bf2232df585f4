"""`trackers secrets rotate`: replaces the installation's secret without losing channels, keys and sessions."""

from datetime import datetime

from app.container import AppContainer
from shared.errors import Conflict
from shared.installation_secret import Needing

PREVIOUS = "TRACKERS_SECRET_KEY_PREVIOUS"


async def rotate(container: AppContainer) -> list[str]:
    """Encrypt all channels with the current secret, and return the lines of a report. It may be repeated.

    Digests of bot keys and sessions cannot be computed without the key or token, so they are replaced at the next use.
    Raises Conflict if there is no previous secret.
    """
    if not container.installation_secret().replaces_another:
        raise Conflict(
            f"there is no previous secret, so nothing is being replaced: set {PREVIOUS} to the secret that was used "
            "before, and TRACKERS_SECRET_KEY to the new one (docs/operations.md)"
        )
    now = container.clock().now()
    auth, channels = container.users.rotation(), container.notifications.rotation()
    started_at = await auth.start(now=now)
    resealed, unreadable = await channels.reseal()
    needing = [
        *await auth.remaining(started_at=started_at, now=now),
        *await channels.remaining(started_at=started_at, now=now),
    ]
    lines = [f"channels now encrypted with the current secret: {resealed}"]
    if unreadable:
        lines.append(f"channels that neither secret can decrypt; they must be added again: {unreadable}")
    lines += [_line(rows) for rows in needing]
    left = sum(rows.count for rows in needing)
    lines.append(f"left that needs {PREVIOUS}: {left}")
    if left:
        lines.append("keep it until all of these have been used, or remove it: then they stop working")
    else:
        lines.append("remove it and restart every process")
    return lines


def _line(needing: Needing) -> str:
    used = f"last used {_minute(needing.used_at)}" if needing.used_at else "not used yet, as far as known"
    until = f", expired by {_minute(needing.until)}" if needing.until else ""
    return f"still needs the previous secret: {needing.what}: {needing.count}, {used}{until}"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
