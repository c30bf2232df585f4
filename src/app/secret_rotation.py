"""`trackers secrets rotate`: replace the installation's secret without losing channels, keys and sessions."""

from datetime import datetime

from app.container import AppContainer
from shared.errors import Conflict
from shared.installation_secret import Needing

PREVIOUS = "TRACKERS_SECRET_KEY_PREVIOUS"


async def rotate(container: AppContainer) -> list[str]:
    """Seal channels anew and report, a line each; it may be repeated. Raises Conflict without a previous secret.

    Digests of bot keys and sessions cannot be made anew without the key or token, so that happens at their next use.
    """
    if not container.installation_secret().replaces_another:
        raise Conflict(
            f"no previous secret is given, so nothing is being replaced: set {PREVIOUS} to the secret that was used "
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
    lines = [f"channels sealed under the current secret now: {resealed}"]
    if unreadable:
        lines.append(f"channels that open under neither secret, and must be made again: {unreadable}")
    lines += [_line(one) for one in needing]
    left = sum(one.count for one in needing)
    lines.append(f"left that needs {PREVIOUS}: {left}")
    if left:
        lines.append("keep it until these were used, or remove it: then they stop working")
    else:
        lines.append("remove it and restart every process")
    return lines


def _line(needing: Needing) -> str:
    used = f"last used {_minute(needing.used_at)}" if needing.used_at else "not used yet, as far as is known"
    until = f", over by {_minute(needing.until)}" if needing.until else ""
    return f"still needs the previous secret: {needing.what}: {needing.count}, {used}{until}"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
