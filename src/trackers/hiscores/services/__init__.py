"""Services of players, one file per group of use cases."""
