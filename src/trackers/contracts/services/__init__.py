"""The use cases of contracts, a file per group."""
