class EmbeddedServersError(Exception):
    """An embedded server cannot be started or used; the message says what to do next."""
