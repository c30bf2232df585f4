"""The rules of game trackers, one file per group of use cases."""
