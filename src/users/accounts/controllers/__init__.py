"""Endpoints of accounts, one file per audience."""
