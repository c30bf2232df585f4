"""Old School RuneScape players: skills, bosses and activities from the game's own hiscores, a few times a day each.

Players are shared by everyone who follows them; what they gain is kept for good.
"""
