"""Fencers and clubs: who is registered for which tournament, as fencingtracker.com tells it on a page per fencer and
per club. Clubs are looked at every few hours and first, fencers after them, one page every few seconds over all
workers; registrations, withdrawals and new dates are kept and told, at once or in a digest.
"""
