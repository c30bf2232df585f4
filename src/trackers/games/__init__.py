"""Game profiles: rating, rank, matches and streak per playlist, from Tracker Network, once a day by default.

Off until the operator names the site's address (`TRACKERS_GAMES_BASE_URL`): its terms do not permit scraping Rocket
League, so whoever turns it on answers for it. What is followed is an account (game, platform, identifier), shared by
everyone who registered it; a tracker is one person's wish to follow one account.
"""
