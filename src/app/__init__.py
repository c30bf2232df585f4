"""The composition root: settings, container, API, worker, command line. Nothing imports it."""
