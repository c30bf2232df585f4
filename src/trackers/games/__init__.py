"""Game profiles from Tracker Network: rating, rank, matches and streak per playlist, fetched once a day by default.

The module is off until the operator sets the site's address (`TRACKERS_GAMES_BASE_URL`). The site's terms do not permit
scraping Rocket League, so the operator who turns it on is responsible for it. An account (game, platform, identifier)
is the target, shared by all its followers; a tracker is one person's wish to follow one account.
"""
