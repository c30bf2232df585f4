"""The rules of players, a file per group of use cases."""
