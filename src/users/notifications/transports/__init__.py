"""The kinds of channels, each with its carrier: what it sends, and how it proves that it reaches its owner."""
