"""Guilds (Discord servers): who is in them, who runs them, and what they have settled for their members."""
