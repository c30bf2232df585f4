"""The rules of game trackers, a file per group of use cases."""
