"""The endpoints of the game trackers, one file per audience."""
