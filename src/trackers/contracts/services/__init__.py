"""Use cases of contracts, one file per group."""
