"""The composition root: settings, container, API, worker, command line. No other package imports it."""
