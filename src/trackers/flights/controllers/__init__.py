"""Endpoints of flight prices, one file per resource; all are for people."""
