"""Who may ask: bot keys (people's tokens come with their accounts)."""
