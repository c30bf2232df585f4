"""Guilds (Discord servers): their members, their admins and their settings."""
