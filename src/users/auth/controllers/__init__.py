"""Endpoints of authentication, one file per audience."""
