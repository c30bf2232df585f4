"""Contracts over HTTP, one file per audience."""
