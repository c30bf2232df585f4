"""The endpoints of authentication, one file per audience."""
