class EmbeddedServersError(Exception):
    """An embedded server cannot be had; the message says what to do next."""
