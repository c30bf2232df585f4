"""Authentication of people by sessions and of bots by keys."""
