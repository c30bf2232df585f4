"""Who may ask: people by their sessions, bots by their keys."""
