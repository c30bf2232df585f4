"""Notifications: an event becomes deliveries to the channels of members and guilds; a worker sends them."""
