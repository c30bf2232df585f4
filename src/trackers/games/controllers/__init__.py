"""Controllers of game trackers, one file per audience and topic."""
