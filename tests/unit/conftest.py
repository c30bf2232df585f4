"""Examples that hypothesis thinks of: a busy machine may take its time over one, and none is kept on disk."""

from hypothesis import settings

settings.register_profile("house", deadline=None, database=None)
settings.load_profile("house")
