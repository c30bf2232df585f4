"""The endpoints of accounts, one file per audience."""
