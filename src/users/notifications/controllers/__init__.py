"""HTTP endpoints of channels, preferences, deliveries and digests."""
