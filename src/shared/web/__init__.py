"""HTTP: problem+json, request log, guards, audiences, health."""
