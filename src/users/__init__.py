"""People and the programs that speak for them: accounts, authentication, guilds, notifications."""
