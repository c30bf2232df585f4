"""The endpoints of fencers and clubs, one file per audience."""
