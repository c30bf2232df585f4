"""HTTP endpoints of contracts, one file per audience."""
