"""Accounts of people, and their identities elsewhere, such as a Discord user."""
