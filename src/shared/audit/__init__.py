"""The audit log (every mutating request) and the activity log (events that happened to trackers, users and so on).

Entries are written in the transaction of the change. A request that changed nothing, or that opens its own
transactions (such as a login), is written separately before its response is sent.
"""
