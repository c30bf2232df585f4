"""Transports, one per kind of channel: how it sends messages, and how the channel proves that it reaches its owner."""
