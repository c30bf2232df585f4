"""The wire: problem+json, request log, guards, audiences, health."""
