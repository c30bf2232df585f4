"""Endpoints of fencers and clubs, one file per audience."""
