"""Old School RuneScape players: skills, bosses and activities from the game's own hiscores, a few times a day.

All followers share a player. Records are kept without limit unless the operator sets one.
"""
