"""Telling people: channels, preferences, deliveries. An event becomes deliveries; a worker sends them."""
