"""The endpoints of guilds, one file per audience."""
