"""Fencers and clubs: who is registered for which tournament, from the pages of fencingtracker.com.

The site has a page per fencer and per club. Clubs are fetched every few hours and first, fencers after them, one page
every few seconds over all workers. Registrations, withdrawals and new dates are stored, and followers are notified at
once or in a digest.
"""
