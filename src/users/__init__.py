"""Users module: accounts, authentication, guilds and notifications."""
