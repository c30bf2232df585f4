"""Endpoints of guilds, one file per audience."""
