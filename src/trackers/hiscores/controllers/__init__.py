"""Endpoints of the hiscores, one file per audience and group."""
