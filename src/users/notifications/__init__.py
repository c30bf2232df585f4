"""Telling people: channels, preferences, deliveries."""
