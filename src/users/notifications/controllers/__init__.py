"""Channels, preferences and deliveries over HTTP: of oneself, of a guild, of everybody."""
