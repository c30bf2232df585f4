"""Every Struct that is sent or answered."""

from trackers_client.generated.models import *  # noqa: F403 -- that module names what it has
